"""ONNX's own node cases, judged twice: by `openruntime verify`, and here from the outputs that it writes, with NumPy.
Both must agree."""

import collections
import glob
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import harness

# The operators that the engine promises; their cases must pass.
PROMISED = """conv gemm matmul relu clip sigmoid tanh add sub mul div maxpool averagepool globalaveragepool
batchnorm softmax logsoftmax reshape flatten transpose squeeze unsqueeze concat slice gather cast
shape constant constantofshape identity reduce_mean reduce_sum reduce_max""".split()
# Promised names whose cases may be refused, with the reason why.
MAY_REFUSE = {
    "test_batchnorm_epsilon_training_mode": "the training form",
    "test_batchnorm_example_training_mode": "the training form",
    "test_cast_STRING_to_FLOAT": "strings",
    "test_cast_FLOAT_to_STRING": "strings",
    "test_identity_sequence": "sequences",
    "test_identity_opt": "optionals",
    "test_constant_pad": "Pad, in its constant mode",
}
# Cases whose data gives input "like" the shape [1] where the model itself declares [3,4]: a fault of these models that
# later versions of ONNX no longer have (onnx/onnx pull request 4684).
CONTRADICTORY = {
    f"test_castlike_{pair}{form}" for pair in ("BFLOAT16_to_FLOAT", "FLOAT_to_BFLOAT16") for form in ("", "_expanded")
}
FOLDERS = ["/usr/share/libonnx-testdata/data/node"]


def promised(name):
    """True for a case of a promised operator alone: test_add_bcast, not test_adagrad."""
    rest = name[len("test_") :]
    for operator in PROMISED:
        if rest == operator or rest.startswith(operator + "_"):
            return True
    return False


def agrees(case, folder, output):
    """Whether what was written equals the test data; None if nothing was written."""
    import numpy

    if not os.path.isdir(os.path.join(output, case)):
        return None
    for data in sorted(glob.glob(os.path.join(folder, case, "test_data_set_*"))):
        written = os.path.join(output, case, os.path.basename(data))
        expected = sorted(glob.glob(os.path.join(data, "output_*.pb")))
        names = sorted(os.listdir(written)) if os.path.isdir(written) else []
        if len(names) != len(expected):
            return False
        remaining = [load(os.path.join(written, name)) for name in names]
        for path in expected:
            dtype, want = harness.read_tensor(path)
            match = next((i for i, (kind, got) in enumerate(remaining) if same(kind, got, dtype, want, numpy)), None)
            if match is None:
                return False
            remaining.pop(match)
    return True


def load(path):
    import numpy

    if path.endswith(".npy"):
        return None, numpy.load(path)
    return harness.read_tensor(path)


def same(kind, got, dtype, want, numpy):
    if kind == 16 and dtype in (4, 16):  # bfloat16, which the test data keeps as its bits
        got, want = ((array.astype("<u4") << 16).view("<f4") for array in (got, want))
    elif got.dtype != want.dtype:
        return False
    if got.shape != want.shape:
        return False
    if got.dtype.kind in "fc":
        # neighbours of a narrow type agree
        rtol = 2.0**-7 if kind == 16 else 2.0**-10 if got.dtype == "<f2" else 1e-3
        return bool(numpy.allclose(got, want, rtol=rtol, atol=1e-5, equal_nan=True))
    return bool((got == want).all())


def judged_inside_and_outside():
    folder = next((f for f in FOLDERS if os.path.isdir(f)), None)
    if folder is None:
        print("skipped: libonnx-testdata is not installed")
        return
    with harness.scratch() as output:
        result = harness.run("--json", "-q", "verify", folder, "--output", output)
        report = result.json()
        verdicts = {case["name"]: case for case in report["cases"]}
        harness.expect(len(verdicts) > 900, f"only {len(verdicts)} cases were found")
        counts = collections.Counter(case["status"] for case in verdicts.values())
        outside = {name: agrees(name, folder, output) for name in verdicts}
    harness.expect(result.code == 0, f"exit {result.code}")
    wrong = [f"{n}: {c['detail']}" for n, c in verdicts.items() if c["status"] in ("wrong", "failed")]
    blamed = {n for n, c in verdicts.items() if "the test data contradicts the model" in (c["detail"] or "")}
    harness.expect(blamed == CONTRADICTORY, f"data and model disagree: {sorted(blamed)}")
    harness.expect(not wrong, "wrong or failed:\n  " + "\n  ".join(wrong))
    disagree = [n for n, c in verdicts.items() if (c["status"] == "passed") != (outside[n] is True)]
    harness.expect(not disagree, f"verify and NumPy disagree on: {disagree}")
    unnamed = [n for n, c in verdicts.items() if c["status"] == "refused" and not c["detail"]]
    harness.expect(not unnamed, f"refused without a reason: {unnamed}")
    missing = [
        f"{n}: {c['detail']}"
        for n, c in verdicts.items()
        if promised(n) and c["status"] != "passed" and n not in MAY_REFUSE and "sequence" not in c["detail"]
    ]
    harness.expect(not missing, "promised and refused:\n  " + "\n  ".join(missing))
    print(f"node cases: {dict(counts)}; outside, with NumPy: {sum(v is True for v in outside.values())} passed")


harness.main([judged_inside_and_outside])
