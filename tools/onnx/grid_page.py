"""docs/operator-grid.md from the cells of grid.py: a row per operator and version, what it takes and refuses."""

import collections
import itertools

import onnx

import grid_values as values

NAMES = {"float": "float32", "double": "float64"}
GROUPS = [
    ("floats", ["float16", "bfloat16", "float32", "float64"]),
    ("integers", [f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)]),
    ("complex", ["complex64", "complex128"]),
    ("float8", ["float8e4m3fn", "float8e4m3fnuz", "float8e5m2", "float8e5m2fnuz"]),
    ("4-bit", ["int4", "uint4"]),
    ("2-bit", ["int2", "uint2"]),
    ("float6", ["float6e2m3", "float6e3m2"]),
]
WRAPPERS = {
    (): "",
    ("seq",): "sequences of ",
    ("optional",): "optionals of ",
    ("optional", "seq"): "optional sequences of ",
}
INTRODUCTION = """<!-- Made by tools/onnx/run.sh --update, which runs every cell; do not edit. -->

# Operators by version and type

Every operator of `ai.onnx` in each version from opset 7 on, with every type that the standard allows there: {cells}
cells of the onnx package {package}. For each a smallest model ran, and its outputs were compared with those of onnx's
reference evaluator or ONNX Runtime: {passed} passed ({percent:.2f} %), refused by name: {refused}; {other}.

Types are listed by the constraint of the standard (`T`, `T1`, …) where an operator has several. *floats* are float16,
bfloat16, float32, float64; *integers* int8 to int64 and uint8 to uint64; *float8* the four types of 8 bits without
float8e8m0; *4-bit* and *2-bit* the integers of that width. Draws of random operators are judged by type, shape and
range. *Beyond*: of {tried} types that the standard does not have for the first input of a version, those that run all
the same; nobody says what is right there. The others, {kept}, are refused. *On*: `cpu` where the backend has a kernel
of its own for some of the types, else the C reference runs, on the host, whatever the device.

| operator | version | takes | refuses | beyond | on |
| --- | --- | --- | --- | --- | --- |
"""


def text(cells, others):
    """The page; `others` are the cells of types that the standard does not have, which "ran" or not."""
    ran = {key: list(group) for key, group in itertools.groupby(others, key=lambda cell: (cell.operator, cell.version))}
    counts = collections.Counter(cell.verdict for cell in cells)
    bad = counts["wrong"] + counts["failed"] + counts["untested"]
    lines = [
        INTRODUCTION.format(
            cells=len(cells),
            package=onnx.__version__,
            passed=counts["passed"],
            refused=counts["refused"],
            percent=100 * counts["passed"] / max(1, len(cells)),
            tried=len(others),
            kept=sum(cell.verdict != "ran" for cell in others),
            other=f"{bad} are wrong or untested" if bad else "none is wrong or untested",
        )
    ]
    for name, group in itertools.groupby(cells, lambda cell: cell.operator):
        lines += rows(name, list(group), ran)
    return "".join(lines)


def rows(name, cells, others):
    """Neighbouring versions that say the same share a row."""
    found = []
    own = sorted({"cpu" if cell.has_kernel else "reference" for cell in cells if cell.verdict == "passed"})
    for version, group in itertools.groupby(cells, lambda cell: cell.version):
        group = list(group)
        beyond = listed(others.get((name, version), []), ("ran",))
        told = (listed(group, ("passed",)), listed(group, ("refused",)) + bad(group), beyond)
        if found and found[-1][1] == told:
            found[-1][0].append(version)
        else:
            found.append(([version], told))
    lines = []
    for index, (versions, (takes, refuses, beyond)) in enumerate(found):
        shown = ", ".join(map(str, versions))
        first = f"`{name}`" if index == 0 else ""
        on = own[0] if own and index == 0 else ""
        lines.append(f"| {first} | {shown} | {takes} | {refuses} | {beyond} | {on} |\n")
    return lines


def bad(cells):
    found = listed(cells, ("wrong", "failed", "untested"))
    return f" **wrong or untested**: {found}" if found else ""


def listed(cells, verdicts):
    """ "T1, T2: floats · I: int64"; the constraint is left out where the version has one alone."""
    constraints = list(dict.fromkeys(cell.constraint for cell in cells))
    by_words = collections.defaultdict(list)
    for constraint in constraints:
        by_wrapper = collections.defaultdict(list)
        for cell in cells:
            if cell.constraint == constraint and cell.verdict in verdicts:
                wrappers, name = values.parse(cell.kind)
                by_wrapper[tuple(wrappers)].append(NAMES.get(name, name))
        if by_wrapper:
            words = (WRAPPERS[wrappers] + ", ".join(grouped(names)) for wrappers, names in sorted(by_wrapper.items()))
            by_words["; ".join(words)].append(constraint)
    if len(constraints) == 1:
        return next(iter(by_words), "")
    return " · ".join(f"{', '.join(group)}: {words}" for words, group in by_words.items())


def grouped(names):
    result = []
    for word, members in GROUPS:
        if set(members) <= set(names):
            result.append(word)
            names = [name for name in names if name not in members]
    return result + sorted(names)
