"""A smallest valid call of every operator of ai.onnx, in every version: inputs as prototypes, attributes, outputs.

EXAMPLES[name](call) -> (inputs, attributes[, count of outputs]). An input is an array in float64, which is cast to the
type that the cell asks for; None leaves an optional one out. `call.version` is the operator's, `call.types` says which
type each constraint has, and may be corrected by TIES where one constraint follows from another."""

import functools

import numpy as np
from onnx import helper

import grid_values as values
from grid_values import dtype_number, element, tensor


class Call:
    def __init__(self, name, version, types):
        self.name, self.version, self.types = name, version, types

    def dtype(self, constraint):
        return element(self.types[constraint])

    def number(self, constraint):
        return dtype_number(self.dtype(constraint))


def x(*shape):
    """Small halves and wholes, both signs."""
    return ((np.arange(int(np.prod(shape))) * 7 % 11 - 5) / 2).reshape(shape)


def up(*shape):
    """Positive: 1, 2, 3, 1 …"""
    return (np.arange(int(np.prod(shape))) % 3 + 1.0).reshape(shape)


def unit(*shape):
    """Between -0.75 and 0.75."""
    return (np.arange(int(np.prod(shape))) * 3 % 7 - 3).reshape(shape) / 4


def ints(*numbers):
    return np.array(numbers, dtype=np.float64)


def scalar(number):
    return np.array(float(number))


EXAMPLES = {}
TIES = {}


def example(*names):
    def register(function):
        for name in names:
            EXAMPLES[name] = function
        return function

    return register


def plain(names, *inputs, **attributes):
    for name in names.split():
        EXAMPLES[name] = lambda call: (list(inputs), dict(attributes))


# Element by element -----------------------------------------------------------------------------------------------

plain(
    "Abs Atan Ceil Celu Cos Elu Erf Exp Floor Gelu HardSigmoid HardSwish Hardmax IsInf IsNaN LeakyRelu LogSoftmax "
    "Mish Neg Relu Round Selu Shrink Sigmoid Sign Sin Softmax Softplus Softsign Swish Tanh ThresholdedRelu Not "
    "BitwiseNot Identity NonZero Shape Size Flatten Asinh Sinh Cosh",
    x(2, 3),
)
plain("Acos Asin Atanh Tan", unit(2, 3))
plain("Acosh Log Sqrt Reciprocal", up(2, 3))
plain(
    "Add Sub Mul Greater GreaterOrEqual Less LessOrEqual Equal And Or Xor BitwiseAnd BitwiseOr BitwiseXor",
    x(2, 3),
    up(3),
)
plain("Div", x(2, 3) * 2, up(3))
plain("Max Min Mean Sum", x(2, 3), up(2, 3), x(2, 3) + 1)
plain("Pow", up(2, 3), ints(2, 1, 2))
plain("PRelu", x(2, 3), up(3))
plain("SwiGLU", x(2, 3), unit(2, 3))
plain("Where", np.array([[1.0, 0, 1], [0, 1, 0]]), x(2, 3), up(3))
plain("Expand", x(3, 1), ints(2, 3, 4))
plain("StringConcat", x(2, 3), x(3))
plain("RegexFullMatch", np.array(["abc", "b", "aa"], dtype=object), pattern="a[a-c]*")


@example("GridSample")
def _(call):
    # At the corners and the middle, so that whole numbers stay whole; of text there is nothing in between.
    mode = {"mode": "nearest"} if call.dtype("T1") == "string" else {}
    return [x(1, 1, 3, 3), np.array([[[[-1.0, -1], [0, 1]], [[1, 0], [0, 0]]]])], {"align_corners": 1, **mode}


@example("Mod")
def _(call):
    return [x(2, 3) * 2, up(3)], {"fmod": int("int" not in call.dtype("T"))}


@example("BitShift")
def _(call):
    return [up(2, 3), ints(1, 2, 1)], {"direction": "LEFT"}


