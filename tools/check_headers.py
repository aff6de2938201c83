#!/usr/bin/env python3
"""Each header compiles alone, twice in a row, as C17; the public ones also as C++17, without a warning."""
import concurrent.futures
import os
import pathlib
import re
import shutil
import subprocess
import tempfile

import checklib

WARNINGS = ["-Wall", "-Wextra", "-Wpedantic", "-Werror", "-Wno-unused-function"]
ISA_FLAGS = {"_avx2.h": ["-mavx2", "-mfma", "-mf16c"],
             "_x86.h": ["-mavx512f", "-mavx512bw", "-mavx512dq", "-mavx512vl", "-mavx512vnni", "-mfma", "-mf16c"],
             "_avx512.h": ["-mavx512f", "-mavx512bw", "-mavx512dq", "-mavx512vl", "-mavx512vnni", "-mfma", "-mf16c"],
             "_amx.h": ["-mamx-tile", "-mamx-bf16", "-mamx-int8", "-mavx512f", "-mavx512bw", "-mavx512vl"]}


def check(root):
    compiler = os.environ.get("CC") or shutil.which("gcc") or shutil.which("cc") or "clang"
    compiler_cxx = os.environ.get("CXX") or shutil.which("g++") or shutil.which("c++") or "clang++"
    with tempfile.TemporaryDirectory() as generated:
        write_config(root, pathlib.Path(generated))
        jobs = []
        for path in checklib.files(root, ".h"):
            if not path.startswith(("include/", "src/", "tests/")) or path.endswith(("_template.h", "_neon.h")):
                continue
            jobs.append((root, path, generated, compiler, ["-x", "c", "-std=c17"]))
            if path.startswith("include/"):
                jobs.append((root, path, generated, compiler_cxx, ["-x", "c++", "-std=c++17"]))
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            return [finding for finding in pool.map(lambda job: compile_alone(*job), jobs) if finding]


def compile_alone(root, path, generated, compiler, language):
    spelled = re.sub(r"^(include|src|tests)/", "", path)
    public = path.startswith("include/")
    source = f'#include "{spelled}"\n' * 2 + "typedef int or_not_empty_t;\n"
    if path.endswith("_list.h"):
        source = f'#define X(...)\n#include "{spelled}"\ntypedef int or_not_empty_t;\n'
    command = [compiler, *language, "-fsyntax-only", *WARNINGS, f"-I{root}/include"]
    if not public:
        command += ["-D_GNU_SOURCE", f"-I{root}/src", f"-I{root}/tests", f"-I{generated}"]
    for ending, flags in ISA_FLAGS.items():
        if path.endswith(ending):
            command += flags
    result = subprocess.run([*command, "-"], input=source, capture_output=True, text=True, check=False)
    if result.returncode == 0:
        return None
    first = next((line for line in result.stderr.splitlines() if "error" in line), result.stderr.strip())
    return f"{path}: does not compile alone as {language[-1]}: {first}"


def write_config(root, folder):
    """or_config.h as a configured build has it, with every optional library absent."""
    template = root / "cmake" / "or_config.h.in"
    text = template.read_text() if template.exists() else ""
    text = re.sub(r"#cmakedefine01 (\w+)", r"#define \1 0", re.sub(r"@\w+@", "0", text))
    (folder / "or_config.h").write_text(text)
    (folder / "or_revision.h").write_text('#define OR_GIT_REVISION "0"\n')


SAMPLES = {
    "good": {"include/openruntime/a.h": "#ifndef A_H\n#define A_H\n#include <stddef.h>\nsize_t or_a(void);\n#endif\n",
             "src/base/ops_list.h": "X(a)\nX(b)\n"},
    "needs another header": {"src/base/a.h": "#ifndef A_H\n#define A_H\nsize_t or_a(void);\n#endif\n"},
    "no guard": {"src/base/a.h": "enum or_a_t { OR_A };\n"},
    "not C++": {"include/openruntime/a.h": "#ifndef A_H\n#define A_H\nint or_a(int class);\n#endif\n"},
    "private header": {"include/openruntime/a.h": "#ifndef A_H\n#define A_H\n#include \"or_config.h\"\n#endif\n"},
}

if __name__ == "__main__":
    checklib.main(check, SAMPLES, __doc__)
