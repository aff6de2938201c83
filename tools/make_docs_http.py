"""The page docs/http.md: every route and every document of the server, from the tables in src/server."""

import re

import checklib

INTRODUCTION = """
# Routes and documents

Every route of `openruntime server` with what it takes, what it answers and when it refuses, and every document by its
fields: what `GET /openapi.json` says, as a page. What the fields mean, and the fields of `data` and `result`, which go
by the operation, is in [api.md](api.md).

"""
EVERYWHERE = """
Besides, any route may answer 400, 403, 405, 408, 413, 414, 421, 431, 503 and 507, those with a scope 401, those with a
body 415 ([when](api.md#over-http)), with an `Error`; 422 comes with `Problems`. *Open* needs no key. A row's *200* is
the document that it answers with.
"""
FIELDS = """
A field is there unless it says otherwise: *or null*, or *may be left out*. `[X]` is an array of X, `{X}` an object of X
by name; a timestamp is ISO 8601 in UTC. Requests have no other fields than these.
"""
PRESENCE = {"ALWAYS": "", "NULLABLE": "or null", "OPTIONAL": "may be left out", "OMITTED": "may be left out, or null"}
STRING = r'"((?:[^"\\]|\\.)*)"'


def source(root, path):
    """A file without its comments; its strings stay. One that is not there is empty."""
    if not (root / path).exists():
        return ""
    return re.sub(r"/\*.*?\*/", "", checklib.read(root, path), flags=re.S)


def joined(text):
    """Adjacent string literals as one."""
    return "".join(re.findall(STRING, text)).replace('\\"', '"')


def routes(root):
    """The rows of or_routes as dictionaries of texts."""
    code = source(root, "src/server/routes.c")
    for row in code.split("{.method = OR_HTTP_")[1:]:
        found = {"method": re.match(r"\w+", row).group(0), "scope": row.partition(".scope = ")[2].partition(",")[0]}
        found["websocket"] = ".websocket =" in row
        for name in ("pattern", "summary", "parameters", "request", "response", "statuses"):
            value = re.search(rf"\.{name} =\s+((?:{STRING}\s*)+)", row)
            found[name] = "" if value is None else joined(value.group(1))
        yield found


def fields(root):
    """Schema -> its fields: (name, type, presence, summary)."""
    code = source(root, "src/server/schemas.c")
    found = {}
    for row in re.finditer(rf"\{{{STRING}, {STRING}, {STRING}, OR_FIELD_(\w+),\s*(NULL|(?:{STRING}\s*)+)\}}", code):
        schema, name, kind, presence, summary = row.groups()[:5]
        found.setdefault(schema, []).append((name, kind, PRESENCE[presence], joined(summary)))
    return found


def cell(text):
    return text.replace("|", "\\|")


def linked(response, known):
    words = response.split("|") if response else []
    return " or ".join(f"[{word}](#{word.lower()})" if word in known else f"`{word}`" for word in words)


def scope_of(text):
    return " or ".join(word.lower() for word in re.findall(r"OR_SCOPE_(\w+)", text))


def page(root, note):
    documents = fields(root)
    lines = [note + INTRODUCTION + "## Routes\n", "| route | scope | does | query | body | 200 | besides |",
             "| --- | --- | --- | --- | --- | --- | --- |"]
    for route in routes(root):
        method = "WS" if route["websocket"] else route["method"]
        query = " ".join(f"`{word.partition(':')[0]}`" for word in route["parameters"].split())
        statuses = "101, 426" if route["websocket"] else ", ".join(route["statuses"].split())
        cells = [f"`{method} {route['pattern']}`", scope_of(route["scope"]), cell(route["summary"]), query,
                 linked(route["request"], documents), linked(route["response"], documents), statuses]
        lines.append(f"| {' | '.join(cells)} |")
    lines += [EVERYWHERE, "## Documents", FIELDS]
    for schema, rows in documents.items():
        lines += [f"### {schema}\n", "| field | type | | |", "| --- | --- | --- | --- |"]
        for name, kind, presence, summary in rows:
            inner = kind.strip("[]{}")
            shown = f"`{cell(kind)}`" if inner not in documents else f"`{kind}`: [{inner}](#{inner.lower()})"
            lines.append(f"| `{name}` | {shown} | {presence} | {cell(summary)} |")
        lines.append("")
    return "\n".join(lines)
