"""Who says what a cell's outputs are: onnx.reference or ONNX Runtime; where neither has the type, the same two in
another type that holds the same values."""

import pathlib
import sys

import numpy
from onnx.reference import ReferenceEvaluator

import grid_values as values

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tests/e2e"))
import harness

# Types that hold the small numbers of the cells as well, those first that the oracles have most operators for.
OTHERS = {
    "float16": ["float"],
    "bfloat16": ["float"],
    "double": ["float"],
    "float": ["double", "float"],
    "bool": ["uint8", "int32"],
    "int8": ["int32"],
    "int16": ["int32", "int64"],
    "uint8": ["int32"],
    "uint16": ["int32", "int64"],
    "uint32": ["int64", "int32"],
    "uint64": ["int64", "int32"],
    "int64": ["int32"],
    "int32": ["int64"],
}


def evaluate(model, data):
    return ReferenceEvaluator(model).run(None, dict(zip([i.name for i in model.graph.input], data)))


def run_onnxruntime(model, data):
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = 1
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return session.run(None, dict(zip([i.name for i in model.graph.input], data)))


def run_earlier_onnxruntime(model, data):
    """By the version before, for an operator whose newest one only takes more types."""
    earlier = type(model)()
    earlier.CopyFrom(model)
    earlier.opset_import[0].version -= 1
    return run_onnxruntime(earlier, data)


def by_reference(cell, model, data, types, build):
    return checked(evaluate(model, data), model)


def by_onnxruntime(cell, model, data, types, build):
    return checked(run_onnxruntime(model, data), model)


def in_another_type(engine):
    """The same values in another type, what comes out cast back: numbers in a wider one, complex numbers part by part,
    texts as numbers that stand for them. Parts and texts are for operators that move elements."""

    def oracle(cell, model, data, types, build):
        name, problem = values.element(cell.kind), None
        encoders = {"complex64": PARTS, "complex128": PARTS, "string": [TextCode()]}.get(name)
        for code in [encoders] if encoders else [[NumberCode(other)] for other in OTHERS[name]]:
            try:
                return checked(combined(engine, code, cell, model, data, types, build), model)
            except Exception as error:  # an oracle may fail in any way; the next type is tried
                problem = error
        raise problem

    return oracle


def combined(engine, codes, cell, model, data, types, build):
    """The sum of what the codes decode: one but for complex numbers, which have two."""
    name, total = values.element(cell.kind), None
    for code in codes:
        other = dict(types)
        for constraint, kind in types.items():
            if values.element(kind) == name:
                other[constraint] = kind.replace(f"({name})", f"({code.type})")
        other_model = build(cell, other)[0]
        encoded = [
            each(value, code.encode if kind_of(info) == name else lambda array: array)
            for value, info in zip(data, model.graph.input)
        ]
        decoded = [
            each(value, code.decode if kind_of(info) == name else numpy.asarray, kind_of(info))
            for value, info in zip(engine(other_model, encoded), model.graph.output)
        ]
        total = (
            decoded
            if total is None
            else [a + b if kind_of(info) == name else a for a, b, info in zip(total, decoded, model.graph.output)]
        )
    return total


def each(value, function, *more):
    if isinstance(value, list):
        return [each(item, function, *more) for item in value]
    return function(value, *more) if function is not numpy.asarray else numpy.asarray(value)


def kind_of(info):
    return values.name_of_number(values.number_of_info(info))


class NumberCode:
    def __init__(self, other):
        self.type = other

    def encode(self, array):
        return array.astype(values.numpy_type(self.type))

    def decode(self, array, kind):
        return numpy.asarray(array).astype(values.numpy_type(kind))


class PartCode:
    type = "float"

    def __init__(self, unit):
        self.unit = unit

    def encode(self, array):
        return (array.real if self.unit == 1 else array.imag).astype(numpy.float32)

    def decode(self, array, kind):
        return (numpy.asarray(array) * self.unit).astype(values.numpy_type(kind))


PARTS = [PartCode(1), PartCode(1j)]


class TextCode:
    type = "float"

    def __init__(self):
        self.texts = [""]

    def encode(self, array):
        for text in array.ravel():
            if text not in self.texts:
                self.texts.append(text)
        return numpy.array([self.texts.index(text) for text in array.ravel()], dtype=numpy.float32).reshape(array.shape)

    def decode(self, array, kind):
        return numpy.array([self.texts[int(number)] for number in array.ravel()], dtype=object).reshape(array.shape)


def by_hand(cell, model, data, types, build):
    """The standard's own sentence in NumPy, for the cells that are left."""
    if cell.operator != "QLinearMatMul":
        raise NotImplementedError(cell.operator)
    a, a_scale, a_zero, b, b_scale, b_zero, y_scale, y_zero = (item.astype(numpy.float64) for item in data)
    product = ((a - a_zero) * a_scale) @ ((b - b_zero) * b_scale)
    return checked([(product / y_scale + y_zero).astype(data[7].dtype)], model)


ORACLES = [
    by_reference,
    by_onnxruntime,
    in_another_type(evaluate),
    in_another_type(run_onnxruntime),
    in_another_type(run_earlier_onnxruntime),
    by_hand,
]


def checked(outputs, model):
    """The outputs, if each has the declared type: an oracle that answers in another one is none."""
    for value, info in zip(outputs, model.graph.output):
        kind = values.numpy_type(kind_of(info))
        for item in value if isinstance(value, list) else [value]:
            got = numpy.asarray(item).dtype
            if got != kind and not (kind.kind in "OU" and got.kind in "OU"):
                raise TypeError(f"{got} where {kind} was declared")
    return outputs


def judge_random(cell, folder, output):
    """Draws of another library can't be expected: dtype, shape and range."""
    written = sorted((output / "test_data_set_0").glob("out0.*")) if output.is_dir() else []
    if not written:
        return "failed", "no output"
    import onnx

    declared = onnx.load(folder / "model.onnx").graph.output[0].type.tensor_type.elem_type
    if written[0].suffix == ".npy":
        array = numpy.load(written[0])
        fits = array.dtype == values.numpy_type(values.name_of_number(declared))
    else:
        dtype, array = harness.read_tensor(str(written[0]))
        fits = dtype == declared
        if dtype == 16:
            array = (array.astype("<u4") << 16).view("<f4")
    shape = {"Bernoulli": (4,), "Multinomial": (2, 4)}.get(cell.operator, (2, 3))
    low, high = {"Bernoulli": (0, 1), "Multinomial": (0, 2), "RandomNormal": (-9, 9), "RandomNormalLike": (-9, 9)}.get(
        cell.operator, (0, 1)
    )
    number = array.astype(numpy.float64)
    if fits and array.shape == shape and (number >= low).all() and (number <= high).all():
        return "passed", ""
    return "wrong", f"drew {array.dtype} {array.shape} from {number.min()} to {number.max()}"
