"""ONNX's own cases, judged twice: by `openruntime verify`, and here from the outputs that it writes, with NumPy. Both
must agree on every case, and what does not pass stands in the list of known gaps.

    onnx_nodes_test.py [--data ROOT] [--gaps FILE] [--print-gaps]

ROOT has the folders of FOLDERS, as Debian's libonnx-testdata; --print-gaps prints a new list instead of testing, in
which a line `contradicted PROOF …` of the old one is kept: it is a person's, and `tools/onnx/prove.py` checks it."""

import argparse
import collections
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import harness
import onnx_suite

FOLDERS = ["node", "simple", "pytorch-converted", "pytorch-operator"]
LEAST = {"node": 900, "simple": 20, "pytorch-converted": 80, "pytorch-operator": 30}
HEADER = """\
# Cases that do not pass, with the reason: FOLDER/CASE REASON. Refused by name, nothing else; or `contradicted PROOF`:
# the data of the case is wrong, and tools/onnx/prove.py shows it. Made by tools/onnx/run.sh --update; a listed case
# that passes, and a name that is not there, fail the test.
"""


def options():
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", default="/usr/share/libonnx-testdata/data")
    parser.add_argument("--gaps", default=os.path.join(harness.HERE, "onnx_gaps.txt"))
    parser.add_argument("--print-gaps", action="store_true")
    return parser.parse_args()


class Suite:
    """Every case of every folder: `inside` is verify's row, `outside` what NumPy says."""

    def __init__(self, root):
        self.inside, self.outside = {}, {}
        for folder in FOLDERS:
            with harness.scratch() as output:
                path = os.path.join(root, folder)
                result = harness.run("--json", "-q", "verify", path, "--output", output)
                harness.expect(
                    result.code in (0, 1) and result.out, f"verify {folder}: exit {result.code}: {result.err}"
                )
                cases = result.json()["cases"]
                harness.expect(len(cases) >= LEAST[folder], f"only {len(cases)} cases in {path}")
                for case in cases:
                    name = f"{folder}/{case['name']}"
                    self.inside[name] = case
                    self.outside[name] = onnx_suite.agrees(
                        case["name"], os.path.join(path, case["name"]), os.path.join(output, case["name"])
                    )

    def verdict(self, name):
        """Verify's, or "drawn" for a wrong one that is another draw."""
        drawn = self.inside[name]["status"] == "wrong" and self.outside[name] == "drawn"
        return "drawn" if drawn else self.inside[name]["status"]


def judged_inside_and_outside():
    disagree = [n for n, c in suite.inside.items() if (c["status"] == "passed") != (suite.outside[n] is True)]
    harness.expect(not disagree, f"verify and NumPy disagree on: {disagree}")
    counts = collections.Counter(map(suite.verdict, suite.inside))
    outside = sum(verdict is True for verdict in suite.outside.values())
    print(f"{len(suite.inside)} cases: {dict(counts)}; outside, with NumPy: {outside} passed")
    harness.expect(counts["passed"] == outside, "the counts differ")


def what_does_not_pass_is_a_known_gap():
    gaps = onnx_suite.read_gaps(arguments.gaps)
    stale = sorted(name for name in gaps if name not in suite.inside)
    harness.expect(not stale, f"listed, and no case: {stale}")
    passing = sorted(name for name in gaps if suite.verdict(name) in ("passed", "drawn"))
    harness.expect(not passing, f"listed, and they pass: take them off {arguments.gaps}: {passing}")
    bad = []
    for name, case in suite.inside.items():
        verdict = suite.verdict(name)
        if verdict in ("passed", "drawn") or onnx_suite.is_contradicted(gaps.get(name, "")):
            continue
        if verdict == "refused" and name in gaps and case["detail"]:
            continue
        bad.append(f"{verdict} {name}: {case['detail']}")
    harness.expect(not bad, "not passed, and no known gap:\n  " + "\n  ".join(bad))


def print_gaps():
    try:
        old = onnx_suite.read_gaps(arguments.gaps, merging=True)
    except FileNotFoundError:
        old = {}
    print(HEADER, end="")
    for name, case in sorted(suite.inside.items()):
        verdict = suite.verdict(name)
        if verdict in ("passed", "drawn"):
            continue
        if onnx_suite.is_contradicted(old.get(name, "")):
            print(name, old[name])
        elif verdict == "refused":
            print(name, onnx_suite.refusal(case["detail"]))
        else:
            print(f"not listed: {verdict} {name}: {case['detail']}", file=sys.stderr)


arguments = options()
if not os.path.isdir(arguments.data):
    print(f"skipped: {arguments.data} is not there (libonnx-testdata)")
    sys.exit(0)
suite = Suite(arguments.data)
if arguments.print_gaps:
    print_gaps()
else:
    harness.main([judged_inside_and_outside, what_does_not_pass_is_a_known_gap])
