"""ONNX's test cases (CASE/model.onnx, CASE/test_data_set_N/{input,output}_M.pb), judged from the outputs that
`openruntime verify --output` wrote: read here without the onnx package and without any reader of ours."""

import glob
import os
import re

import harness

# Values of a model: the elem_type of a tensor, or that of the tensors in a sequence or an optional.
TENSOR, SEQUENCE, OPTIONAL = "tensor", "sequence", "optional"
STRING, BFLOAT16 = 8, 16
PACKED = {21: (4, False), 22: (4, True), 25: (2, False), 26: (2, True), 23: (4, False)}  # bits, signed; float4 as bits
ONE_BYTE = {17, 18, 19, 20, 24, 27, 28}  # float8 and float6 types, as bits
# Which bits of the float8 types are no number.
NAN = {
    17: lambda x: x & 0x7F == 0x7F,
    18: lambda x: x == 0x80,
    19: lambda x: x & 0x7F > 0x7C,
    20: lambda x: x == 0x80,
    24: lambda x: x == 0xFF,
}
# Cases whose outputs are drawn: another library's numbers can't be expected.
DRAWN = re.compile(r"test_(bernoulli|training_dropout|multinomial|random)")


# Files ------------------------------------------------------------------------------------------------------------


def fields(data):
    return harness.fields_of(data)


def read(path):
    with open(path, "rb") as file:
        return file.read()


def declared_outputs(model):
    """[(name, forms)] of the model's outputs: forms is ("tensor",), ("optional", "sequence", "tensor"), …"""
    graph = next(value for number, _, value in fields(read(model)) if number == 7)
    found = []
    for number, _, value in fields(graph):
        if number == 12:  # GraphProto.output
            name, kind = "", b""
            for inner, _, content in fields(value):
                name = content.decode() if inner == 1 else name
                kind = content if inner == 2 else kind
            found.append((name, forms(kind)))
    return found


def forms(kind):
    """TypeProto: tensor 1, sequence 4, optional 9, each of the last two around another one."""
    for number, _, value in fields(kind):
        if number == 1:
            return (TENSOR,)
        if number in (4, 9):
            inner = next((content for inside, _, content in fields(value) if inside == 1), b"")
            return (SEQUENCE if number == 4 else OPTIONAL, *forms(inner))
    return (TENSOR,)


def value_of(data, form):
    """What the bytes of a TensorProto, SequenceProto or OptionalProto hold: (dtype, array), a list, or None."""
    if form[0] == TENSOR:
        return tensor_of(data)
    found = [
        value_of(content, form[1:])
        for number, wire, content in fields(data)
        if wire == 2 and number == {TENSOR: 3, SEQUENCE: 5 if form[0] == SEQUENCE else 5, OPTIONAL: 7}[form[1]]
    ]
    return found if form[0] == SEQUENCE else found[0] if found else None


def tensor_of(data):
    """(dtype number, array): narrow types as their bits, a number each; strings as bytes."""
    import numpy

    dtype, dims, raw, texts, ints = 0, [], None, [], []
    for number, wire, value in fields(data):
        if number == 1:
            dims += [value] if wire == 0 else harness._packed(value)
        elif number == 2:
            dtype = value
        elif number == 9:
            raw = value
        elif number == 6:
            texts.append(value)
        elif number == 5:
            ints += [value] if wire == 0 else harness._packed(value)
    if dtype == STRING:
        return dtype, numpy.array(texts, dtype=object).reshape(dims)
    if dtype in PACKED:
        count = int(numpy.prod(dims, dtype=numpy.int64))
        return dtype, unpacked(
            raw if raw is not None else bytes(v & 0xFF for v in ints), count, *PACKED[dtype]
        ).reshape(dims)
    if dtype in ONE_BYTE:
        raw = raw if raw is not None else bytes(value & 0xFF for value in ints)
        return dtype, numpy.frombuffer(raw, dtype="u1").reshape(dims)
    return harness.tensor_of(data)


def unpacked(raw, count, bits, signed):
    import numpy

    octets = numpy.frombuffer(raw, dtype="u1")
    numbers = numpy.stack([octets >> shift & (1 << bits) - 1 for shift in range(0, 8, bits)], 1).ravel()[:count]
    return (numbers ^ 1 << bits - 1).astype("i1") - (1 << bits - 1) if signed else numbers