@example("Clip")
def _(call):
    return ([x(2, 3)], {"min": -1.0, "max": 1.5}) if call.version < 11 else ([x(2, 3), scalar(0), scalar(2)], {})


@example("Dropout")
def _(call):
    if call.version < 12:
        return [x(2, 3)], {"ratio": 0.25}, 2
    return [x(2, 3), scalar(0.25), np.array(False)], {}, 2


@example("Cast")
def _(call):
    text = call.dtype("T1") == "string"
    return [np.array(["1", "0", "2"], dtype=object) if text else up(2, 3) - 1], {"to": call.number("T2")}


@example("CastLike")
def _(call):
    text = call.dtype("T1") == "string"
    return [np.array(["1", "0", "2"], dtype=object) if text else up(2, 3) - 1, x(1)], {}


BITS = {"bool": 8, "bfloat16": 16, "float": 32, "double": 64, "complex64": 64, "complex128": 128, "float4e2m1": 4}


def bits(name):
    known = BITS.get(name) or (8 if name.startswith("float8") else 6 if name.startswith("float6") else None)
    return known or int("".join(filter(str.isdigit, name)))


def bit_cast_tie(types, changed):
    other = "T2" if changed == "T1" else "T1"
    width = bits(element(types[changed]))
    types[other] = types[changed] if width == 128 else tensor(f"uint{width}")


TIES["BitCast"] = bit_cast_tie


@example("BitCast")
def _(call):
    return [up(2, 4) % 2], {"to": call.number("T2")}


# Shapes and places ------------------------------------------------------------------------------------------------

plain("Transpose", x(2, 3), perm=[1, 0])
plain("Reshape", x(2, 3), ints(3, -1))
plain("Concat", x(2, 3), x(1, 3), axis=0)
plain("Tile", x(2, 3), ints(2, 1))
plain("Compress", x(2, 3), np.array([True, False, True]), axis=1)
plain("DepthToSpace", x(1, 4, 2, 2), blocksize=2)
plain("SpaceToDepth", x(1, 1, 4, 4), blocksize=2)
plain("Gather", x(3, 2), ints(2, 0))
plain("GatherElements", x(3, 2), np.array([[2.0, 1], [0, 2]]))
plain("GatherND", x(3, 2), np.array([[2.0, 1], [0, 0]]))
plain("Scatter ScatterElements", x(3, 2), np.array([[2.0, 1]]), up(1, 2))
plain("ScatterND", x(3, 2), np.array([[2.0], [0]]), up(2, 2))
plain("TensorScatter", x(1, 4, 2), up(1, 2, 2), ints(1))
plain("ReverseSequence", x(3, 2), ints(3, 2))
plain("Trilu", x(3, 3), scalar(0))
plain("OneHot", ints(0, 2, 1), scalar(3), ints(0, 1))
plain("CenterCropPad", x(2, 3), ints(3, 2))
plain("Col2Im", x(1, 4, 4), ints(3, 3), ints(2, 2))


@example("Slice")
def _(call):
    if call.version < 10:
        return [x(3, 4)], {"starts": [0, 1], "ends": [2, 4], "axes": [0, 1]}
    return [x(3, 4), ints(0, 1), ints(2, 4), ints(0, 1), ints(1, 2)], {}


@example("Squeeze", "Unsqueeze")
def _(call):
    data = x(1, 3) if call.name == "Squeeze" else x(2, 3)
    return ([data], {"axes": [0]}) if call.version < 13 else ([data, ints(0)], {})


@example("Split")
def _(call):
    if call.version < 13:
        return [x(4, 2)], {"split": [1, 3]}, 2
    return [x(4, 2), ints(1, 3)], {}, 2


@example("Pad")
def _(call):
    if call.version < 11:
        return [x(2, 3)], {"pads": [0, 1, 1, 0], "value": 1.5}
    if call.version < 18:
        return [x(2, 3), ints(0, 1, 1, 0), scalar(1)], {}
    return [x(2, 3), ints(1, 1), scalar(1), ints(1)], {}


