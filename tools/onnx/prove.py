#!/usr/bin/env python3
"""Checks the proofs in the lists of known gaps (tests/e2e/onnx_gaps*.txt) that the data of a case is wrong.
   prove.py PROGRAM NEWEST LIST=ROOT...    NEWEST: what make_cases.py wrote; ROOT: the cases that the list is about
`contradicted later-data`: the case of the same name in NEWEST passes. `contradicted exact`: the model evaluated by
onnx.reference with every float16 and bfloat16 as float32 lies nearer to the program's output than to the data, by the
mean of the distances."""

import json
import pathlib
import subprocess
import sys
import tempfile

import numpy
import onnx
from onnx import TensorProto, numpy_helper
from onnx.reference import ReferenceEvaluator

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tests/e2e"))
import onnx_suite

NARROW = (TensorProto.FLOAT16, TensorProto.BFLOAT16)


def main():
    if len(sys.argv) < 4:
        sys.exit(__doc__)
    program, newest = sys.argv[1], pathlib.Path(sys.argv[2])
    count, failed = 0, []
    for word in sys.argv[3:]:
        path, root = word.split("=", 1)
        for name, reason in onnx_suite.read_gaps(path).items():
            if not onnx_suite.is_contradicted(reason):
                continue
            count += 1
            kind = reason.split()[1].rstrip(":")
            proven = (
                kind == "later-data"
                and passes(program, newest / name)
                or kind == "exact"
                and exact(program, pathlib.Path(root) / name)
            )
            if not proven:
                failed.append(f"{path}: {name}: {reason}")
    print(f"{count - len(failed)} of {count} proofs hold")
    print("\n".join(failed))
    sys.exit(1 if failed else 0)


def verify(program, case, *more):
    process = subprocess.run(
        [program, "--json", "-q", "verify", str(case), *more], capture_output=True, text=True, check=False
    )
    return json.loads(process.stdout)["cases"][0]["status"]


def passes(program, case):
    return case.is_dir() and verify(program, case) == "passed"


def exact(program, case):
    model = onnx.load(case / "model.onnx")
    names = [value.name for value in model.graph.input]
    widen_graph(model.graph)
    for function in model.functions:
        widen_nodes(function.node)
    data = case / "test_data_set_0"
    inputs = [numpy_helper.to_array(onnx.load_tensor(data / f"input_{i}.pb")) for i in range(len(names))]
    inputs = [
        array.astype(numpy.float32) if array.dtype.itemsize == 2 and array.dtype.kind not in "iu" else array
        for array in inputs
    ]
    results = ReferenceEvaluator(model).run(None, dict(zip(names, inputs)))
    with tempfile.TemporaryDirectory() as output:
        verify(program, case, "--output", output)
        for index, result in enumerate(results):
            there, ours = onnx_suite.written_value(
                pathlib.Path(output, "model", "test_data_set_0"), model.graph.output[index].name, ("tensor",)
            )
            expected = onnx_suite.tensor_of((data / f"output_{index}.pb").read_bytes())
            if not there or not nearer(ours, expected, result):
                return False
    return True


def nearer(ours, expected, result):
    """On the whole: where every step of the model rounds, single elements say little."""
    have, need = numbers(ours), numbers(expected)
    return bool(abs(have - result).mean() < abs(need - result).mean())


def numbers(value):
    dtype, array = value
    return (array.astype("<u4") << 16).view("<f4") if dtype == TensorProto.BFLOAT16 else array.astype("<f4")


def widen_graph(graph):
    for value in [*graph.input, *graph.output, *graph.value_info]:
        if value.type.tensor_type.elem_type in NARROW:
            value.type.tensor_type.elem_type = TensorProto.FLOAT
    for tensor in graph.initializer:
        widen_tensor(tensor)
    widen_nodes(graph.node)


def widen_nodes(nodes):
    for node in nodes:
        for attribute in node.attribute:
            if attribute.HasField("t"):
                widen_tensor(attribute.t)
            if attribute.HasField("g"):
                widen_graph(attribute.g)
            if attribute.i in NARROW and attribute.name in (
                "to",
                "dtype",
                "output_dtype",
                "softmax_precision",
                "stash_type",
            ):
                attribute.i = TensorProto.FLOAT


def widen_tensor(tensor):
    if tensor.data_type in NARROW:
        tensor.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(tensor).astype(numpy.float32), tensor.name))


if __name__ == "__main__":
    main()
