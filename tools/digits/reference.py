"""Runs an ONNX file of the few operators that the digits network uses, in double precision, by their definitions in the
ONNX specification. Independent of network.py: other layout, other algorithm, and it sees nothing but the file."""

import numpy as np
from onnx import helper, numpy_helper


def run(model, image):
    """image: [n, 1, 28, 28] -> the model's first output."""
    values = {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
    values = {name: value.astype(np.float64) if value.dtype == np.float32 else value for name, value in values.items()}
    values[model.graph.input[0].name] = image.astype(np.float64)
    for node in model.graph.node:
        attributes = {attribute.name: helper.get_attribute_value(attribute) for attribute in node.attribute}
        values[node.output[0]] = OPERATORS[node.op_type](*[values[name] for name in node.input], **attributes)
    return values[model.graph.output[0].name]


def conv(x, weight, kernel_shape, pads, strides):
    assert strides == [1, 1] and list(weight.shape[2:]) == kernel_shape
    padded = np.pad(x, ((0, 0), (0, 0), (pads[0], pads[2]), (pads[1], pads[3])))
    height, width = padded.shape[2] - kernel_shape[0] + 1, padded.shape[3] - kernel_shape[1] + 1
    return sum(
        np.einsum("nchw,oc->nohw", padded[:, :, i : i + height, j : j + width], weight[:, :, i, j])
        for i in range(kernel_shape[0])
        for j in range(kernel_shape[1])
    )


def batch_normalization(x, scale, shift, mean, variance, epsilon):
    scale, shift, mean, variance = (value[:, None, None] for value in (scale, shift, mean, variance))
    return (x - mean) / np.sqrt(variance + epsilon) * scale + shift


def max_pool(x, kernel_shape, strides):
    assert kernel_shape == strides == [2, 2]
    return np.maximum(
        np.maximum(x[:, :, ::2, ::2], x[:, :, 1::2, ::2]), np.maximum(x[:, :, ::2, 1::2], x[:, :, 1::2, 1::2])
    )


def softmax(x, axis):
    e = np.exp(x - x.max(axis, keepdims=True))
    return e / e.sum(axis, keepdims=True)


OPERATORS = {
    "Add": np.add,
    "BatchNormalization": batch_normalization,
    "Conv": conv,
    "Flatten": lambda x, axis: x.reshape(int(np.prod(x.shape[:axis])), -1),
    "Gemm": lambda a, b, c, transB: a @ (b.T if transB else b) + c,
    "MaxPool": max_pool,
    "Relu": lambda x: np.maximum(x, 0),
    "Softmax": softmax,
}
