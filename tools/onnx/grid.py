#!/usr/bin/env python3
"""A cell per (operator of ai.onnx, version from opset 7 on, type that the standard allows): does the program pass it?
   grid.py WORK [--program P] [--only NAME,...] [--report FILE] [--page FILE | --check FILE]
For each cell a smallest model (grid_examples.py) is written with what onnx.reference or ONNX Runtime compute to WORK,
and `openruntime verify` judges them all in one process. --report lists what did not pass, the most frequent reason
first; --page writes the table of docs/; --check compares it. Exit 1: a cell is wrong or untested, or the page is
stale. The types that the standard does not have in a version are tried as well; the page tells which of them run."""

import argparse
import collections
import concurrent.futures
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import warnings

import numpy
from onnx import defs, helper

import grid_examples as examples
import grid_oracle as oracle
import grid_page as page
import grid_values as values

FIRST_OPSET = 7
MISSING_OUTPUT = r"output_\d+\.pb"
PREFERRED = [
    "tensor(float)",
    "tensor(int64)",
    "tensor(int32)",
    "tensor(uint8)",
    "tensor(bool)",
    "tensor(string)",
    "seq(tensor(float))",
    "optional(tensor(float))",
]


class Cell:
    """One type of one constraint of one version; `verdict` is passed, refused, wrong, failed or untested."""

    def __init__(self, schema, constraint, kind):
        self.operator, self.version, self.constraint, self.kind = schema.name, schema.since_version, constraint, kind
        self.opset = max(FIRST_OPSET, schema.since_version)
        self.verdict, self.detail, self.has_kernel = "untested", "", False
        self.disputed = False  # an oracle contradicts the one that agrees

    @property
    def folder(self):
        return f"{self.operator}-{self.version}/{self.constraint}-{re.sub(r'[()]', '_', short(self.kind))}"

    def schema(self):
        return defs.get_schema(self.operator, self.opset)


def short(kind):
    return re.sub(r"tensor\((\w+)\)", r"\1", kind)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("work", type=pathlib.Path)
    parser.add_argument("--program", default="build/dev/openruntime")
    parser.add_argument("--only", default="")
    parser.add_argument("--report", type=pathlib.Path)
    parser.add_argument("--page", type=pathlib.Path)
    parser.add_argument("--check", type=pathlib.Path)
    arguments = parser.parse_args()
    cells = run(arguments)
    counts = collections.Counter(cell.verdict for cell in cells)
    print(f"{len(cells)} cells: " + ", ".join(f"{count} {verdict}" for verdict, count in counts.most_common()))
    if arguments.report:
        arguments.report.write_text(report(cells))
    others = other_types(arguments)
    ran = sum(cell.verdict == "ran" for cell in others)
    print(f"{len(others)} types beyond the standard: {ran} ran, {len(others) - ran} did not")
    text = page.text(cells, others)
    if arguments.page:
        arguments.page.write_text(text)
    stale = arguments.check is not None and arguments.check.read_text() != text
    if stale:
        print(f"{arguments.check} is stale: write it with --page")
    sys.exit(1 if stale or counts["wrong"] or counts["failed"] or counts["untested"] else 0)


def run(arguments):
    only = set(filter(None, arguments.only.split(",")))
    cells = [cell for cell in all_cells() if not only or cell.operator in only]
    shutil.rmtree(arguments.work, ignore_errors=True)
    with concurrent.futures.ProcessPoolExecutor(os.cpu_count()) as pool:
        jobs = [(cell, str(arguments.work / "first")) for cell in cells]
        for cell, problem in zip(cells, pool.map(write_first, jobs, chunksize=32)):
            cell.detail = problem
    judge(cells, arguments.work / "first", arguments.program)
    for attempt in range(1, len(oracle.ORACLES)):
        open_cells = [cell for cell in cells if cell.verdict in ("wrong", "untested")]
        folder = arguments.work / f"again{attempt}"
        for cell in open_cells:
            write(cell, folder, attempt)
        judge([cell for cell in open_cells if (folder / cell.folder).exists()], folder, arguments.program, again=True)
    return cells


