#!/usr/bin/env python3
"""What docs/ says agrees with the code: the pages made from it are fresh, every operator, command and public function
is there, and nothing is there that the code does not have; links between pages lead somewhere."""
import pathlib
import re
import tempfile

import check_includes
import checklib
import make_docs
import make_docs_http


def check(root):
    return (made_pages(root) + operators(root) + commands(root) + functions(root) + metrics(root) + settings(root) +
            routes(root) + stages(root) + folders(root) + diagrams(root) + links(root) + backend_entries(root) +
            suite_cases(root))


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


def settings(root):
    """Rows of or_config_keys, with their defaults, against the table of docs/operations.md."""
    code = page_text(root, "src/server/config.c")
    known = {f"{name} = {default or 'empty'}" for name, default in
             re.findall(r'^\s*\{"(\w+)", OR_CONFIG_\w+, AT\(\w+\), "([^"]*)"', code, re.M)}
    section = page_text(root, "docs/operations.md").partition("\n## Settings\n")[2].partition("\n## ")[0]
    written = {f"{name} = {default}" for name, default in re.findall(r"^\| `(\w+)` \| `?([^`|]*?)`? \|", section, re.M)}
    return both_ways("docs/operations.md", "setting", known, written)


def routes(root):
    """Rows of or_routes against the table of docs/api.md. A cell may name several: "`GET`/`DELETE /keys/{id}`"."""
    code = page_text(root, "src/server/routes.c")
    known = set()
    for row in code.split("{.method = OR_HTTP_")[1:]:
        method, pattern = re.match(r'(\w+),\s*\.pattern = "([^"]+)"', row).groups()
        known.add(f"{'WS' if '.websocket =' in row else method} {pattern}")
    section = page_text(root, "docs/api.md").partition("\n## Over HTTP\n")[2].partition("\n## ")[0]
    written = set()
    for cell in re.findall(r"^\| (`(?:GET|POST|PATCH|PUT|DELETE|WS)\b[^|]*) \|", section, re.M):
        methods = []
        for words in re.findall(r"`([^`]+)`", cell):
            method, _, path = words.partition(" ")
            methods.append(method)
            if path:
                written.update(f"{one} {path.partition('?')[0]}" for one in methods)
                methods = []
    return both_ways("docs/api.md", "route", known, written)


def stages(root):
    """The stages of .ci/run against the table of docs/testing.md."""
    listed = re.search(r"^stages=\(([^)]*)\)", page_text(root, ".ci/run"), re.M)
    section = page_text(root, "docs/testing.md").partition("\n## CI\n")[2].partition("\n## ")[0]
    written = set(re.findall(r"^\| `(\w+)` \|", section, re.M))
    return both_ways("docs/testing.md", "stage", set(listed.group(1).split()) if listed else set(), written)


def backend_entries(root):
    """The members of the tables that a backend fills against the sections of docs/writing-a-backend.md of that name."""
    page = "docs/writing-a-backend.md"
    code = "".join(checklib.read(root, path) for path in checklib.files(root, ".h")
                   if path.startswith("include/openruntime/backend/"))
    found = []
    for name, section in re.findall(r"^### `(or_\w+)`[^\n]*\n(.*?)(?=^##)", page_text(root, page), re.M | re.S):
        body = re.search(r"typedef struct %s \{(.*?)\n\} %s;" % (name, name), code, re.S)
        members = checklib.without_comments(body.group(1) if body else "")
        known = set(re.findall(r"\(\*(\w+)\)\(", members))
        known |= set(re.findall(r"(\w+)(?:\[\d+\])?(?=,|;)", re.sub(r"\(\*\w+\)\([^;]*\);", "", members)))
        written = set(re.findall(r"^\| `(\w+)` \|", section, re.M))
        found += both_ways(page, f"entry of {name}:", known - {"abi_version", "struct_size"}, written)
    return found


def suite_cases(root):
    """Cases of the conformance suite that docs/writing-a-backend.md names are there."""
    page = "docs/writing-a-backend.md"
    code = "".join(checklib.read(root, path) for path in checklib.files(root, ".c")
                   if path.startswith("tests/cts/suite_"))
    suites = "device|memory|queue|run|compile"
    known = {name.replace("%zu", "*") for name in re.findall(rf'"((?:{suites})/[^"]+)"', code)}
    written = set(re.findall(rf"`((?:{suites})/[\w*]{{2,}})`", page_text(root, page)))
    return [f"{page}: case {name} is not in the suite" for name in sorted(written - known)]


def folders(root):
    """Who includes whom (check_includes.ALLOWED) against the first diagram of docs/architecture.md, for the folders
    there are: backends as one, single headers and what everybody uses left out."""
    if not (root / "docs/architecture.md").exists():
        return []
    name = lambda folder: folder.partition("/")[0]  # noqa: E731
    there = {name(folder) for folder in check_includes.ALLOWED if (root / "src" / folder).is_dir()} - {"base"}
    known = {f"{name(source)} -> {name(target)}" for source, targets in check_includes.ALLOWED.items()
             for target in targets if not target.endswith(".h")}
    known = {edge for edge in known if set(edge.split(" -> ")) <= there}
    written = set()
    diagram = page_text(root, "docs/architecture.md").partition("```mermaid\n")[2].partition("```")[0]
    for line in diagram.splitlines():
        source, arrow, targets = re.sub(r'\["[^"]*"\]', "", line).partition("-->")
        if arrow:
            written.update(f"{source.strip()} -> {target.strip()}" for target in targets.split("&"))
    written = {edge.replace("graphs", "graph") for edge in written}  # "graph" is a word of the language
    return both_ways("docs/architecture.md", "arrow", known, written)


