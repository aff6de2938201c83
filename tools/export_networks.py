#!/usr/bin/env python3
"""Exports small-width, full-depth networks with seeded weights to tests/data/networks.

Needs torch, torchvision, transformers, onnx, onnxscript and onnxruntime, in a temporary folder:

    venv=$(mktemp -d) && python3 -m venv $venv
    $venv/bin/pip install torch torchvision transformers onnx onnxscript onnxruntime
    $venv/bin/python tools/export_networks.py [NAME...]

No weights are fetched: the classes of torchvision and transformers are built from a configuration and filled with
seeded random numbers, scaled so that outputs spread. `old` is torch.onnx.export by tracing (dynamo=False), `new` is
the one by torch.export (dynamo=True). Each file stays below 1 MB; run tools/expect_networks.py afterwards.
"""

import pathlib
import sys

import torch
import torchvision
import transformers

from networks import cnn, transformer

FOLDER = pathlib.Path(__file__).resolve().parent.parent / "tests" / "data" / "networks"
MAX_FILE_BYTES = 1 << 20

# file name: (network, exporter, opset, keep BatchNormalization)
EXPORTS = {
    "resnet50-old11": (cnn.resnet50, "old", 11, False),
    "resnet50-old17-batchnorm": (cnn.resnet50, "old", 17, True),
    "resnet50-new18": (cnn.resnet50, "new", 18, False),
    "mobilenetv2-old13": (cnn.mobilenet_v2, "old", 13, False),
    "mobilenetv2-new20": (cnn.mobilenet_v2, "new", 20, False),
    "bert-old11": (transformer.bert_eager, "old", 11, False),
    "bert-old17": (transformer.bert_sdpa, "old", 17, False),
    "bert-new20": (transformer.bert_sdpa, "new", 20, False),
    "gpt2-old13": (transformer.gpt2_eager, "old", 13, False),
    "gpt2-old17": (transformer.gpt2_sdpa, "old", 17, False),
    "gpt2-new18": (transformer.gpt2_sdpa, "new", 18, False),
}


def main():
    wanted = sys.argv[1:] or list(EXPORTS)
    unknown = [name for name in wanted if name not in EXPORTS]
    if unknown:
        sys.exit(f"unknown: {', '.join(unknown)}; there are: {', '.join(EXPORTS)}")
    print(f"torch {torch.__version__}, torchvision {torchvision.__version__}, transformers {transformers.__version__}")
    torch.set_num_threads(1)
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name in wanted:
        build, exporter, opset, keep_norm = EXPORTS[name]
        path = FOLDER / f"{name}.onnx"
        export(build(), exporter, opset, keep_norm, path)
        size = path.stat().st_size
        print(f"{path.name}: {size} bytes")
        if size >= MAX_FILE_BYTES:
            sys.exit(f"{path.name} has {size} bytes, {MAX_FILE_BYTES} or more")


def export(network, exporter, opset, keep_norm, path):
    """Writes one file. `network` is a cnn.Network: module, example inputs, names and dynamic axes."""
    module = network.module.eval()
    options = {"input_names": network.inputs, "output_names": network.outputs, "opset_version": opset}
    with torch.no_grad():
        if exporter == "old":
            if keep_norm:
                options |= {"training": torch.onnx.TrainingMode.PRESERVE, "do_constant_folding": False}
            torch.onnx.export(
                module, network.example, str(path), dynamo=False, dynamic_axes=network.dynamic_axes, **options
            )
        else:
            program = torch.onnx.export(
                module, network.example, dynamo=True, dynamic_shapes=network.dynamic_shapes(), verbose=False, **options
            )
            program.save(str(path), external_data=False)
    strip(path)


def strip(path):
    """Takes out texts about where in the Python source a node comes from: they are longer than the network."""
    import onnx

    model = onnx.load(str(path))
    graph = model.graph
    for item in [*graph.node, *graph.value_info, *graph.input, *graph.output, *graph.initializer]:
        item.doc_string = ""
        del item.metadata_props[:]
    for function in model.functions:
        for node in function.node:
            node.doc_string = ""
            del node.metadata_props[:]
    del model.metadata_props[:]
    del graph.metadata_props[:]
    onnx.save(model, str(path))


if __name__ == "__main__":
    main()