@example("Constant")
def _(call):
    return [], {"value": helper.make_tensor("value", call.number("T"), [2, 3], *stored(x(2, 3), call.dtype("T")))}


@example("ConstantOfShape")
def _(call):
    return [ints(2, 3)], {
        "value": helper.make_tensor("value", call.number("T2"), [1], *stored(up(1), call.dtype("T2")))
    }


def stored(prototype, name):
    """Positional arguments of make_tensor."""
    array = values.cast(prototype, name)
    return ([text.encode() for text in array.ravel()],) if name == "string" else (array.ravel().tolist(),)


@example("EyeLike")
def _(call):
    return [x(3, 3)], {"dtype": call.number("T2")}


@example("Resize")
def _(call):
    if call.version < 11:
        return [x(1, 1, 2, 2), ints(1, 1, 2, 2)], {"mode": "nearest"}
    return [x(1, 1, 2, 2), up(8), ints(1, 1, 2, 2)], {"mode": "nearest"}


@example("Upsample")
def _(call):
    if call.version < 9:
        return [x(1, 1, 2, 2)], {"mode": "nearest", "scales": [1.0, 1.0, 2.0, 2.0]}
    return [x(1, 1, 2, 2), ints(1, 1, 2, 2)], {"mode": "nearest"}


@example("Unique")
def _(call):
    return [ints(2, 1, 1, 3, 2)], {}, 4


@example("TopK")
def _(call):
    data = np.array([[3.0, 1, 2, 5], [0, 4, 6, 2]])
    return ([data], {"k": 2}, 2) if call.version < 10 else ([data, ints(2)], {}, 2)


@example("Range")
def _(call):
    return [scalar(1), scalar(6), scalar(2)], {}


# Reductions -------------------------------------------------------------------------------------------------------


@example(
    "ReduceL1",
    "ReduceL2",
    "ReduceLogSum",
    "ReduceLogSumExp",
    "ReduceMax",
    "ReduceMean",
    "ReduceMin",
    "ReduceProd",
    "ReduceSum",
    "ReduceSumSquare",
)
def _(call):
    by_input = call.version >= (13 if call.name == "ReduceSum" else 18)
    return ([up(2, 3) + 1, ints(1)], {}) if by_input else ([up(2, 3) + 1], {"axes": [1]})


plain("ArgMax ArgMin", np.array([[3.0, 1, 2], [0, 4, 6]]), axis=1)
plain("CumSum CumProd", up(2, 3), scalar(1))
plain("Det", np.array([[2.0, 1], [1, 3]]))


# Products ---------------------------------------------------------------------------------------------------------

plain("MatMul", x(2, 3), up(3, 2))
plain("Gemm", x(2, 3), up(3, 2), up(2))
plain("Einsum", x(2, 3), up(3, 2), equation="ij,jk->ik")
plain("MatMulInteger", up(2, 3) + 3, up(3, 2), scalar(1), scalar(1))
plain("Conv", x(1, 2, 4, 4), up(2, 2, 3, 3), up(2))
plain("ConvTranspose", x(1, 2, 3, 3), up(2, 1, 2, 2), up(1))
plain("ConvInteger", up(1, 1, 3, 3) + 3, up(1, 1, 2, 2), scalar(1), np.zeros(1))
plain("DeformConv", x(1, 1, 3, 3), up(1, 1, 2, 2), unit(1, 8, 2, 2), up(1), up(1, 4, 2, 2), kernel_shape=[2, 2])
plain(
    "QLinearConv",
    up(1, 1, 3, 3) + 3,
    scalar(0.5),
    scalar(1),
    up(1, 1, 2, 2),
    scalar(0.25),
    scalar(0),
    scalar(0.5),
    scalar(2),
    ints(3),
)
plain("QLinearMatMul", up(2, 3) + 3, scalar(0.5), scalar(1), up(3, 2), scalar(0.25), scalar(0), scalar(0.5), scalar(2))
plain("RotaryEmbedding", x(1, 2, 3, 4), unit(5, 2), unit(5, 2), np.array([[0.0, 2, 1]]))


