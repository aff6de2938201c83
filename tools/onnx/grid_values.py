"""Types of ONNX by name, and values of them made from prototypes in float64."""

import re

import numpy
from onnx import TensorProto, TypeProto, helper, numpy_helper

NAMES = [name.lower() for name in TensorProto.DataType.keys() if name != "UNDEFINED"]
BOUNDS = {"uint4": (0, 15), "int4": (-8, 7), "uint2": (0, 3), "int2": (-2, 1)}


def parse(text):
    """ "optional(seq(tensor(float)))" -> (["optional", "seq"], "float")."""
    words = re.findall(r"\w+", text)
    return words[:-2], words[-1]


def element(text):
    return parse(text)[1]


def tensor(name):
    return f"tensor({name})"


def dtype_number(name):
    return TensorProto.DataType.Value(name.upper())


def numpy_type(name):
    return numpy.dtype(helper.tensor_dtype_to_np_dtype(dtype_number(name)))


def type_proto(text, shape=None):
    wrappers, name = parse(text)
    proto = helper.make_tensor_type_proto(dtype_number(name), shape)
    for wrapper in reversed(wrappers):
        proto = helper.make_sequence_type_proto(proto) if wrapper == "seq" else helper.make_optional_type_proto(proto)
    return proto


def value_info(name, text, shape=None):
    return helper.make_value_info(name, type_proto(text, shape))


def cast(prototype, name):
    """The prototype in a dtype: fractions only where the dtype has them, signs only where it has them."""
    prototype = numpy.asarray(prototype)
    if prototype.dtype.kind in "OU" or prototype.dtype == bool and name == "bool":
        return prototype
    if name == "string":
        return numpy.array([f"s{number:g}" for number in prototype.ravel()], dtype=object).reshape(prototype.shape)
    if name == "bool":
        return numpy.asarray(numpy.rint(prototype) % 2 != 0)
    if name.startswith("complex"):
        return numpy.asarray(prototype + 0.5j * prototype).astype(numpy_type(name))
    if name == "float8e8m0":
        prototype = numpy.exp2(numpy.rint(prototype))
    elif re.match(r"u?int", name):
        prototype = numpy.abs(numpy.rint(prototype)) if name[0] == "u" else numpy.rint(prototype)
        if name in BOUNDS:
            prototype = numpy.clip(prototype, *BOUNDS[name])
    return numpy.asarray(prototype).astype(numpy_type(name))


def make(prototype, text):
    """A value of the type: an array, a list of arrays for a sequence; an optional is what it holds."""
    wrappers, name = parse(text)
    if "seq" in wrappers:
        items = prototype if isinstance(prototype, list) else [prototype, prototype + 1]
        return [cast(item, name) for item in items]
    return cast(prototype, name)


def serialize(value, declared):
    """The bytes of test data for a value of the declared TypeProto."""
    if isinstance(declared, TypeProto) and declared.HasField("sequence_type"):
        return numpy_helper.from_list(value).SerializeToString()
    if declared.HasField("optional_type"):
        inner = declared.optional_type.elem_type  # an evaluator may wrap what the optional holds in a list
        if isinstance(value, list) and value and (inner.HasField("tensor_type") or isinstance(value[0], list)):
            value = value[0]
        return numpy_helper.from_optional(value).SerializeToString()
    return numpy_helper.from_array(numpy.asarray(value)).SerializeToString()


def name_of_number(number):
    return TensorProto.DataType.Name(number).lower()


def number_of_info(info):
    """The dtype of the tensors in a value."""
    proto = info.type
    while not proto.HasField("tensor_type"):
        proto = proto.sequence_type.elem_type if proto.HasField("sequence_type") else proto.optional_type.elem_type
    return proto.tensor_type.elem_type