def other_types(arguments):
    """A cell for each type of the first input that its version does not have: "ran" or "refused"."""
    only = set(filter(None, arguments.only.split(",")))
    folder, output = arguments.work / "others", arguments.work / "others-out"
    cells = [cell for cell in beyond_the_standard() if not only or cell.operator in only]
    for cell in cells:
        try:
            model, data, _ = build(cell)
        except Exception:  # no value of that type goes through the example: nobody can bring one
            continue
        (folder / cell.folder / "test_data_set_0").mkdir(parents=True)
        (folder / cell.folder / "model.onnx").write_bytes(model.SerializeToString())
        put(folder / cell.folder, "input", data, model.graph.input)
    cases = verify(folder, output, arguments.program)
    for cell in cells:
        case = cases.get(cell.folder)
        ran = case is not None and re.search(MISSING_OUTPUT, case["detail"] or "")
        cell.verdict = "ran" if ran else "refused"
    return cells


def beyond_the_standard():
    found = []
    for schema in schemas():
        formal = (schema.inputs or schema.outputs)[0]
        constraints = {c.type_param_str: c.allowed_type_strs for c in schema.type_constraints}
        allowed = constraints.get(formal.type_str, [])
        forms = {re.sub(r"\(\w+\)", "({})", kind) for kind in allowed}
        kinds = {form.format(name) for form in forms for name in values.NAMES}
        found += [Cell(schema, formal.type_str, kind) for kind in sorted(kinds - set(allowed))]
    return found


def all_cells():
    found = []
    for schema in schemas():
        found += [
            Cell(schema, constraint.type_param_str, kind)
            for constraint in schema.type_constraints
            for kind in sorted(constraint.allowed_type_strs)
        ]
        if not schema.type_constraints:
            found.append(Cell(schema, "-", schema.inputs[0].type_str))
    return found


def schemas():
    """Every operator in every version from FIRST_OPSET on, by name and version."""
    found = []
    versions = collections.defaultdict(list)
    for schema in defs.get_all_schemas_with_history():
        if schema.domain == "":
            versions[schema.name].append(schema)
    for name in sorted(versions):
        schemas = sorted(versions[name], key=lambda schema: schema.since_version)
        early = [schema for schema in schemas if schema.since_version <= FIRST_OPSET]
        late = [schema for schema in schemas if schema.since_version > FIRST_OPSET]
        found += [schema for schema in early[-1:] + late if not schema.deprecated]
    return found


# Models -----------------------------------------------------------------------------------------------------------


def types_of(cell, schema):
    types = {}
    for constraint in schema.type_constraints:
        allowed = constraint.allowed_type_strs
        types[constraint.type_param_str] = next((kind for kind in PREFERRED if kind in allowed), allowed[0])
    tie = examples.TIES.get(cell.operator)
    if cell.constraint in types:
        types[cell.constraint] = cell.kind
        if tie:
            tie(types, cell.constraint)
    return types


def build(cell, types=None):
    """(model, inputs as values, types)."""
    schema = cell.schema()
    types = types or types_of(cell, schema)
    made = examples.EXAMPLES[cell.operator](examples.Call(cell.operator, cell.version, types))
    prototypes, attributes = made[0], made[1]
    infos, data, names = [], [], []
    for index, prototype in enumerate(prototypes):
        formal = schema.inputs[min(index, len(schema.inputs) - 1)]
        if prototype is None:
            names.append("")
            continue
        kind = types.get(formal.type_str, formal.type_str)
        names.append(f"in{index}")
        add_input(names[-1], kind, prototype, infos, data)
    for name, kind, prototype in made[3] if len(made) > 3 else []:
        add_input(name, kind, prototype, infos, data)
    outputs = output_types(schema, types, made[2] if len(made) > 2 else None)
    node = helper.make_node(cell.operator, names, [f"out{i}" for i in range(len(outputs))], **attributes)
    graph = helper.make_graph([node], "cell", infos, [values.value_info(f"out{i}", k) for i, k in enumerate(outputs)])
    opset = helper.make_opsetid("", cell.opset)
    model = helper.make_model(graph, opset_imports=[opset], ir_version=helper.find_min_ir_version_for([opset], True))
    return model, data, types


def add_input(name, kind, prototype, infos, data):
    value = values.make(prototype, kind)
    infos.append(values.value_info(name, kind, list(value.shape) if kind.startswith("tensor") else None))
    data.append(value)


def output_types(schema, types, count):
    if count is None:
        count = sum(formal.option != defs.OpSchema.FormalParameterOption.Optional for formal in schema.outputs)
    kinds = []
    for index in range(count):
        formal = schema.outputs[min(index, len(schema.outputs) - 1)]
        kinds.append(types.get(formal.type_str, formal.type_str))
    return kinds


def write_first(job):
    cell, folder = job
    return write(cell, pathlib.Path(folder), 0)


