#!/usr/bin/env python3
"""Writes the pages of docs/ that are made from the code: operators.md from src/ops, c-api.md from include/openruntime,
http.md from src/server.

make_docs.py                   writes them
make_docs.py --list-functions  prints the name of every OR_API function, one a line
"""
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

import checklib
import make_docs_http

DTYPES = {"FLOAT16": "float16", "BFLOAT16": "bfloat16", "FLOAT32": "float32", "FLOAT64": "float64", "BOOL": "bool",
          "COMPLEX64": "complex64", "COMPLEX128": "complex128", "STRING": "string"}
DTYPES.update({f"{sign}INT{bits}": f"{sign.lower()}int{bits}" for sign in ("", "U") for bits in (2, 4, 8, 16, 32, 64)})
# Types that stand in the catalogue together, by one word.
GROUPS = [
    ("floats", ["float16", "bfloat16", "float32", "float64"]),
    ("integers", [f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)]),
    ("complex", ["complex64", "complex128"]),
    ("narrow", ["float8e4m3fn", "float8e4m3fnuz", "float8e5m2", "float8e5m2fnuz", "float4e2m1", "uint4", "int4",
                "float8e8m0", "uint2", "int2"]),
    ("float6", ["float6e2m3", "float6e3m2"]),
]
FUNCTION = re.compile(r"^OR_API\b[^;{]*?\b(or_\w+)\s*\(", re.M)
NOTE = "<!-- Made by tools/make_docs.py from the source; do not edit. -->\n"
DOMAINS = [("", "ONNX (`ai.onnx`)"),
           ("openruntime", "Ours (`openruntime`): the work of compute tasks, and what rewriting makes of nodes")]
OPERATORS_INTRODUCTION = NOTE + """
# Operators

What the catalogue in `src/ops/` knows: each operator has a shape rule, a cost and a reference, and runs on every device
that supports it, else on the CPU. `since` lists the versions with semantics of their own. Another operator is refused
by name when a model is loaded. [operator-grid.md](operator-grid.md) says for every version of the operators of ONNX
which types ran right.

A version takes the types that the standard gives it, as ONNX's checker has it: a model of opset 12 with a `Relu` of
bfloat16 is refused by name. `Constant` is wider, because older exporters wrote integers into its first version and
ONNX Runtime runs such models; so are the operators on sequences, which hold bfloat16 as `SplitToSequence` has given it
since 24, and a few with types that no version has yet. The grid lists each under *beyond*.

The types are those of the first input, in the newest version that has them: *floats* are float16, bfloat16, float32,
float64; *integers* are int8 to int64 and uint8 to uint64; *complex* are complex64, complex128; *float6* are float6e2m3,
float6e3m2; *narrow* are the five float8 types, float4e2m1, uint4, int4, uint2, int2.
"""
C_API_INTRODUCTION = NOTE + """
# The C interface

Include `<openruntime/openruntime.h>`, link with `pkg-config --cflags --libs openruntime`. The programs in `examples/`
show it in use. What follows is each public header's contract, as it stands there.
"""


def pages(root):
    """Path -> text of every page that is made from the code."""
    return {"docs/operators.md": operators_page(operators(root)), "docs/c-api.md": c_api_page(root),
            "docs/http.md": make_docs_http.page(root, NOTE)}


# Operators ---------------------------------------------------------------------------------------------------------

def operators(root):
    """The rows of the catalogue in the order of src/ops/ops_list.h, as dictionaries."""
    listing = root / "src/ops/ops_list.h"
    if not listing.exists():
        return []
    symbols = re.findall(r"^\s*X\((\w+)\)", checklib.without_comments(listing.read_text()), re.M)
    rows = {}
    for path in checklib.files(root, ".c"):
        if path.startswith("src/ops/") and not checklib.is_test(path) and "or_op_" in checklib.read(root, path):
            rows.update(rows_of(root, path))
    return [rows.get(symbol, {"symbol": symbol, "name": None}) for symbol in symbols]


def rows_of(root, path):
    """The or_op_t definitions of one file, read after the preprocessor, so that macros may be used to write them."""
    rows = {}
    for match in re.finditer(r"const\s+or_op_t\s+or_op_(\w+)\s*=\s*\{", text := preprocessed(root, path)):
        body = text[match.end():closing_brace(text, match.end())]
        rows[match.group(1)] = {
            "symbol": match.group(1), "name": string_field(body, "name"), "domain": string_field(body, "domain") or "",
            "summary": string_field(body, "summary") or "", "since": versions(body), "dtypes": dtypes(body),
        }
    return rows


def preprocessed(root, path):
    compiler = os.environ.get("CC") or shutil.which("gcc") or shutil.which("cc") or "clang"
    with tempfile.TemporaryDirectory() as generated:
        (pathlib.Path(generated) / "or_config.h").write_text("")
        command = [compiler, "-E", "-P", "-std=c17", "-D_GNU_SOURCE", f"-I{root}/include", f"-I{root}/src",
                   f"-I{generated}", str(root / path)]
        result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode != 0:
        sys.exit(f"make_docs.py: {path} can't be preprocessed:\n{result.stderr}")
    return result.stdout


