#!/usr/bin/env python3
"""Runs "A first backend, in an hour" of docs/writing-a-backend.md as it stands there, in a copy of the tree.

    tools/run_backend_guide.py [--keep FOLDER]

Each fenced block of the section is carried out, in order:

    ```c PATH, ```md PATH     the file is written
    ```diff PATH              its lines are put in or taken out; those around them must be there, once
    ```sh                     bash runs it, at the root of the copy
    ```text                   what the block before printed (not on stderr): `…` stands for anything, alone in a line
                              for any lines

Anything else in the section, and anything that differs, is a failure. The copy is build/guide, so that what was
compiled before is found again; --keep makes it elsewhere."""
import argparse
import pathlib
import re
import shutil
import subprocess
import sys

import checklib

PAGE = "docs/writing-a-backend.md"
SECTION = "A first backend, in an hour"
SECONDS = 1800  # of one block; no measure of ours: after it a broken block ends


class Wrong(Exception):
    """What the page says is not so."""


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--keep", metavar="FOLDER", type=pathlib.Path, default=checklib.ROOT / "build" / "guide")
    parser.add_argument("--self-test", action="store_true", help="prove that what is wrong is found")
    arguments = parser.parse_args()
    if arguments.self_test:
        return self_test()
    copy_tree(checklib.ROOT, arguments.keep)
    try:
        count = carry_out(blocks(checklib.read(checklib.ROOT, PAGE)), arguments.keep)
    except Wrong as wrong:
        print(f"{PAGE}:{wrong}", file=sys.stderr)
        return 1
    print(f"{PAGE}: {count} blocks carried out")
    return 0


def blocks(page):
    """(line, kind, path, text) of each fenced block of the section."""
    found, fence, section = [], None, ""
    for number, line in enumerate(page.split("\n"), 1):
        heading = re.match(r"## (.*)", line)
        if fence is None and heading:
            section = heading.group(1)
        elif line.startswith("```") and fence is None:
            kind, _, path = line[3:].partition(" ")
            fence = [number, kind, path, ""]
        elif line.startswith("```"):
            if section == SECTION:
                found.append(tuple(fence))
            fence = None
        elif fence is not None:
            fence[3] += line + "\n"
    return found


def copy_tree(source, target):
    """The files of the tree. One that is the same already stays, so that nothing is compiled for its date."""
    wanted = set(checklib.files(source, ""))
    for old in (path for path in target.rglob("*") if path.is_file()):
        name = str(old.relative_to(target))
        if name not in wanted and not name.startswith(("build/", ".git/")):
            old.unlink()
    for folder in sorted((path for path in target.glob("src/**/") if path.is_dir()), reverse=True):
        if not any(folder.iterdir()):
            folder.rmdir()
    for name in wanted:
        put(target / name, (source / name).read_bytes())
        shutil.copymode(source / name, target / name)
    subprocess.run(["git", "init", "--quiet", str(target)], check=True)  # the checks ask git for the files


def put(path, content):
    if path.exists() and path.read_bytes() == content:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def carry_out(listed, root):
    if not listed:
        raise Wrong(f"1: no section \"{SECTION}\", or nothing in it")
    printed = None
    for line, kind, path, text in listed:
        if kind == "sh":
            printed = shell(line, text, root)
        elif kind == "text":
            compare(line, text, printed)
        elif kind == "diff":
            put(root / path, change(line, path, (root / path).read_text(encoding="utf-8"), text).encode())
        elif kind in ("c", "md") and path:
            put(root / path, text.encode())
        else:
            raise Wrong(f"{line}: a block of \"{kind} {path}\", which nobody carries out")
    return len(listed)


def shell(line, text, root):
    done = subprocess.run(["bash", "-euo", "pipefail", "-c", text], cwd=root, stdin=subprocess.DEVNULL, check=False,
                          capture_output=True, text=True, timeout=SECONDS)
    if done.returncode != 0:
        raise Wrong(f"{line}: exit {done.returncode} of\n{text}\n{done.stdout[-4000:]}{done.stderr[-4000:]}")
    return done.stdout


def compare(line, expected, printed):
    if printed is None:
        raise Wrong(f"{line}: no block before it prints anything")
    pattern = "".join(".*" if row == "…\n" else re.escape(row).replace("…", "[^\n]*") for row in
                      expected.splitlines(keepends=True))
    if not re.fullmatch(pattern, printed, re.S):
        raise Wrong(f"{line}: expected\n{expected}\nbut it printed\n{printed[-8000:]}")


def change(line, path, before, text):
    """A file with the lines of a diff put in and taken out. Hunks are parted by a line "@@"."""
    text = re.sub(r"^$\n", " \n", text, flags=re.M)  # an empty line is one that is there
    for hunk in re.split(r"^@@.*\n", text, flags=re.M):
        old = "".join(row[1:] for row in hunk.splitlines(keepends=True) if row[0] in " -")
        new = "".join(row[1:] for row in hunk.splitlines(keepends=True) if row[0] in " +")
        if any(row[0] not in " -+" for row in hunk.splitlines()):
            raise Wrong(f"{line}: a line of the diff begins with none of \" -+\"")
        if not old or ("\n" + before).count("\n" + old) != 1:
            raise Wrong(f"{line}: these lines are not in {path}, or more than once:\n{old}")
        before = ("\n" + before).replace("\n" + old, "\n" + new)[1:]
    return before


def self_test():
    page = f"## Other\n```sh\nfalse\n```\n## {SECTION}\n```c a.c\nint a;\n```\n```diff a.c\n-int a;\n+int b;\n```\n" \
           "```sh\ncat a.c; echo 3 files\n```\n```text\n…\n… files\n```\n"
    wrong = [page.replace("… files", "… folders"), page.replace("-int a;", "-int c;"),
             page.replace("cat", "false; cat"), page.replace("```c a.c", "```c"), "## Other\n"]
    root = checklib.ROOT / "build" / "guide-self-test"
    shutil.rmtree(root, ignore_errors=True)
    root.mkdir(parents=True)
    try:
        if carry_out(blocks(page), root) != 4:
            raise Wrong("1: a block was left out")
        for sample in wrong:
            try:
                carry_out(blocks(sample), root)
            except Wrong:
                continue
            print(f"nothing was found wrong in\n{sample}", file=sys.stderr)
            return 1
    finally:
        shutil.rmtree(root)
    print("run_backend_guide.py: the self-test passed")
    return 0


if __name__ == "__main__":
    sys.exit(main())