def write(cell, folder, attempt):
    """Model and test data by one of the oracles; "" or what stood in the way."""
    warnings.simplefilter("ignore")
    try:
        model, data, types = build(cell)
    except Exception as error:  # a row of the table that does not fit this type: the cell stays untested
        return f"no model: {type(error).__name__}: {error}"
    try:
        with numpy.errstate(all="ignore"):
            expected = oracle.ORACLES[attempt](cell, model, data, types, build)
    except Exception as error:  # an oracle may fail in any way; the next one is asked
        expected, problem = None, f"no oracle: {type(error).__name__}: {str(error)[:200]}"
    target = folder / cell.folder
    (target / "test_data_set_0").mkdir(parents=True)
    (target / "model.onnx").write_bytes(model.SerializeToString())
    put(target, "input", data, model.graph.input)
    if expected is None:
        return problem
    try:
        put(target, "output", expected, model.graph.output)
    except Exception as error:  # the oracle's value has not the declared kind
        return f"no oracle: {type(error).__name__}: {str(error)[:200]}"
    return ""


def put(target, word, items, infos):
    for index, (value, info) in enumerate(zip(items, infos)):
        (target / "test_data_set_0" / f"{word}_{index}.pb").write_bytes(values.serialize(value, info.type))


# Verdicts ---------------------------------------------------------------------------------------------------------


def judge(cells, folder, program, again=False):
    """Fills the verdicts of the cells from one run over the folder. Again: only better ones count."""
    if not cells:
        return
    output = folder.parent / (folder.name + "-out")
    cases = verify(folder, output, program)
    for cell in cells:
        case = cases.get(cell.folder)
        if case is None:
            continue
        verdict, detail = case["status"], case["detail"] or ""
        if verdict == "failed" and re.search(MISSING_OUTPUT, detail) and cell.operator not in examples.RANDOM:
            verdict, detail = "untested", cell.detail
        if verdict == "failed" and re.search(r"[dD]oes not take", detail):
            verdict = "refused"  # operator and type are named
        if cell.operator in examples.RANDOM and verdict not in ("refused", "untested"):
            verdict, detail = oracle.judge_random(cell, folder / cell.folder, output / cell.folder)
        if again and (verdict not in ("passed", "wrong") or verdict == cell.verdict):
            continue
        cell.disputed = cell.disputed or again and cell.verdict == "wrong"
        cell.verdict, cell.detail = verdict, detail
        cell.has_kernel = any(kernel not in ("", "reference") for kernel in case["kernels"])


def verify(folder, output, program):
    """Name -> case of one run over the folder."""
    process = subprocess.run(
        [program, "--json", "-q", "verify", str(folder), "--output", str(output)],
        capture_output=True,
        text=True,
        check=False,
    )
    if process.returncode < 0 or not process.stdout:
        sys.exit(f"{program} verify {folder}: exit {process.returncode}\n{process.stderr[-2000:]}")
    return {case["name"]: case for case in json.loads(process.stdout)["cases"]}


def report(cells):
    """What did not pass, the most frequent reason first."""
    reasons = collections.defaultdict(list)
    for cell in cells:
        if cell.verdict != "passed":
            reasons[cell.verdict, general(cell.detail)].append(cell)
    counts = collections.Counter(cell.verdict for cell in cells)
    lines = [f"{len(cells)} cells: {dict(counts)}", ""]
    for (verdict, reason), group in sorted(reasons.items(), key=lambda item: -len(item[1])):
        lines.append(f"{len(group):5} {verdict}: {reason}")
        names = collections.defaultdict(list)
        for cell in group:
            names[f"{cell.operator}-{cell.version}"].append(f"{cell.constraint}={short(cell.kind)}")
        lines += [f"        {name}: {' '.join(kinds)[:300]}" for name, kinds in sorted(names.items())]
    disputed = [
        f"{cell.operator}-{cell.version} {cell.constraint}={short(cell.kind)}" for cell in cells if cell.disputed
    ]
    lines += ["", f"{len(disputed)} where one oracle agrees and another does not:", *disputed]
    return "\n".join(lines) + "\n"


def general(detail):
    detail = re.sub(r'^model "model.onnx": ', "", detail)
    detail = re.sub(r'node "[^"]*" \((\w+), opset \d+\)', r"\1", detail)
    detail = re.sub(r"; (known domains|docs/operators).*", "", detail)
    detail = re.sub(r"^\S*/test_data_set_\d+/(\w+\.pb): ", r"\1: ", detail)
    return re.sub(r"\b\d[\d.e+-]*\b", "N", detail)


if __name__ == "__main__":
    main()
