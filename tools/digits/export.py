"""Writes the ONNX file and what belongs to it, and measures the file as written."""

import json
import typing

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from . import data, network, reference

SOURCE = "Trained by tools/train_digits.py on 4,000 digits of MNIST (LeCun, Cortes, Burges)."
LICENSE = (
    "model.onnx, model.json: the licence of this project. samples/ and test_data_set_0/: digits of MNIST, "
    "Yann LeCun and Corinna Cortes, CC BY-SA 3.0."
)
NOISE_SEEDS = 5


class Report(typing.NamedTuple):
    labels: np.ndarray  # of the held-out digits
    held_out_probabilities: np.ndarray  # [1000, 10] double, by reference.py
    sample_probabilities: np.ndarray  # [samples, 10] double, by reference.py
    sample_labels: np.ndarray
    noise: dict  # weight -> (smallest largest change in a sample's probabilities over the seeds, held-out accuracy)
    runtime: (
        tuple  # (onnxruntime's version, its probabilities of the held-out digits, of the samples), or () without it
    )


def write_model(net, path):
    """The training graph as it is: BatchNormalization and Relu stay nodes of their own, for the engine to fuse."""
    builder = Builder()
    x = "image"
    conv1, norm1, _, _, conv2, norm2, _, _ = net.stem
    conv3, norm3 = net.branch
    _, _, gemm1, _, gemm2 = net.head
    x = builder.pool(
        builder.node("Relu", builder.norm(builder.conv(x, conv1, "conv1"), norm1, "norm1"), name="relu1"), "pool1"
    )
    x = builder.pool(
        builder.node("Relu", builder.norm(builder.conv(x, conv2, "conv2"), norm2, "norm2"), name="relu2"), "pool2"
    )
    branch = builder.norm(builder.conv(x, conv3, "conv3"), norm3, "norm3")
    x = builder.node("Relu", builder.node("Add", branch, x, name="residual"), name="relu3")
    x = builder.node("Flatten", x, name="flatten", axis=1)
    height_width_channels = gemm1.weight.value.reshape(7, 7, 32, -1)
    x = builder.gemm(x, np.moveaxis(height_width_channels, 2, 0).reshape(7 * 7 * 32, -1), gemm1.bias.value, "gemm1")
    x = builder.gemm(builder.node("Relu", x, name="relu4"), gemm2.weight.value, gemm2.bias.value, "gemm2")
    builder.node("Softmax", x, name="softmax", output="probabilities", axis=1)

    graph = helper.make_graph(
        builder.nodes,
        "digits",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, ["batch", 1, data.SIZE, data.SIZE])],
        [helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["batch", data.CLASSES])],
        builder.weights,
    )
    model = helper.make_model(
        graph,
        opset_imports=[helper.make_opsetid("", 17)],
        producer_name="tools/train_digits.py",
        ir_version=8,
        doc_string=f"{SOURCE} Handwritten digits, 28 x 28, light on dark.",
    )
    onnx.checker.check_model(model, full_check=True)
    path.write_bytes(model.SerializeToString(deterministic=True))
    return onnx.load(path)


class Builder:
    def __init__(self):
        self.nodes, self.weights = [], []

    def node(self, operator, *inputs, name, output=None, **attributes):
        output = output or f"{name}_out"
        self.nodes.append(helper.make_node(operator, list(inputs), [output], name=name, **attributes))
        return output

    def weight(self, name, value):
        self.weights.append(numpy_helper.from_array(np.ascontiguousarray(value, np.float32), name))
        return name

    def conv(self, x, layer, name):
        k, pad = layer.kernel, layer.kernel // 2
        weight = layer.weight.value.reshape(k, k, layer.inputs, layer.outputs).transpose(3, 2, 0, 1)
        return self.node(
            "Conv",
            x,
            self.weight(f"{name}.weight", weight),
            name=name,
            kernel_shape=[k, k],
            pads=[pad] * 4,
            strides=[1, 1],
        )

    def norm(self, x, layer, name):
        weights = {"scale": layer.scale.value, "bias": layer.shift.value, "mean": layer.mean, "var": layer.variance}
        names = [self.weight(f"{name}.{part}", value) for part, value in weights.items()]
        return self.node("BatchNormalization", x, *names, name=name, epsilon=network.EPSILON)

    def pool(self, x, name):
        return self.node("MaxPool", x, name=name, kernel_shape=[2, 2], strides=[2, 2])

    def gemm(self, x, weight, bias, name):
        return self.node(
            "Gemm", x, self.weight(f"{name}.weight", weight.T), self.weight(f"{name}.bias", bias), name=name, transB=1
        )


