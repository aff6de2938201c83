#!/usr/bin/env python3
"""Who may include whom: downward only, third-party headers from one folder, no vendor names above backends/."""
import re

import checklib

# A folder may include itself, base, the public headers, and these. "a/b.h" allows that one header only.
ALLOWED = {
    "base": [],
    "metrics": [],
    "ops": [],
    "hal": ["metrics"],
    "backends/null": ["hal", "ops", "backends/registry.h"],  # the registry declares each backend's one entry
    "backends/cpu": ["hal", "ops", "backends/registry.h"],
    "backends/opencl": ["hal", "ops", "backends/registry.h"],
    "backends": [],
    "graph": ["ops", "hal"],
    "runtime": ["graph", "hal", "backends/registry.h", "metrics"],
    "client": [],
    "model": ["client", "runtime", "graph", "hal/device.h"],  # where a loaded weight is to lie
    "kernel": ["runtime", "hal", "backends/registry.h"],  # its worker opens a device, and nothing above it
    "task": ["kernel", "model", "runtime"],
    "scheduler": ["task", "runtime", "metrics"],
    "store": ["task"],
    "cluster": ["scheduler", "task"],
    "server": ["cluster", "store", "scheduler", "task", "kernel", "model", "runtime", "metrics"],
    "cli": ["server", "store", "scheduler", "task", "kernel", "client", "model", "runtime", "metrics"],
}

# Third-party header -> where it may be included.
THIRD_PARTY = [
    (r"jansson\.h", r"src/base/json_fuzz\.c"),
    (r"curl/", r"src/client/"),
    (r"png\.h|jpeglib\.h|jerror\.h|turbojpeg\.h", r"src/base/"),
    (r"hwloc", r"src/(backends/cpu|hal)/"),
    (r"oneapi/|dnnl", r"src/backends/cpu/|bench/"),
    (r"omp\.h", r"src/hal/parallel\w*\.[ch]"),
    (r"sqlite3", r"src/store/|tests/fault/(disk|memory)\.c"),
    (r"nats", r"src/cluster/"),
    (r"sys/socket\.h|sys/un\.h|netinet/|arpa/inet\.h|nghttp2/|netdb\.h",
     r"src/server/|src/kernel/|tests/|bench/server_load\.c"),
    (r"openssl/", r"src/server/|src/store/digest\.c|tests/"),  # sockets; what a key is stored as
    (r"uv\.h", r"src/server/|bench/"),
    (r"libwebsockets\.h", r"bench/"),
    (r"(n?curses)", r"src/cli/"),
    (r"cmocka\.h", r".*_test\.c|.*_test_internal\.h|.*/testing\.h|tests/"),
    (r"cuda|nvrtc|nvml|cublas|cudnn|cufft", r"src/backends/cuda/"),
    (r"CL/", r"src/backends/opencl/"),
    (r"dlfcn\.h", r"src/base/dynlib\w*\.c|tests/|.*_(test|bench)\.c"),
]

GENERATED = {"or_config.h", "or_revision.h"}
VENDOR_FREE = {"graph", "hal", "runtime", "scheduler", "task"}
# In a string such a name is a word of the public interface ("mlx_compute", the device type "opencl"); OR_HAVE_x is what
# the build was configured with.
VENDOR = re.compile(r"cuda|nvrtc|cudnn|opencl|clEnqueue|(?<!OR_HAVE_)dnnl|mlx", re.I)
STRING = re.compile(r'"(?:\\.|[^"\\\n])*"')
OPENMP = re.compile(r"#\s*pragma\s+omp|\bomp_\w+|\bGOMP_\w+|\bkmp_\w+")
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.M)


def check(root):
    found = []
    for path in checklib.files(root, ".c", ".h"):
        text = checklib.read(root, path)
        code = checklib.without_comments(text, strings=False)
        for match in INCLUDE.finditer(code):
            line = code.count("\n", 0, match.start()) + 1
            reason = third_party_reason(path, match.group(2)) or (
                own_reason(root, path, match.group(2)) if match.group(1) == '"' else None)
            if reason:
                found.append(f"{path}:{line}: {match.group(2)}: {reason}")
        found += named_where_they_must_not(path, text, code)
    return found