@example("CausalConvWithState")
def _(call):
    return [x(1, 2, 4), up(2, 1, 3), up(2), x(1, 2, 2)], {}, 2


@example("LinearAttention")
def _(call):
    state = up(1, 1, 2, 2) / 2
    return (
        [unit(1, 3, 2), unit(1, 3, 2), x(1, 3, 2), state, -up(1, 3, 1) / 4, up(1, 3, 1) / 4],
        {"q_num_heads": 1, "kv_num_heads": 1},
        2,
    )


@example("Attention")
def _(call):
    mask = np.array([[1.0, 1, 0], [1, 1, 1]])
    return [unit(1, 1, 2, 4), unit(1, 1, 3, 4), x(1, 1, 3, 4), mask], {}


@example("RNN", "GRU", "LSTM")
def _(call):
    gates = {"RNN": 1, "GRU": 3, "LSTM": 4}[call.name]
    inputs = [
        unit(3, 2, 2),
        unit(1, gates * 2, 2),
        unit(1, gates * 2, 2) / 2,
        unit(1, gates * 4),
        ints(3, 2),
        unit(1, 2, 2),
    ]
    if call.name == "LSTM":
        inputs += [unit(1, 2, 2), unit(1, 6)]
    return inputs, {"hidden_size": 2}, 3 if call.name == "LSTM" else 2


# Pools, regions, pictures -----------------------------------------------------------------------------------------

plain("AveragePool LpPool", x(1, 1, 4, 4), kernel_shape=[2, 2])
plain("GlobalAveragePool GlobalMaxPool GlobalLpPool", x(1, 2, 3, 3))
plain("MaxRoiPool", up(1, 1, 4, 4), np.array([[0.0, 0, 0, 3, 3]]), pooled_shape=[2, 2])
plain("RoiAlign", up(1, 1, 4, 4), np.array([[0.0, 0, 3, 3]]), ints(0), output_height=2, output_width=2)
plain(
    "MaxUnpool",
    up(1, 1, 2, 2),
    np.array([[[[0.0, 3], [8, 10]]]]),
    ints(1, 1, 4, 4),
    kernel_shape=[2, 2],
    strides=[2, 2],
)
plain("AffineGrid", unit(1, 2, 3), ints(1, 1, 2, 3))
plain(
    "NonMaxSuppression",
    np.array([[[0.0, 0, 2, 2], [0, 0, 2, 1.9], [3, 3, 4, 4]]]),
    np.array([[[0.9, 0.8, 0.7]]]),
    ints(3),
    ints(0.5),
    ints(0.1),
)


@example("MaxPool")
def _(call):
    distinct = (np.arange(16) * 5 % 16.0).reshape(1, 1, 4, 4)  # so that only one place holds the largest
    return [distinct], {"kernel_shape": [2, 2]}, 2 if call.version >= 8 else 1


@example("ImageDecoder")
def _(call):
    return [picture().astype(np.float64)], {}


@functools.lru_cache(1)
def picture():
    """A PNG of 2 x 2 pixels, written by hand: signature, header, one deflated block, end."""
    import struct
    import zlib

    rows = bytes([0, 255, 0, 0, 0, 255, 0, 0, 0, 0, 255, 10, 20, 30])

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    png = (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", struct.pack(">IIBBBBB", 2, 2, 8, 2, 0, 0, 0))
        + chunk(b"IDAT", zlib.compress(rows))
        + chunk(b"IEND", b"")
    )
    return np.frombuffer(png, dtype=np.uint8)


# Normalisation, losses --------------------------------------------------------------------------------------------