def closing_brace(text, start):
    depth = 1
    for match in re.compile(r'"(?:\\.|[^"\\])*"|[{}]').finditer(text, start):
        depth += {"{": 1, "}": -1}.get(match.group(0), 0)
        if depth == 0:
            return match.start()
    return len(text)


def string_field(body, field):
    match = re.search(rf'\.{field}\s*=\s*((?:"(?:\\.|[^"\\])*"\s*)+)', body)
    return "".join(re.findall(r'"((?:\\.|[^"\\])*)"', match.group(1))).replace('\\"', '"') if match else None


def versions(body):
    match = re.search(r"\.since\s*=\s*\{([^}]*)\}", body)
    return re.findall(r"\d+", match.group(1)) if match else []


def dtypes(body):
    match = re.search(r"\.dtypes\s*=\s*(.*?)(?=,\s*\.\w+\s*=|$)", body, re.S)
    mask = match.group(1) if match else ""
    named = re.findall(r"\bOR_([A-Z]\w*)\b", mask)
    bits = re.sub(r"\bOR_([A-Z]\w*)\b", lambda name: str(named.index(name.group(1))), mask)
    bits = eval(f"({re.sub(r'(?<=[0-9])[uUlL]+', '', bits) or 0})")  # C's operators on such bits are Python's
    named = [name for name in dict.fromkeys(named) if bits >> named.index(name) & 1]
    return grouped(list(dict.fromkeys(DTYPES.get(name, name.lower()) for name in named)))


def grouped(names):
    """The list with each whole group in the place of its first member."""
    for word, members in GROUPS:
        if set(members) <= set(names):
            first = min(names.index(member) for member in members)
            names = names[:first] + [word] + [name for name in names[first:] if name not in members]
    return names


def operators_page(rows):
    lines = [OPERATORS_INTRODUCTION]
    for domain, title in DOMAINS:
        lines += [f"## {title}\n", "| operator | since | types | does |", "| --- | --- | --- | --- |"]
        ours = [row for row in rows if row["name"] and row["domain"] == domain]
        for row in sorted(ours, key=lambda row: row["name"]):
            summary = row["summary"].replace("|", "\\|")
            lines.append(f"| `{row['name']}` | {', '.join(row['since'])} | {', '.join(row['dtypes'])} | {summary} |")
        lines.append("")
    return "\n".join(lines)


# C interface -------------------------------------------------------------------------------------------------------

def public_headers(root):
    """In the order in which they build on one another, as far as names can tell; those for backend authors last."""
    order = ["types", "status", "runtime", "device", "buffer", "tensor", "value", "model", "session", "compute"]
    found = [path for path in checklib.files(root, ".h") if path.startswith("include/openruntime/")]
    stems = {path: pathlib.Path(path).stem for path in found}
    rank = {path: order.index(stem) if stem in order else len(order) for path, stem in stems.items()}
    return sorted(found, key=lambda path: (path.count("/"), rank[path], path))


def functions(root):
    """Every OR_API function: name -> header."""
    found = {}
    for path in public_headers(root):
        for name in FUNCTION.findall(checklib.without_comments(checklib.read(root, path))):
            found[name] = path
    return found


def c_api_page(root):
    lines = [C_API_INTRODUCTION]
    for path in public_headers(root):
        text = checklib.read(root, path)
        names = FUNCTION.findall(checklib.without_comments(text))
        if path.endswith("/openruntime.h"):
            continue
        lines += [f"## {path[len('include/'):]}\n", introduction(text) + "\n"]
        if names:
            lines.append(" · ".join(f"`{name}`" for name in names) + "\n")
        lines += ["```c", declarations(text), "```\n"]
    return "\n".join(lines)


def introduction(text):
    match = re.match(r"\s*#ifndef \w+\n#define \w+\n+/\*(.*?)\*/", text, re.S)
    return re.sub(r"\s*\n\s*\*?\s*", " ", match.group(1)).strip() if match else ""


def declarations(text):
    """The header without its guard, introduction, includes and C++ bracket."""
    text = re.sub(r"\A\s*#ifndef \w+\n#define \w+\n+(/\*.*?\*/)?", "", text, flags=re.S)
    text = re.sub(r"#ifdef __cplusplus\n(extern \"C\" \{|\})\n#endif\n?", "", text)
    text = re.sub(r"^#include .*\n", "", text, flags=re.M)
    text = re.sub(r"#endif[^\n]*\s*\Z", "", text)
    return re.sub(r"\n{3,}", "\n\n", text).strip()


def main():
    if "--list-functions" in sys.argv:
        print("\n".join(functions(checklib.ROOT)))
        return
    for path, text in pages(checklib.ROOT).items():
        target = checklib.ROOT / path
        target.parent.mkdir(exist_ok=True)
        if not target.exists() or target.read_text() != text:
            target.write_text(text)
            print(f"wrote {path}")


if __name__ == "__main__":
    main()
