#!/usr/bin/env python3
"""coverage_gate.py SUMMARY.json GATE.txt: prints each folder's coverage and fails when a total is below its gate."""
import collections
import json
import sys

SLACK = 0.3  # percent points: threads and time-outs take a branch in one run and not in the next


def main(summary_path, gate_path):
    with open(summary_path, encoding="utf-8") as file:
        summary = json.load(file)
    with open(gate_path, encoding="utf-8") as file:
        gates = dict(line.split() for line in file if line.strip() and not line.startswith("#"))
    folders = collections.defaultdict(lambda: [0, 0, 0, 0])
    for entry in summary["files"]:
        folder = "/".join(entry["filename"].split("/")[:-1])
        counts = (entry["line_covered"], entry["line_total"], entry["branch_covered"], entry["branch_total"])
        for name in (folder, "total"):
            folders[name] = [a + b for a, b in zip(folders[name], counts)]
    total = folders.pop("total", [0, 0, 0, 0])
    for name, counts in [*sorted(folders.items()), ("total", total)]:
        print(f"{name:28} lines {percent(*counts[:2]):5.1f} %   branches {percent(*counts[2:]):5.1f} %")
    reached = {"line": percent(*total[:2]), "branch": percent(*total[2:])}
    failed = 0
    for kind, value in reached.items():
        gate = float(gates[kind])
        if value < gate - SLACK:
            failed = 1
            print(f"{kind} coverage {value:.1f} % is below {gate} % ({gate_path}): add tests", file=sys.stderr)
        elif value > gate + 1:
            print(f"{kind} coverage {value:.1f} %: {gate_path} ({gate} %) can be raised")
    return failed


def percent(covered, total):
    return 100.0 * covered / total if total else 100.0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:3]))
