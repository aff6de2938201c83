#!/usr/bin/env python3
"""What docs/ says agrees with the code: the pages made from it are fresh, every operator, command and public function
is there, and nothing is there that the code does not have; links between pages lead somewhere."""
import re

import checklib
import make_docs


def check(root):
    return made_pages(root) + operators(root) + commands(root) + functions(root) + metrics(root) + links(root)


def made_pages(root):
    found = []
    for path, text in make_docs.pages(root).items():
        page = root / path
        if not page.exists():
            found.append(f"{path}: missing; run tools/make_docs.py")
        elif page.read_text() != text:
            found.append(f"{path}: out of date; run tools/make_docs.py")
    return found


def page_text(root, path):
    return checklib.read(root, path) if (root / path).exists() else ""


def operators(root):
    rows = make_docs.operators(root)
    found = [f"src/ops/ops_list.h: X({row['symbol']}): no definition in src/ops" for row in rows if not row["name"]]
    written = set(re.findall(r"^\| `(\w+)` \|", page_text(root, "docs/operators.md"), re.M))
    return found + both_ways("docs/operators.md", "operator", {row["name"] for row in rows if row["name"]}, written)


def commands(root):
    """The rows of the command table against the headings of docs/cli.md ("## devices" or "### `devices`")."""
    known = set()
    for path in checklib.files(root, ".c", ".h"):
        if path == "src/cli/commands.c" or path.startswith("src/cli/command_table"):
            code = checklib.without_comments(checklib.read(root, path), strings=False)
            known.update(re.findall(r'^\s*\{\s*(?:\.name\s*=\s*)?"([a-z]\w*)"', code, re.M))
    written = set(re.findall(r"^#{2,3} `?(?:openruntime )?([a-z]+)`?", page_text(root, "docs/cli.md"), re.M))
    return both_ways("docs/cli.md", "command", known, written)


def functions(root):
    written = set(re.findall(r"`(or_\w+)`", page_text(root, "docs/c-api.md")))
    return both_ways("docs/c-api.md", "function", set(make_docs.functions(root)), written)


def metrics(root):
    """Rows of or_metric_t against the table of docs/operations.md, labels included."""
    known = set()
    for path in checklib.files(root, ".c"):
        if path.startswith("src/") and not path.endswith("_test.c"):
            code = checklib.without_comments(checklib.read(root, path), strings=False)
            for name, labels in re.findall(r'\.name = "(openruntime_\w+)",\s*\.help = (?:"(?:[^"\\]|\\.)*"\s*)+'
                                           r'(?:,\s*\.labels = \{([^}]*)\})?', code):
                known.add(" ".join([name, *re.findall(r'"(\w+)"', labels)]))
    rows = re.findall(r"^\| `(openruntime_\w+)` \| ([^|]*)\|", page_text(root, "docs/operations.md"), re.M)
    written = {" ".join([name, *re.findall(r"`(\w+)`", labels)]) for name, labels in rows}
    return both_ways("docs/operations.md", "metric", known, written)


def both_ways(page, what, known, written):
    return ([f"{page}: {what} {name} is not there" for name in sorted(known - written)] +
            [f"{page}: {what} {name} is not in the code" for name in sorted(written - known)])


def links(root):
    found = []
    for path in checklib.files(root, ".md"):
        for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", checklib.read(root, path)):
            if not re.match(r"[a-z]+:", target) and not (root / path).parent.joinpath(target).exists():
                found.append(f"{path}: link to {target}, which does not exist")
    return found


def _sample():
    tree = {
        "src/ops/ops_list.h": "X(relu)\n",
        "src/ops/relu.c": 'const or_op_t or_op_relu = {.name = "Relu", .since = {6}, .dtypes = 1, .summary = "x"};\n',
        "include/openruntime/a.h": "OR_API int or_a(void);\n",
        "src/cli/command_table.c": '{\n  {"devices", 1},\n};\n',
        "docs/cli.md": "## devices\n",
    }
    rows = [{"symbol": "relu", "name": "Relu", "domain": "", "summary": "x", "since": ["6"], "dtypes": []}]
    tree["docs/operators.md"] = make_docs.operators_page(rows)
    tree["docs/c-api.md"] = make_docs.C_API_INTRODUCTION + ("\n## openruntime/a.h\n\n\n\n`or_a`\n\n"
                                                            "```c\nOR_API int or_a(void);\n```\n")
    return tree


SAMPLES = {
    "good": _sample(),
    "operator without a definition": {**_sample(), "src/ops/ops_list.h": "X(relu)\nX(conv)\n"},
    "operator missing in the page": {**_sample(), "docs/operators.md": ""},
    "command missing in the page": {**_sample(), "docs/cli.md": ""},
    "command that does not exist": {**_sample(), "docs/cli.md": "## devices\n## dance\n"},
    "function missing in the page": {**_sample(), "include/openruntime/b.h": "OR_API int or_b(void);\n"},
    "stale page": {**_sample(), "include/openruntime/a.h": "/* New words. */\nOR_API int or_a(void);\n"},
    "dead link": {**_sample(), "README.md": "[x](docs/nothing.md)\n"},
}

if __name__ == "__main__":
    checklib.main(check, SAMPLES, __doc__)