def written_value(folder, name, form):
    """(True, value) of an output, or (False, None) where nothing was written."""
    import numpy

    base = os.path.join(folder, name.replace("/", "_"))
    if os.path.exists(base + ".npy"):
        array = numpy.load(base + ".npy")
        number = next(n for n, kind in harness.NUMPY_OF.items() if numpy.dtype(kind) == array.dtype)
        return True, (number, array)
    if os.path.exists(base + ".pb"):
        return True, value_of(read(base + ".pb"), form)
    return False, None


# Verdicts ---------------------------------------------------------------------------------------------------------


def agrees(name, case, output):
    """True, False, "drawn" (shape, dtype and range are right), or None where nothing was written."""
    if not os.path.isdir(output):
        return None
    outputs = declared_outputs(os.path.join(case, "model.onnx"))
    result = True
    for data in sorted(glob.glob(os.path.join(case, "test_data_set_*"))):
        written = os.path.join(output, os.path.basename(data))
        for index, (of, form) in enumerate(outputs):
            path = os.path.join(data, f"output_{index}.pb")
            if not os.path.exists(path):
                return False
            want = value_of(read(path), form)
            there, got = written_value(written, of, form)
            if not there:
                return False
            if same(got, want):
                continue
            if not DRAWN.match(name) or not could_be_drawn(name, data, got, want):
                return False
            result = "drawn"
    return result


def same(got, want):
    """Values as value_of gives them: rtol 1e-3 and atol 1e-5, or neighbours of a narrow type; exact for all else."""
    import numpy

    if isinstance(got, list) or isinstance(want, list) or got is None or want is None:
        return (
            type(got) is type(want)
            and got is not None
            and len(got) == len(want)
            and all(same(a, b) for a, b in zip(got, want))
        ) or got is want is None
    (dtype, have), (expected, need) = got, want
    if dtype == BFLOAT16 and expected in (4, BFLOAT16):  # older test data keeps bfloat16 as its bits
        have, need = ((array.astype("<u4") << 16).view("<f4") for array in (have, need))
    elif dtype != expected:
        return False
    if have.shape != need.shape:
        return False
    if have.dtype.kind in "fc":
        rtol = 2.0**-7 if dtype == BFLOAT16 else 2.0**-10 if have.dtype == "<f2" else 1e-3
        return bool(numpy.allclose(have, need, rtol=rtol, atol=1e-5, equal_nan=True))
    if dtype in NAN:
        have, need = (numpy.where(NAN[dtype](array), 0xFF, array) for array in (have, need))
    return bool((have == need).all())


def could_be_drawn(name, data, got, want):
    """dtype and shape of the data, and numbers that such a draw may give."""
    if got[0] != want[0] or got[1].shape != want[1].shape or got[1].dtype != want[1].dtype:
        return False
    if got[1].dtype == bool:
        return True
    if not name.startswith("test_training_dropout"):
        return bool(((got[1] == 0) | (got[1] == 1)).all())  # Bernoulli
    inputs = [tensor_of(read(path))[1] for path in sorted(glob.glob(os.path.join(data, "input_*.pb")))]
    ratio = float(inputs[1]) if len(inputs) > 1 else 0.5
    kept = inputs[0] / (1 - ratio)
    return bool(((got[1] == 0) | (abs(got[1] - kept) <= 1e-3 * abs(kept) + 1e-5)).all())


# The list of known gaps -------------------------------------------------------------------------------------------


def read_gaps(path, merging=False):
    """{"node/test_x": reason} of lines `FOLDER/CASE REASON`; merging: marks of a conflict may be there."""
    gaps = {}
    with open(path, encoding="utf-8") as file:
        for line in file:
            if merging and line.startswith(("<<<<<<<", "=======", ">>>>>>>")):
                continue
            if line.strip() and not line.startswith("#"):
                name, reason = line.strip().split(" ", 1)
                harness.expect(merging or name not in gaps, f"{path}: {name} stands there twice")
                gaps[name] = reason
    return gaps


def is_contradicted(reason):
    return reason.startswith("contradicted ")


def reason_of(detail):
    """A refusal in short, for the list."""
    detail = re.sub(r'^(model|node) "[^"]*"[^:]*: ', "", re.sub(r'^model "[^"]*": ', "", detail))
    detail = re.sub(r"^\S*/test_data_set_\d+/(\w+\.pb): ", r"\1: ", detail)
    detail = re.sub(r"; (known domains|docs/operators).*", "", detail)
    return detail


def refusal(detail):
    match = re.search(r'node "[^"]*" \(([^),]+)', detail)
    return f"{match.group(1)}: {reason_of(detail)}" if match else reason_of(detail)