def measure(model, held_out, samples):
    images = data.normalise(held_out.images)
    pictures = np.stack([sample.image for sample in samples])
    expected = reference.run(model, pictures)
    return Report(
        held_out.labels,
        reference.run(model, images),
        expected,
        np.array([sample.label for sample in samples]),
        noise_in_each_weight(model, images, held_out.labels, pictures, expected),
        onnxruntime_outputs(model, images, pictures),
    )


def noise_in_each_weight(model, images, labels, pictures, expected):
    """What becomes of the outputs when Gaussian noise of its own standard deviation is added to one weight matrix."""
    results = {}
    for i, tensor in enumerate(model.graph.initializer):
        if len(tensor.dims) < 2:
            continue
        changes, weight = [], numpy_helper.to_array(tensor)
        for seed in range(NOISE_SEEDS):
            disturbed = onnx.ModelProto.FromString(model.SerializeToString())
            noise = np.random.default_rng(seed).normal(0, weight.std(), weight.shape)
            disturbed.graph.initializer[i].CopyFrom(
                numpy_helper.from_array((weight + noise).astype(np.float32), tensor.name)
            )
            changes.append(np.abs(reference.run(disturbed, pictures) - expected).max())
        accuracy = (reference.run(disturbed, images).argmax(1) == labels).mean()
        results[tensor.name] = (float(min(changes)), float(accuracy))
    return results


def onnxruntime_outputs(model, images, pictures):
    try:
        import onnxruntime
    except ImportError:
        return ()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    outputs = [session.run(None, {"image": batch.astype(np.float32)})[0] for batch in (images, pictures)]
    return (onnxruntime.__version__, *outputs)


def write_settings(path):
    settings = {
        "description": "Handwritten digits 0 to 9, for 28 x 28 gray pictures, light strokes on dark.",
        "license": LICENSE,
        "source": SOURCE,
        "labels": [str(digit) for digit in range(data.CLASSES)],
        "inputs": {
            "image": {
                "image": {
                    "channels": "gray",
                    "width": data.SIZE,
                    "height": data.SIZE,
                    "layout": "NCHW",
                    "scale": 1 / 255,
                    "mean": [data.MEAN],
                    "std": [data.STD],
                    "resize": "bilinear",
                    "invert": False,
                }
            }
        },
    }
    path.write_text(json.dumps(settings, indent=2) + "\n")


def write_expected(samples, report, path):
    """One line a picture, so that a difference between two versions of the file can be read."""
    lines = [
        json.dumps(
            {
                "file": f"samples/{sample.name}",
                "label": str(sample.label),
                "probabilities": [round(float(p), 9) for p in probabilities],
                "tolerance": sample.tolerance,
            }
        )
        for sample, probabilities in zip(samples, report.sample_probabilities)
    ]
    path.write_text('{"input": "image", "output": "probabilities", "samples": [\n' + ",\n".join(lines) + "\n]}\n")


def write_test_data(held_out, report, folder, count=5):
    """The layout of ONNX's own tests. The output is onnxruntime's, or reference.py's where that is not installed."""
    folder.mkdir(exist_ok=True)
    output = report.runtime[1] if report.runtime else report.held_out_probabilities
    tensors = {
        "input_0.pb": ("image", data.normalise(held_out.images[:count])),
        "output_0.pb": ("probabilities", output[:count]),
    }
    for name, (tensor, value) in tensors.items():
        content = numpy_helper.from_array(value.astype(np.float32), tensor).SerializeToString(deterministic=True)
        (folder / name).write_bytes(content)