def third_party_reason(path, name):
    for pattern, place in THIRD_PARTY:
        if re.match(pattern, name) and not re.match(place, path):
            return f"may only be included from {place}"
    return None


def own_reason(root, path, name):
    """Why `path` may not include "name", or None."""
    if name in GENERATED:
        return None if not path.startswith("include/") else "a public header needs nothing but public headers"
    if name.startswith("openruntime/"):
        return "no such public header" if not (root / "include" / name).exists() else None
    if path.startswith("include/"):
        return "a public header includes public headers only"
    if path.startswith("examples/"):
        return "an example uses the public headers only"
    if not path.startswith("src/"):
        return None
    if checklib.is_test(path) and (root / "tests" / name).exists():
        return None
    if not (root / "src" / name).exists():
        return "includes are written from src/ or include/: no such file there"
    target = checklib.folder_of("src/" + name)
    source = checklib.folder_of(path)
    if name.endswith("_internal.h") and target != source:
        return f"private to src/{target}"
    if target in (source, "base"):
        return None
    if checklib.is_test(path):
        below = checklib.FOLDERS[:checklib.FOLDERS.index(source)] if source in checklib.FOLDERS else []
        if target in below or name.startswith("backends/registry"):
            return None
        return f"tests of {source} may use the folders below it; {target} is not one of them"
    allowed = ALLOWED.get(source)
    if allowed is None:
        return f"src/{source} is not in the table of tools/check_includes.py"
    if target in allowed or name in allowed:
        return None
    return f"{source} may include: {', '.join(['base'] + allowed)}"


def named_where_they_must_not(path, text, code):
    found = []
    if checklib.folder_of(path) in VENDOR_FREE and not checklib.is_test(path):
        for number, line in enumerate(text.split("\n"), 1):
            match = VENDOR.search(STRING.sub('""', line))
            if match:
                found.append(f"{path}:{number}: names a vendor (\"{match.group(0)}\"): only src/backends/ may")
    if not re.match(r"src/hal/parallel\w*\.[ch]", path) and not path.endswith("_bench.c"):
        for number, line in enumerate(code.split("\n"), 1):
            if OPENMP.search(line):
                found.append(f"{path}:{number}: OpenMP belongs to src/hal/parallel.*")
    return found


SAMPLES = {
    "good": {"src/base/a.h": "", "include/openruntime/x.h": "",
             "src/hal/b.c": '#include "base/a.h"\n#include "or_config.h"\n/* "graph/x.h" */\n',
             "tests/fake/f.h": "", "src/hal/b_test.c": '#include "fake/f.h"\n',
             "src/runtime/v.c": "#if OR_HAVE_DNNL\n#endif\n",
             "src/runtime/r.c": '#include "backends/registry.h"\n', "src/backends/registry.h": "",
             "src/task/t.c": "const char *kind = \"mlx_compute\";\n", "src/base/json_fuzz.c": "#include <jansson.h>\n",
             "src/graph/g_test.c": '#include "backends/cpu/x.h"\n', "src/backends/cpu/x.h": ""},
    "upward": {"src/graph/g.h": "", "src/hal/b.c": '#include "graph/g.h"\n'},
    "sibling": {"src/backends/null/n.h": "", "src/backends/cpu/b.c": '#include "backends/null/n.h"\n'},
    "test upward": {"src/graph/g.h": "", "src/hal/b_test.c": '#include "graph/g.h"\n'},
    "private": {"src/hal/h_internal.h": "", "src/graph/b.c": '#include "hal/h_internal.h"\n'},
    "test support": {"tests/fake/f.h": "", "src/hal/b.c": '#include "fake/f.h"\n'},
    "relative": {"src/hal/h.h": "", "src/hal/b.c": '#include "h.h"\n'},
    "third party": {"src/graph/b.c": "#include <jansson.h>\n"},
    "public includes private": {"src/base/a.h": "", "include/openruntime/x.h": '#include "base/a.h"\n'},
    "vendor name": {"src/runtime/b.c": "/* as CUDA does */\n"},
    "openmp": {"src/backends/cpu/b.c": "#pragma omp parallel for\n"},
}

if __name__ == "__main__":
    checklib.main(check, SAMPLES, __doc__)
