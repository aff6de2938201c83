#!/usr/bin/env python3
"""What loading a model of 400 MB takes: peak resident memory of load and first run, beside packed weights + largest
initializer + 64 MiB, and how often its weights were read. Through `openruntime infer` and through a server's
`POST /models/NAME/load`. A program of its own; Linux.

    python3 bench/load.py                      # build/release, models in build/bench/load (1.3 GB)
    python3 bench/load.py --build build/dev --scale 8   # an eighth of the sizes
"""
import argparse
import array
import json
import os
import pathlib
import subprocess
import sys
import time

from onnx_model import FLOAT, field, values, varint

MIB = 1 << 20
ALLOWANCE = 64 * MIB
INT64, BOOL = 7, 9
PIECE = 31 << 17  # floats that are in memory at once: a multiple of the values' period


def sized(scale):
    """Initializers in the order of their nodes: the largest is packed last, when all others are there."""
    return [("table", [16384 // scale, 1024]), ("up", [1024, 16384 // scale]), ("down", [1024, 16384 // scale]),
            ("first", [1024, 1024 // scale, 3, 3]), ("second", [1024, 1024 // scale, 3, 3]),
            ("third", [1024, 1024 // scale, 3, 3]), ("head", [1024, 25600 // scale])]


def count_of(dims):
    count = 1
    for dim in dims:
        count *= dim
    return count


def node(op, inputs, outputs, *attributes):
    return b"".join(field(1, name) for name in inputs) + b"".join(field(2, name) for name in outputs) + \
        field(4, op) + b"".join(field(5, attribute) for attribute in attributes)


def integer(name, value):
    return field(1, name) + field(20, 2) + field(3, value)


def integers(name, numbers):
    return field(1, name) + field(20, 7) + b"".join(field(8, number) for number in numbers)


def subgraph(name, graph):
    return field(1, name) + field(20, 5) + field(6, graph)


def tensor(name, dtype, dims, raw):
    return b"".join(field(1, dim) for dim in dims) + field(2, dtype) + field(8, name) + field(9, raw)


def value(name, dtype, dims):
    shape = b"".join(field(1, field(1, dim) if isinstance(dim, int) else field(2, dim)) for dim in dims)
    return field(1, name) + field(2, field(1, field(1, dtype) + field(2, shape)))


def network(scale):
    """Gather, MatMul, Gemm, three convolutions, and a product with the largest matrix."""
    pads = integers("pads", [1, 1, 1, 1])
    split = integer("group", scale)
    nodes = [node("Gather", ["table", "ids"], ["words"]), node("MatMul", ["words", "up"], ["wide"]),
             node("Relu", ["wide"], ["thin"]), node("Gemm", ["thin", "down"], ["narrow"], integer("transB", 1)),
             node("Conv", ["image", "first"], ["a"], pads, split), node("Conv", ["a", "second"], ["b"], pads, split),
             node("Conv", ["b", "third"], ["features"], pads, split), node("MatMul", ["narrow", "head"], ["scores"])]
    return nodes, [("ids", INT64, ["n"]), ("image", FLOAT, [1, 1024, 4, 4])], ["features", "scores"]


def program(scale):
    """Bodies that read weights from outside: two branches, and a loop with a slice that the host cuts."""
    del scale

    def branch(op):
        nodes = [node("MatMul", ["words", "up"], ["inside"]), node(op, ["inside", "one"], [op])]
        return b"".join(field(1, made) for made in nodes) + field(2, op) + field(12, field(1, op))

    body = [node("Add", ["start", "step"], ["end"]), node("Slice", ["table", "start", "end", "axes"], ["row"]),
            node("MatMul", ["row", "up"], ["product"]), node("Identity", ["go"], ["go_on"])]
    loop = b"".join(field(1, made) for made in body) + field(2, "body") + field(11, value("i", INT64, [])) + \
        field(11, value("go", BOOL, [])) + field(11, value("start", INT64, [1])) + \
        field(12, value("go_on", BOOL, [])) + field(12, value("end", INT64, [1])) + field(12, field(1, "product"))
    nodes = [node("Gather", ["table", "ids"], ["words"]), node("MatMul", ["words", "up"], ["wide"]),
             node("If", ["c"], ["chosen"], subgraph("then_branch", branch("Add")),
                  subgraph("else_branch", branch("Mul"))),
             node("Loop", ["twice", "", "from"], ["at", "rows"], subgraph("body", loop)),
             node("Gemm", ["chosen", "down"], ["narrow"], integer("transB", 1)),
             node("Add", ["wide", "chosen"], ["sum"]), node("MatMul", ["narrow", "head"], ["scores"])]
    return nodes, [("ids", INT64, ["n"]), ("c", BOOL, []), ("from", INT64, [1])], ["sum", "rows", "scores"]


def small():
    one = lambda number: array.array("q", [number]).tobytes()  # noqa: E731
    return [tensor("one", FLOAT, [], array.array("f", [1]).tobytes()), tensor("axes", INT64, [1], one(0)),
            tensor("step", INT64, [1], one(1)), tensor("twice", INT64, [], one(2))]


def write_floats(file, count, seed):
    for at in range(0, count, PIECE):
        file.write(values(min(PIECE, count - at), seed).tobytes())


def head_of(number, length):
    return varint(number << 3 | 2) + varint(length)


def write_model(folder, storage, graph, weights):
    """`storage`: "raw", "typed" (float_data) or "external". Piece by piece, so that this process stays small."""
    nodes, inputs, outputs = graph
    made = b"".join(field(1, item) for item in nodes) + field(2, "load")
    made += b"".join(field(5, item) for item in small())
    made += b"".join(field(11, value(*given)) for given in inputs)
    made += b"".join(field(12, field(1, name)) for name in outputs)
    heads, offset = [], 0
    for name, dims in weights:
        size = count_of(dims) * 4
        about = b"".join(field(1, dim) for dim in dims) + field(2, FLOAT) + field(8, name)
        if storage == "external":
            for key, text in (("location", "model.onnx.data"), ("offset", str(offset)), ("length", str(size))):
                about += field(13, field(1, key) + field(2, text))
            heads.append((field(5, about + field(14, 1)), 0))
        else:
            about += head_of(9 if storage == "raw" else 4, size)
            heads.append((head_of(5, len(about) + size) + about, size))
        offset += size
    length = len(made) + sum(len(head) + size for head, size in heads)
    folder.mkdir(parents=True, exist_ok=True)
    beside = open(folder / "model.onnx.data", "wb") if storage == "external" else None
    with open(folder / "model.onnx", "wb") as file:
        file.write(field(1, 8) + field(8, field(1, "") + field(2, 17)) + head_of(7, length) + made)
        for seed, ((head, _), (_, dims)) in enumerate(zip(heads, weights)):
            file.write(head)
            write_floats(beside or file, count_of(dims), seed)
    if beside:
        beside.close()


def write_npy(path, typecode, dims, numbers):
    text = repr({"descr": {"f": "<f4", "q": "<i8", "b": "|b1"}[typecode], "fortran_order": False,
                 "shape": tuple(dims)})
    text += " " * (63 - (10 + len(text)) % 64) + "\n"
    path.write_bytes(b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text.encode() +
                     array.array(typecode, numbers).tobytes())


def write_inputs(folder):
    write_npy(folder / "ids.npy", "q", [4], [3, 1, 4, 1])
    write_npy(folder / "image.npy", "f", [1, 1024, 4, 4], values(1024 * 16, 1))
    write_npy(folder / "c.npy", "b", [], [1])
    write_npy(folder / "from.npy", "q", [1], [40])


def status_of(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        pairs = dict(line.split(":", 1) for line in file)
    return {key: int(pairs[key].split()[0]) * 1024 for key in ("VmHWM", "RssAnon", "RssFile")}


def run(command):
    """(peak resident bytes, seconds)"""
    started = time.monotonic()
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as process:
        said = process.stderr.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))}: {said.decode()}")
    return usage.ru_maxrss * 1024, time.monotonic() - started


def explained(program_path, model):
    done = subprocess.run([program_path, "explain", model, "--json", "--no-profile"], capture_output=True, check=True)
    return json.loads(done.stdout)["bytes"]


def serve(program_path, models, title, inputs):
    """Of a server that loads and runs once: its status before, after the load, and after the run."""
    command = [program_path, "server", "--port", "0", "--data", ":memory:", "--models", models]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        try:
            url = next(word.rstrip(";") for word in process.stdout.readline().split() if word.startswith("http://"))
            found = [status_of(process.pid)]
            for task in (["models", "load", title], ["infer", title, *inputs]):
                run([program_path, *task, "--url", url])
                found.append(status_of(process.pid))
        finally:
            process.terminate()
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("--build", type=pathlib.Path, default=pathlib.Path("build/release"))
    parser.add_argument("--models", type=pathlib.Path, default=pathlib.Path("build/bench/load"))
    parser.add_argument("--scale", type=int, default=1, help="divides the sizes: 1, 2, 4 or 8")
    options = parser.parse_args()
    program_path, failed = options.build / "openruntime", False
    weights = sized(options.scale)
    options.models.mkdir(parents=True, exist_ok=True)
    write_inputs(options.models)
    without_images = [weight for weight in weights if len(weight[1]) == 2]
    cases = [("raw", "raw", network, weights), ("typed", "typed", network, weights),
             ("external", "external", network, weights), ("program", "raw", program, without_images)]
    print("| model | weights MiB | packed | largest | read | bound | peak of infer | s | of a server | "
          "anonymous, file after |\n| --- |" + " --- |" * 9)
    for title, storage, graph, used in cases:
        made, folder = graph(options.scale), options.models / title
        write_model(folder, storage, made, used)
        inputs = [f"--input={name}={options.models / name}.npy" for name, _, _ in made[1]]
        peak, seconds = run([program_path, "infer", folder, *inputs])
        found = explained(program_path, folder)
        largest = max(count_of(dims) * 4 for _, dims in used)
        packed = found["packed"]
        if graph is program:  # every body counts what it shares
            packed = min(packed, found["weights"] + MIB)
        bound = packed + largest + ALLOWANCE
        read = found.get("read", 0) / found["weights"]
        after = serve(program_path, options.models, title, inputs)[-1]
        failed = failed or max(peak, after["VmHWM"]) > bound or read > 1 + 3e6 / found["weights"]
        over = lambda bytes_: f"{bytes_ / MIB:.1f}{' EXCEEDED' if bytes_ > bound else ''}"  # noqa: E731
        print(f"| {title} | {found['weights'] / MIB:.1f} | {packed / MIB:.1f} | {largest / MIB:.1f} | "
              f"{read:.3f} x | {bound / MIB:.1f} | {over(peak)} | {seconds:.2f} | "
              f"{over(after['VmHWM'])} | {after['RssAnon'] / MIB:.1f}, {after['RssFile'] / MIB:.1f} |", flush=True)
    return failed


if __name__ == "__main__":
    sys.exit(main())
