"""Small ONNX models and tensors as bytes, written field by field (onnx.proto): shared with nothing that reads them."""

import struct

FLOAT, INT64, STRING, BOOL, FLOAT16, BFLOAT16 = 1, 7, 8, 9, 10, 16


def varint(value):
    value &= (1 << 64) - 1
    out = b""
    while value >= 0x80:
        out += bytes([value & 0x7F | 0x80])
        value >>= 7
    return out + bytes([value])


def number(field, value):
    return varint(field << 3) + varint(value)


def text(field, value):
    data = value.encode() if isinstance(value, str) else value
    return varint(field << 3 | 2) + varint(len(data)) + data


def tensor(dtype, dims, raw=b"", name=None, strings=()):
    """TensorProto; the elements are raw bytes, or strings."""
    out = b"".join(number(1, dim) for dim in dims) + number(2, dtype)
    out += b"".join(text(6, one) for one in strings)
    if not strings:
        out += text(9, raw)
    return out + (text(8, name) if name is not None else b"")


def floats(*values):
    return tensor(FLOAT, [len(values)], struct.pack(f"<{len(values)}f", *values))


def sequence(*tensors):
    """SequenceProto of tensors."""
    return number(2, 1) + b"".join(text(3, one) for one in tensors)


def optional(held=None):
    """OptionalProto of a tensor, or of nothing."""
    return number(2, 1) + text(3, held) if held is not None else b""


def tensor_type(dtype, dims=None):
    """TypeProto; a dim is a number or a name."""
    out = number(1, dtype)
    if dims is not None:
        out += text(2, b"".join(text(1, number(1, dim) if isinstance(dim, int) else text(2, dim)) for dim in dims))
    return text(1, out)


def sequence_type(dtype):
    return text(4, text(1, tensor_type(dtype)))


def optional_type(dtype):
    return text(9, text(1, tensor_type(dtype)))


def value(name, kind):
    return text(1, name) + text(2, kind)


def node(op, inputs, outputs, name="", **attributes):
    """NodeProto; attributes are whole numbers or graphs (bytes)."""
    out = b"".join(text(1, one) for one in inputs) + b"".join(text(2, one) for one in outputs)
    out += text(3, name) + text(4, op)
    for key, given in attributes.items():
        whole = isinstance(given, int)
        out += text(5, text(1, key) + (number(3, given) + number(20, 2) if whole else text(6, given) + number(20, 5)))
    return out


def graph(nodes, inputs, outputs, constants=(), name="g"):
    """GraphProto; inputs and outputs are value(), constants named tensor()."""
    return (b"".join(text(1, one) for one in nodes) + text(2, name) + b"".join(text(5, one) for one in constants)
            + b"".join(text(11, one) for one in inputs) + b"".join(text(12, one) for one in outputs))


def model(whole, opset=20):
    return number(1, 9) + text(7, whole) + text(8, number(2, opset))