plain("BatchNormalization", x(2, 2, 2), up(2), unit(2), unit(2), up(2))
plain("InstanceNormalization", x(2, 2, 3), up(2), unit(2))
plain("GroupNormalization", x(1, 4, 3), up(4), unit(4), num_groups=2)
plain("RMSNormalization", x(2, 3), up(3))
plain("LRN", x(1, 3, 2, 2), size=3)
plain("LpNormalization MeanVarianceNormalization", x(2, 3, 2, 2))
plain("NegativeLogLikelihoodLoss", x(3, 4), ints(0, 3, 2), up(4))


@example("LayerNormalization")
def _(call):
    return [x(2, 3), up(3), unit(3)], {"stash_type": call.number("U")}, 3


@example("SoftmaxCrossEntropyLoss")
def _(call):
    return [x(3, 4), ints(0, 3, 2), up(4)], {}, 2


# Quantisation -----------------------------------------------------------------------------------------------------


@example("QuantizeLinear")
def _(call):
    attributes = {}
    if call.version >= 23 and call.dtype("T2") == "float8e8m0":
        attributes["precision"] = 1
    return [x(2, 3), scalar(1), scalar(0)], attributes


@example("DequantizeLinear")
def _(call):
    attributes = {}
    if call.version >= 23 and "T3" in call.types:
        attributes["output_dtype"] = call.number("T3")
    point = call.types.get("T1") or call.types.get("T")
    return [x(2, 3), scalar(0.5), None if point == tensor("int32") else scalar(0)], attributes


@example("DynamicQuantizeLinear")
def _(call):
    return [x(2, 3)], {}, 3


# Windows and spectra ----------------------------------------------------------------------------------------------


@example("BlackmanWindow", "HammingWindow", "HannWindow")
def _(call):
    return [scalar(6)], {"output_datatype": call.number("T2")}


@example("MelWeightMatrix")
def _(call):
    return ([scalar(4), scalar(16), scalar(64), scalar(1), scalar(20)], {"output_datatype": call.number("T3")})


@example("DFT")
def _(call):
    if call.version < 20:
        return [x(1, 4, 1), scalar(4)], {}
    return [x(1, 4, 1), scalar(4), scalar(1)], {}


plain("STFT", x(1, 8, 1), scalar(2), up(4), scalar(4))


# Random draws -----------------------------------------------------------------------------------------------------

RANDOM = {"Bernoulli", "Multinomial", "RandomNormal", "RandomNormalLike", "RandomUniform", "RandomUniformLike"}


@example("Bernoulli")
def _(call):
    return [np.array([0.0, 0.5, 1, 0.25])], {"dtype": call.number("T2"), "seed": 1.0}


@example("Multinomial")
def _(call):
    return [unit(2, 3)], {"dtype": call.number("T2"), "sample_size": 4, "seed": 1.0}


@example("RandomNormal", "RandomUniform")
def _(call):
    return [], {"dtype": call.number("T"), "shape": [2, 3], "seed": 1.0}


@example("RandomNormalLike", "RandomUniformLike")
def _(call):
    return [x(2, 3)], {"dtype": call.number("T2"), "seed": 1.0}


# Strings ----------------------------------------------------------------------------------------------------------


@example("StringSplit")
def _(call):
    return [np.array(["a b c", "d", ""], dtype=object)], {}, 2


@example("StringNormalizer")
def _(call):
    return [np.array(["Monday", "tuesday", "WED"], dtype=object)], {
        "case_change_action": "UPPER",
        "stopwords": ["MONDAY"],
    }


@example("TfIdfVectorizer")
def _(call):
    pool = {"pool_strings": ["s2", "s3", "s5"]} if call.dtype("T") == "string" else {"pool_int64s": [2, 3, 5]}
    return [ints(1, 3, 2, 5, 3)], dict(
        pool,
        max_gram_length=1,
        max_skip_count=0,
        min_gram_length=1,
        mode="TF",
        ngram_counts=[0],
        ngram_indexes=[0, 1, 2],
    )


