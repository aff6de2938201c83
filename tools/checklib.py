"""What the check_*.py scripts share: the files of the tree, C text without comments, and how findings are printed."""
import argparse
import pathlib
import re
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent

# The folders of src/, bottom up: a folder's tests may use those above it in this list.
FOLDERS = ["base", "metrics", "ops", "hal", "backends/null", "backends/cpu", "backends/opencl", "backends", "graph",
           "runtime", "kernel", "client", "model", "task", "scheduler", "store", "cluster", "server", "cli"]
LIBRARY_FOLDERS = FOLDERS[:FOLDERS.index("task")]

# X-macro lists and templates are included once for each use: no guard, and what they need comes from the includer.
INCLUDED_AGAIN = ("_list.h", "_template.h")

_TOKEN = re.compile(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)


def files(root, *suffixes):
    """Tracked and new files of the tree (not the ignored ones) that end in one of `suffixes`, relative to `root`."""
    command = ["git", "-C", str(root), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    try:
        listing = subprocess.run(command, check=True, capture_output=True).stdout.decode().split("\0")
    except (subprocess.CalledProcessError, FileNotFoundError):
        listing = [str(p.relative_to(root)) for p in root.rglob("*") if p.is_file() and ".git" not in p.parts]
    return sorted(p for p in set(listing) if p and p.endswith(suffixes) and (root / p).is_file())


def read(root, path):
    return (root / path).read_text(encoding="utf-8", errors="replace")


def _blank(text):
    return re.sub(r"[^\n]", " ", text)


def without_comments(text, strings=True):
    """C text with comments (and, if `strings`, the contents of literals) turned into spaces; lines stay in place."""
    def replace(match):
        token = match.group(0)
        if token.startswith("/"):
            return _blank(token)
        return token[0] + _blank(token[1:-1]) + token[-1] if strings else token
    return _TOKEN.sub(replace, text)


def comments(text):
    """(line number, text) of every line of every comment, without the comment marks."""
    for match in _TOKEN.finditer(text):
        token = match.group(0)
        if not token.startswith("/"):
            continue
        first = text.count("\n", 0, match.start()) + 1
        body = token[2:] if token.startswith("//") else token[2:-2]
        for offset, line in enumerate(body.split("\n")):
            yield first + offset, line.strip().lstrip("*").strip()


def folder_of(path):
    """The source folder that a path under src/ belongs to ("graph" for src/graph/onnx/x.c), or None."""
    if not path.startswith("src/"):
        return None
    inside = path[len("src/"):]
    for folder in sorted(FOLDERS, key=len, reverse=True):
        if inside.startswith(folder + "/"):
            return folder
    return inside.split("/")[0] if "/" in inside else None


def is_test(path):
    outside = not path.startswith(("src/", "include/"))
    return outside or re.search(r"_(test|test_internal|fuzz|bench)\.[ch]$", path) is not None


def main(check, samples, description):
    """Runs check(root) -> list of findings. `samples`: name -> {path: text}, trees in which check must find fault, else
    --self-test fails; in the sample named "good" it must find nothing."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--self-test", action="store_true", help="prove that the check fails on bad samples")
    arguments = parser.parse_args()
    if arguments.self_test:
        sys.exit(_self_test(check, samples))
    found = check(ROOT)
    for line in found:
        print(line, file=sys.stderr)
    print(f"{pathlib.Path(sys.argv[0]).name}: {len(found)} findings")
    sys.exit(1 if found else 0)


def _self_test(check, samples):
    failures = 0
    for name, tree in samples.items():
        with tempfile.TemporaryDirectory() as folder:
            root = pathlib.Path(folder)
            for path, text in tree.items():
                (root / path).parent.mkdir(parents=True, exist_ok=True)
                (root / path).write_text(text)
            found = check(root)
        if (name == "good") != (not found):
            failures += 1
            print(f"self-test: sample \"{name}\": {found if found else 'nothing found'}", file=sys.stderr)
    print(f"{pathlib.Path(sys.argv[0]).name} --self-test: {len(samples)} samples, {failures} wrong")
    return 1 if failures else 0
