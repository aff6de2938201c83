"""A one-node ONNX model with the second operand as a constant, so that weights can be packed at load. No onnx package:
the few fields are written as protobuf (onnx.proto: ModelProto, GraphProto, NodeProto, TensorProto)."""
import array

FLOAT = 1
PERIOD = 31


def values(count, seed):
    """What worker.h's bench_value gives for elements 0..count-1."""
    one = array.array("f", [((i * 7 + seed * 3) % PERIOD - 15) / 16 for i in range(PERIOD)])
    return (one * (count // PERIOD + 1))[:count]


def varint(number):
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    out.append(number)
    return bytes(out)


def field(number, value):
    """One field: an integer as a varint, text, bytes or a message with its length."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    data = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(data)) + data


def value_info(name, dims):
    shape = b"".join(field(1, field(1, dim)) for dim in dims)
    return field(1, name) + field(2, field(1, field(1, FLOAT) + field(2, shape)))


def matmul(size):
    """The bytes of y = MatMul(x, W), all fp32 [size, size]."""
    node = field(1, "x") + field(1, "W") + field(2, "y") + field(3, "product") + field(4, "MatMul")
    weights = field(1, size) + field(1, size) + field(2, FLOAT) + field(8, "W") + \
        field(9, values(size * size, 1).tobytes())
    graph = field(1, node) + field(2, "matmul") + field(5, weights) + field(11, value_info("x", [size, size])) + \
        field(12, value_info("y", [size, size]))
    return field(1, 8) + field(7, graph) + field(8, field(1, "") + field(2, 13))
