"""The networks: exported once by the program itself, the rows of run.py, and what loading one costs."""
import subprocess
import time

import footprint
import machine
import workers

PEERS = ("onnxruntime", "onnxruntime-tuned", "openvino", "llamacpp")
VISION = ("onnxruntime", "onnxruntime-tuned", "openvino")
TEXT = ("onnxruntime", "onnxruntime-tuned", "llamacpp")
STATE = "GPT-2 token, 256 past"  # of the rows: the one that is also run with a state of ours
# name of the row, network, batch, tokens, tokens before, peers
ROWS = (
    ("ResNet-50 b1", "resnet50", 1, 1, 0, VISION),
    ("ResNet-50 b8", "resnet50", 8, 1, 0, VISION),
    ("MobileNetV2 b1", "mobilenet-v2", 1, 1, 0, VISION),
    ("BERT-base s128 b1", "bert-base", 1, 128, 0, VISION),
    ("GPT-2 token, 256 past", "gpt2", 1, 1, 256, TEXT),
)
LOADS = ("ResNet-50 b1", "BERT-base s128 b1")
LOAD_TARGETS = {"load": 0.6, "peak": 1.0}


def folder():
    return machine.ROOT / "build" / "bench"


def line(row):
    _, network, batch, sequence, past, _ = row
    return f"network {folder() / (network + '.onnx')} {batch} {sequence} {past}"


def export(build, only):
    """The files of the rows that are wanted, made where they are missing; what went wrong, by name."""
    problems = {}
    for name, network, *_ in ROWS:
        path = folder() / f"{network}.onnx"
        if only not in name or path.exists():
            continue
        done = subprocess.run([build / "openruntime", "models", "export", network, str(path)], capture_output=True,
                              text=True, check=False)
        if done.returncode != 0:
            raise SystemExit(f"models export {network}: {done.stderr.strip()}")
    onnx, gguf = folder() / "gpt2.onnx", folder() / "gpt2.gguf"
    if onnx.exists() and not gguf.exists():
        done = subprocess.run([machine.python(), str(machine.BENCH / "gpt2_gguf.py"), str(onnx), str(gguf)],
                              capture_output=True, text=True, check=False)
        if done.returncode != 0:
            gguf.unlink(missing_ok=True)
            problems["llamacpp"] = f"gpt2_gguf.py: {done.stderr.strip().splitlines()[-1]}"
    return problems


def cases(quick):
    for row in ROWS:
        if not (quick and row[0] == "ResNet-50 b8"):
            yield row[0], line(row), line(row), row[5], "", 0, 0
        if row[0] == STATE:
            yield f"{row[0]}, in a state", line(row).replace("network", "state", 1), line(row), row[5], "", 0, 0


def status_bytes(worker, field):
    with open(f"/proc/{worker.process.pid}/status", encoding="ascii") as status:
        return int(next(text for text in status if text.startswith(field)).split()[1]) * 1024


def one_load(command, cores, request):
    """Seconds from the request to the first answer in a process that has its libraries, and the bytes that came on top
    of that process at their peak."""
    worker = workers.Worker("load", command, cores)
    before, start = status_bytes(worker, "VmRSS"), time.monotonic()
    worker.ask(request)
    seconds, peak = time.monotonic() - start, status_bytes(worker, "VmHWM")
    worker.close()
    return seconds, peak - before, peak


def loads(programs, threads, cores, count, only):
    """Load to the first answer and peak memory, beside ONNX Runtime, interleaved; files in the page cache."""
    python, script = machine.python(), str(machine.BENCH / "peer.py")
    commands = {"ours": [str(programs / "ours"), str(threads)],
                "onnxruntime": [python, script, "onnxruntime-tuned", str(threads)]}
    found = []
    for row in ROWS:
        if row[0] not in LOADS or only not in row[0]:
            continue
        samples = {name: [] for name in commands}
        try:
            for number in range(count + 1):
                for name, command in commands.items():
                    sample = one_load(command, cores, line(row))
                    if number > 0:  # the first has filled the page cache
                        samples[name].append(sample)
        except workers.Refused as problem:
            found.append({"name": row[0], "threads": threads, "void": str(problem)})
            continue
        figures = {name: {"seconds": workers.spread([sample[0] for sample in taken]),
                          "added_bytes": workers.spread([sample[1] for sample in taken]),
                          "peak_bytes": workers.spread([sample[2] for sample in taken])}
                   for name, taken in samples.items()}
        ratio = {key: figures["ours"][key]["median"] / figures["onnxruntime"][key]["median"]
                 for key in ("seconds", "added_bytes", "peak_bytes")}
        found.append({"name": row[0], "threads": threads, "samples": count, "figures": figures, "ratio": ratio,
                      "verdicts": {"load": footprint.verdict_of(ratio["seconds"], LOAD_TARGETS["load"]),
                                   "peak": footprint.verdict_of(ratio["added_bytes"], LOAD_TARGETS["peak"])}})
    return found