def diagrams(root):
    """Mermaid ends a statement of a sequence at a semicolon, and shows a bomb in the place of the diagram."""
    return [f"{path}: a diagram has a semicolon: {line.strip()}" for path in checklib.files(root, ".md")
            for text in re.findall(r"```mermaid\nsequenceDiagram\n(.*?)```", checklib.read(root, path), re.S)
            for line in text.splitlines() if ";" in line]


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
        "src/server/config.c": '    {"port", OR_CONFIG_INTEGER, AT(port), "8000", 0, 65535, "x"},\n',
        "docs/operations.md": "\n## Settings\n\n| `port` | `8000` | x |\n",
        "src/server/routes.c": '{.method = OR_HTTP_GET,\n .pattern = "/ws",\n .websocket = &x}, '
                               '{.method = OR_HTTP_GET, .pattern = "/a/{id}"}, '
                               '{.method = OR_HTTP_DELETE, .pattern = "/a/{id}"}',
        "docs/api.md": "\n## Over HTTP\n\n| `WS /ws` | x |\n| `GET`/`DELETE /a/{id}` | x |\n",
        "tests/cts/suite_x.c": 'cts_case(cts, "run/xyz", x, NULL);',
        "docs/writing-a-backend.md": "### `or_x_t`: x\n| `self` | x |\n| `a` | `run/xyz` |\n| `b` | |\n| `run` | |\n"
                                     "## End",
        ".ci/run": "stages=(test)\n",
        "docs/testing.md": "\n## CI\n\n| `test` | x |\n",
        "src/graph/x.c": "", "src/ops/x.c": "", "src/hal/x.c": "",
        "docs/architecture.md": '```mermaid\n  graphs["x: y & z"] --> ops & hal\n  cli --> server\n```\n',
    }
    rows = [{"symbol": "relu", "name": "Relu", "domain": "", "summary": "x", "since": ["6"], "dtypes": []}]
    tree["docs/operators.md"] = make_docs.operators_page(rows)
    tree["docs/operator-grid.md"] = "What was tried."
    contract = ("typedef struct or_x_t {\n  uint32_t abi_version;\n  void *self;\n  const char *a, *b; /* c */\n"
                "  int (*run)(void *d, int e);\n} or_x_t;")
    tree["include/openruntime/backend/x.h"] = contract
    with tempfile.TemporaryDirectory() as place:
        root = pathlib.Path(place)
        (root / "include/openruntime/backend").mkdir(parents=True)
        (root / "include/openruntime/a.h").write_text(tree["include/openruntime/a.h"], encoding="utf-8")
        (root / "include/openruntime/backend/x.h").write_text(contract, encoding="utf-8")
        tree["docs/c-api.md"] = make_docs.c_api_page(root)
        (root / "src/server").mkdir(parents=True)
        (root / "src/server/routes.c").write_text(tree["src/server/routes.c"], encoding="utf-8")
        tree["docs/http.md"] = make_docs_http.page(root, make_docs.NOTE)
    return tree


SAMPLES = {
    "good": _sample(),
    "operator without a definition": {**_sample(), "src/ops/ops_list.h": "X(relu)\nX(conv)\n"},
    "operator missing in the page": {**_sample(), "docs/operators.md": ""},
    "command missing in the page": {**_sample(), "docs/cli.md": ""},
    "command that does not exist": {**_sample(), "docs/cli.md": "## devices\n## dance\n"},
    "function missing in the page": {**_sample(), "include/openruntime/b.h": "OR_API int or_b(void);\n"},
    "setting with another default": {**_sample(), "docs/operations.md": "\n## Settings\n\n| `port` | `80` | x |\n"},
    "route missing in the page": {**_sample(), "docs/api.md": "\n## Over HTTP\n\n| `WS /ws` | x |\n"},
    "route that does not exist": {**_sample(), "src/server/routes.c": ""},
    "stage missing in the page": {**_sample(), ".ci/run": "stages=(test lint)\n"},
    "entry of a backend that is missing": {**_sample(), "docs/writing-a-backend.md": "### `or_x_t`\n| `a` | |\n## End"},
    "case that the suite lacks": {**_sample(), "tests/cts/suite_x.c": 'cts_case(cts, "run/abc", x, NULL);'},
    "folder without its arrows": {**_sample(), "src/runtime/x.c": ""},
    "diagram that shows a bomb": {**_sample(), "a.md": "```mermaid\nsequenceDiagram\n  a->>b: c; d\n```\n"},
    "stale page": {**_sample(), "include/openruntime/a.h": "/* New words. */\nOR_API int or_a(void);\n"},
    "dead link": {**_sample(), "README.md": "[x](docs/nothing.md)\n"},
}

if __name__ == "__main__":
    checklib.main(check, SAMPLES, __doc__)