# Sequences and optionals ------------------------------------------------------------------------------------------


def sequence_tie(types, changed):
    if changed == "S":
        types["T"] = tensor(element(types["S"]))
    elif "T" in types:
        types["S"] = f"seq({types['T']})"


for name in ("SequenceAt", "SequenceConstruct", "SequenceInsert", "SplitToSequence", "ConcatFromSequence"):
    TIES[name] = sequence_tie

plain("SequenceAt", x(2, 3), scalar(1))
plain("SequenceConstruct", x(2, 3), x(2, 3) + 1)
plain("SequenceErase", x(2, 3), scalar(1))
plain("SequenceInsert", x(2, 3), x(2, 3) + 2, scalar(1))
plain("SequenceLength", x(2, 3))
plain("ConcatFromSequence", x(2, 3), axis=0)
plain("SplitToSequence", x(4, 2), ints(1, 3))
plain("OptionalHasElement OptionalGetElement", x(2, 3))


@example("SequenceEmpty")
def _(call):
    return [], {"dtype": call.number("S")}


def optional_tie(types, changed):
    if changed == "V":
        types["O"] = f"optional({types['V']})"
    else:
        types["V"] = types["O"][len("optional(") : -1] if types["O"].startswith("optional(") else types["O"]


TIES["Optional"] = TIES["OptionalGetElement"] = optional_tie


@example("Optional")
def _(call):
    return [x(2, 3)], {}


# Control flow -----------------------------------------------------------------------------------------------------


def graph(name, nodes, inputs, outputs):
    return helper.make_graph(nodes, name, inputs, outputs)


def named(name, text, shape=None):
    return values.value_info(name, text, shape)


@example("If")
def _(call):
    """The value comes from outside: both branches see outer names."""
    text = call.types["V"]
    branch = [
        graph(word, [helper.make_node(*same(call, text, "outer", word))], [], [named(word, text)])
        for word in ("then", "else")
    ]
    return [np.array(True)], {"then_branch": branch[0], "else_branch": branch[1]}, 1, [("outer", text, x(2, 3))]


def same(call, text, source, target):
    """The words of a node that hands a value of the type on, in the version that is tested."""
    wrappers, _ = values.parse(text)
    if not wrappers or call.version >= (14 if wrappers[0] == "seq" else 16):
        return "Identity", [source], [target]
    return "SequenceErase", [source], [target]


@example("Loop")
def _(call):
    text = call.types["V"]
    shape = [2, 3] if text.startswith("tensor") else None
    body = graph(
        "body",
        [
            helper.make_node("Identity", ["condition"], ["go_on"]),
            helper.make_node(*same(call, text, "carried", "next")),
        ],
        [named("step", tensor("int64"), []), named("condition", tensor("bool"), []), named("carried", text, shape)],
        [named("go_on", tensor("bool"), []), named("next", text, shape)],
    )
    return [scalar(1), np.array(True), x(2, 3)], {"body": body}, 1


@example("Scan")
def _(call):
    text = call.types["V"]
    body = graph(
        "body",
        [helper.make_node("Identity", ["state"], ["next"]), helper.make_node("Identity", ["row"], ["out"])],
        [named("state", text, [2]), named("row", text, [2])],
        [named("next", text, [2]), named("out", text, [2])],
    )
    if call.version < 9:
        return [ints(3), up(1, 2), x(1, 3, 2)], {"body": body, "num_scan_inputs": 1}, 2
    return [up(2), x(3, 2)], {"body": body, "num_scan_inputs": 1}, 2


@example("SequenceMap")
def _(call):
    """Of two values beside one another the first, so that the second is only looked at."""
    name = tensor(element(call.types["S"]))
    body = graph(
        "body",
        [helper.make_node("Identity", ["item"], ["out"])],
        [named("item", name), named("beside", tensor(element(call.types["V"])))],
        [named("out", name)],
    )
    return [x(2, 3), x(2, 3)], {"body": body}, 1
