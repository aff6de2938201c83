#!/usr/bin/env python3
"""corpus_coverage.py BUILD: what the fuzz corpora alone reach of the code that a hostile file meets; fails below LEAST.

BUILD is a tree of the preset `coverage`; its counters are reset."""
import json
import pathlib
import subprocess
import sys

LEAST = 85.0  # percent of lines, of each part
ROOT = pathlib.Path(__file__).resolve().parent.parent
TARGETS = ("model onnx onnx_tensor npy value_file tensor_json tensor_file safetensors huggingface description").split()
LIBRARIES = ("or_graph", "or_model", "or_runtime")
RUNTIME = ("bind", "program_run", "report", "run", "session", "shape_class")
PLAN = ("execute", "frame", "trace")
FILES = ("checkpoint describe huggingface npy safetensors tensor_file tensor_json value_file value_json").split()


def part_of(path):
    """The part that a source file belongs to, or None."""
    folder, stem = str(path.parent), path.stem
    if folder == "src/graph/onnx":
        return None if "write" in stem else "reader"
    if folder == "src/runtime/program" or (folder == "src/runtime" and stem in RUNTIME):
        return "executor"
    if folder in ("src/graph", "src/graph/rewrite"):
        return "executor" if folder == "src/graph" and stem in PLAN else "inference"
    if folder == "src/model" and stem in FILES:
        return "other files"
    return None


def replay(build):
    for counters in build.rglob("*.gcda"):
        counters.unlink()
    for name in TARGETS:
        target, corpus = build / f"{name}_fuzz", ROOT / "fuzz" / "corpus" / name
        subprocess.run([target.resolve(), corpus], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)


def summary(build):
    command = ["gcovr", "--root", ".", "--filter", "src/(graph|model|runtime)/"]
    command += ["--exclude", r".*_(test|fuzz|bench)\.c", "--json-summary", "-"]
    command += [str(build.resolve() / "CMakeFiles" / f"{library}.dir") for library in LIBRARIES]
    return json.loads(subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout)


def main(build):
    replay(build)
    parts = {"reader": [0, 0], "inference": [0, 0], "executor": [0, 0], "other files": [0, 0]}
    for entry in summary(build)["files"]:
        part = part_of(pathlib.Path(entry["filename"]))
        if part is None:
            continue
        parts[part][0] += entry["line_covered"]
        parts[part][1] += entry["line_total"]
        if entry["line_percent"] < LEAST:
            print(f"  {entry['filename']}: {entry['line_percent']:.1f} % of {entry['line_total']} lines")
    failed = 0
    for part, (covered, total) in parts.items():
        percent = 100.0 * covered / total if total else 0.0
        print(f"corpora reach {percent:5.1f} % of the {total} lines of: {part}")
        if percent < LEAST:
            failed = 1
            print(f"{part}: {percent:.1f} % of the lines, less than {LEAST} %: add inputs", file=sys.stderr)
    return failed


if __name__ == "__main__":
    sys.exit(main(pathlib.Path(sys.argv[1])))
