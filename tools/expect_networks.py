#!/usr/bin/env python3
"""Writes what ONNX Runtime computes for the networks of tools/export_networks.py: tests/data/networks/expected/*.npz.

Needs onnxruntime and numpy, in a temporary folder:

    venv=$(mktemp -d) && python3 -m venv $venv && $venv/bin/pip install onnxruntime
    $venv/bin/python tools/expect_networks.py

A network's exports have the same weights, and so one file: the outputs of the first export; the others must agree with
them to 2e-5. Of each case (batch, sequence, past) one array of float32: for each output its root mean square, then the
elements that network_inputs.sample picks.
"""

import pathlib
import sys

import numpy
import onnxruntime

ROOT = pathlib.Path(__file__).resolve().parent.parent
FOLDER = ROOT / "tests" / "data" / "networks"
sys.path.insert(0, str(ROOT / "tests" / "e2e"))
import network_inputs  # noqa: E402

AGREEMENT = 2e-5  # of the exports with each other, |a - b| <= t (|b| + rms(b))
LEAST_SPREAD = 0.1  # standard deviation of the first output


def main():
    print(f"onnxruntime {onnxruntime.__version__}, numpy {numpy.__version__}")
    (FOLDER / "expected").mkdir(exist_ok=True)
    for network, exports in network_inputs.EXPORTS.items():
        sessions = [session(name) for name in exports]
        cases = {}
        for shape in network_inputs.shapes(network):
            results = [run(each, network, shape) for each in sessions]
            for name, result in zip(exports[1:], results[1:]):
                compare(f"{name} {shape}", result, results[0])
            cases["x".join(map(str, shape))] = pack(network, shape, results[0])
        path = FOLDER / "expected" / f"{network}.npz"
        numpy.savez_compressed(path, onnxruntime=numpy.array(onnxruntime.__version__), **cases)
        print(f"{path.name}: {len(cases)} cases, {path.stat().st_size} bytes")


def session(name):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(str(FOLDER / f"{name}.onnx"), options, providers=["CPUExecutionProvider"])


def run(each, network, shape):
    names = list(network_inputs.outputs(network, *shape))
    return dict(zip(names, each.run(names, network_inputs.inputs(network, *shape))))


def compare(what, result, expected):
    for name, b in expected.items():
        scale = numpy.abs(b) + numpy.sqrt(numpy.mean(b.astype("f8") ** 2))
        worst = float((numpy.abs(result[name] - b) / scale).max())
        if not worst <= AGREEMENT:
            sys.exit(f"{what}, {name}: {worst:.1e} from the first export")


def pack(network, shape, result):
    parts = []
    for name, expected_shape in network_inputs.outputs(network, *shape).items():
        array = result[name]
        if array.shape != expected_shape or not numpy.isfinite(array).all():
            sys.exit(f"{network} {shape}, {name}: shape {array.shape}, or not finite")
        parts.append([numpy.sqrt(numpy.mean(array.astype("f8") ** 2))])
        parts.append(network_inputs.sample(name, array))
    spread = float(numpy.std(result[next(iter(result))]))
    if spread <= LEAST_SPREAD:
        sys.exit(f"{network} {shape}: outputs spread over {spread} only")
    return numpy.concatenate(parts).astype("f4")


if __name__ == "__main__":
    main()
