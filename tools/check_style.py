#!/usr/bin/env python3
"""Of the house's style what a script can see: sizes, guards, words and calls that don't belong, READMEs."""
import re
import statistics

import checklib

MAX_FILE_LINES = 800
MAX_MEDIAN_LINES = 200
MAX_FUNCTION_LINES = 80
MAX_PARAMETERS = 6
# The inner loops take their operands in registers; a struct would send them through memory in each call.
MAX_PARAMETERS_OF_KERNELS = 8
KERNELS = "src/backends/cpu/kernels/"
MAX_LINE_COLUMNS = 120
MAX_README_LINES = 60

# Written in two parts, so that this file does not contain them.
FORBIDDEN_WORDS = re.compile(r"\b(TO" r"DO|FIX" r"ME|XX" r"X|HA" r"CK)\b")
CODE = (".c", ".h")
TEXT = CODE + (".cl", ".py", ".sh", ".md", ".cmake", ".txt", ".json", ".in")

# Calls, and the files that may make them.
PROGRAMS = r"tests/|fuzz/|bench/|examples/|.*_(test|test_internal|fuzz|bench)\.[ch]"
BANNED_CALLS = [
    (r"printf|vprintf|puts|putchar|perror", r"src/cli/|" + PROGRAMS, "the library prints nothing"),
    (r"fprintf|fputs|vfprintf", r"src/cli/|src/base/(log|file)\w*\.c|" + PROGRAMS,
     "the library prints nothing; logging is base/log.h"),
    (r"exit|abort|_exit|quick_exit|_Exit", r"src/cli/|" + PROGRAMS,
     "the library returns a status and never ends the process"),
    (r"rand|srand|random|srandom|drand48|rand_r", r"(?!)", "seeded generators only"),
    (r"u?sleep|nanosleep|clock_nanosleep|thrd_sleep", r"src/base/(clock|thread)\w*\.c|tests/fake/|bench/|.*_bench\.c",
     "no sleeping to wait for something"),
    (r"malloc|calloc|realloc|free|strdup|strndup|asprintf|vasprintf|posix_memalign|aligned_alloc|memalign",
     r"src/base/alloc\w*\.c|" + PROGRAMS, "memory comes from base/alloc.h"),
    (r"alloca|__builtin_alloca|gets|strcpy|strcat|sprintf|vsprintf|strtok|atoi|atol|atof|system|popen|tmpnam|mktemp",
     r"(?!)", "unbounded, unchecked or unsafe"),
    # libpng and libjpeg report an error in no other way.
    (r"setjmp|longjmp|sigsetjmp|siglongjmp", r"src/base/\w*(png|jpeg|image)\w*\.c|" + PROGRAMS, "no far jumps"),
]
NEEDS_README = ("src", "include", "tests", "bench", "fuzz", "tools", "docs")
NO_README_BELOW = ("fuzz/corpus/", "tests/data/", "tools/__pycache__")

FUNCTION_START = re.compile(r"^(?!#|\}|typedef|(struct|union|enum)\s+\w+\s*\{|extern .C)[A-Za-z_]")
COMMENTED_CODE = re.compile(
    r"^(#\s*(include|if|ifdef|define|endif)\b"
    r"|(if|for|while|switch) \(.*[;{]$|return [\w()>.\-]+;$|else \{$|\} else\b.*\{$|break;$|continue;$"
    r"|[\w>.\-]+\([^;]*\);$"
    r"|(const )?[a-z_]\w* \*?\w+(\[\w*\])?( = [^;]+)?;$"
    r"|[\w>.\-\[\]]+ [+\-*/|&]?= [^;]+;$)")


def check(root):
    found, lengths = [], []
    for path in checklib.files(root, *TEXT):
        text = checklib.read(root, path)
        if not path.startswith(("tests/data/", "data/", "LICENSE")):
            found += words(path, text)
        if path.endswith(CODE):
            lengths.append(text.count("\n"))
            found += sizes(path, text) + functions(path, text) + calls(path, text) + commented_code(path, text)
            if path.endswith(".h"):
                found += guard(path, text)
    found += readmes(root)
    if lengths and root == checklib.ROOT:
        median = int(statistics.median(lengths))
        print(f"{len(lengths)} C files, median {median} lines, longest {max(lengths)}")
        if median >= MAX_MEDIAN_LINES:
            found.append(f"the median C file has {median} lines; the limit is {MAX_MEDIAN_LINES}")
    return found


def words(path, text):
    found = []
    for number, line in enumerate(text.split("\n"), 1):
        match = FORBIDDEN_WORDS.search(line)
        if match:
            found.append(f"{path}:{number}: \"{match.group(0)}\": do it or open an issue")
        if not path.endswith((".md", ".json", ".txt")) and len(line) > MAX_LINE_COLUMNS:
            found.append(f"{path}:{number}: {len(line)} columns; the limit is {MAX_LINE_COLUMNS}")
        if line != line.rstrip():
            found.append(f"{path}:{number}: space at the end of the line")
    return found


def sizes(path, text):
    lines = text.count("\n")
    return [f"{path}: {lines} lines; the limit is {MAX_FILE_LINES}"] if lines > MAX_FILE_LINES else []


def functions(path, text):
    """Length and parameters of every function (and of every macro that runs over several lines)."""
    found = []
    lines = checklib.without_comments(text).split("\n")
    number = 0
    while number < len(lines):
        if re.match(r"\s*#\s*define\b", lines[number]):
            first = number
            while number + 1 < len(lines) and lines[number].endswith("\\"):
                number += 1
            if number - first + 1 > MAX_FUNCTION_LINES:
                found.append(f"{path}:{first + 1}: a macro of more than {MAX_FUNCTION_LINES} lines")
        elif FUNCTION_START.match(lines[number]):
            number, problems = one_function(path, lines, number)
            found += problems
        number += 1
    return found


def one_function(path, lines, first):
    """The declaration or definition that starts at line `first`: its last line's index, and what is wrong with it."""
    last, head = first, lines[first]
    while not re.search(r"[;{]\s*$|\{.*\}\s*$", lines[last]) and last + 1 < len(lines) and last - first < 30:
        last += 1
        head += " " + lines[last].strip()
    head = re.sub(r"__attribute__\s*\(\(.*?\)\)|OR_PRINTF\([^)]*\)", "", head)
    signature = re.match(r"^[\w\s\*]*?\b(\w+)\s*\((.*)\)\s*[;{]", head)
    if not signature or "=" in head.split("(")[0]:
        return skip_block(lines, last), []
    place = f"{path}:{first + 1}: {signature.group(1)}"
    found = []
    parameters = count_parameters(signature.group(2))
    limit = MAX_PARAMETERS_OF_KERNELS if path.startswith(KERNELS) else MAX_PARAMETERS
    if parameters > limit:
        found.append(f"{place} has {parameters} parameters; the limit is {limit}")
    end = skip_block(lines, last)
    length = end - first + 1 - directives(lines[first:end])
    if length > MAX_FUNCTION_LINES:
        found.append(f"{place} has {length} lines; the limit is {MAX_FUNCTION_LINES}")
    return end, found


def directives(lines):
    """How many lines are preprocessor directives: the macros that a template defines inside its function."""
    count, inside = 0, False
    for line in lines:
        inside = inside or line.lstrip().startswith("#")
        count += inside
        inside = inside and line.endswith("\\")
    return count


def skip_block(lines, last):
    """The index of the line that closes the block which line `last` opens; `last` if it opens none."""
    if not lines[last].rstrip().endswith("{"):
        return last
    end = last + 1
    while end < len(lines) and not lines[end].startswith("}"):
        end += 1
    return min(end, len(lines) - 1)


def count_parameters(text):
    depth, count = 0, 1
    for character in text:
        if character in "([{":
            depth += 1
        elif character in ")]}":
            if depth == 0:
                break
            depth -= 1
        elif character == "," and depth == 0:
            count += 1
    return 0 if text.strip() in ("", "void") else count


def calls(path, text):
    found = []
    code = checklib.without_comments(text)
    for names, allowed, reason in BANNED_CALLS:
        if re.match(allowed, path):
            continue
        for match in re.finditer(r"(?<![\w.>])(" + names + r")\s*\(", code):
            line_start = code.rfind("\n", 0, match.start()) + 1
            if re.match(r"\s*#", code[line_start:match.start()]):
                continue
            found.append(f"{path}:{code.count(chr(10), 0, match.start()) + 1}: {match.group(1)}(): {reason}")
    return found


def commented_code(path, text):
    return [f"{path}:{number}: commented-out code? \"{line}\"" for number, line in checklib.comments(text)
            if COMMENTED_CODE.match(line)]


def guard(path, text):
    if path.endswith(checklib.INCLUDED_AGAIN):
        return []
    inside = re.sub(r"^(src|include)/", "", path)
    name = re.sub(r"[^A-Z0-9]", "_", inside.upper())
    wanted = {"OR_" + name, name}
    match = re.match(r"\s*#ifndef (\w+)\n#define (\w+)\n", checklib.without_comments(text).lstrip())
    if match and match.group(1) == match.group(2) and match.group(1) in wanted:
        return []
    return [f"{path}: begins with #ifndef/#define {name if path.startswith('include/') else 'OR_' + name}"]


def readmes(root):
    found, folders = [], set()
    for path in checklib.files(root, ""):
        parts = path.split("/")[:-1]
        if parts and parts[0] in NEEDS_README and not (path + "/").startswith(NO_README_BELOW):
            folders.add("/".join(parts))
    for folder in sorted(folders):
        readme = root / folder / "README.md"
        if not readme.exists():
            found.append(f"{folder}/README.md: missing (what it is for, what it may include, which file to open first)")
        elif folder != "docs" and len(readme.read_text().splitlines()) > MAX_README_LINES:
            found.append(f"{folder}/README.md: over {MAX_README_LINES} lines; at most a screen")
    return found


def _c(body, path="src/base/x.c"):
    return {path: body, "src/base/README.md": "x\n"}


GOOD_HEADER = "#ifndef OR_BASE_X_H\n#define OR_BASE_X_H\nint or_x(int a, int (*f)(int, int));\n#endif\n"
GOOD_SOURCE = "/* Says why; so it stays. */\nint or_x(int a, int (*f)(int, int)) {\n  return self->free(a);\n}\n"
SAMPLES = {
    "good": {"src/base/README.md": "x\n", "src/base/x.h": GOOD_HEADER, "src/base/x.c": GOOD_SOURCE},
    "long file": _c("int a;\n" * (MAX_FILE_LINES + 1)),
    "long function": _c("int or_f(void) {\n" + "  g();\n" * MAX_FUNCTION_LINES + "}\n"),
    "long macro": _c("#define A \\\n" + "  g(); \\\n" * MAX_FUNCTION_LINES + "  h()\n"),
    "parameters": _c("static int f(int a, int b, int c,\n             int d, int e, int g, int h) {\n  return 0;\n}\n"),
    "word": _c("/* TO" + "DO later */\n"),
    "print": _c('static void f(void) {\n  printf("x");\n}\n'),
    "exit": _c("static void f(void) {\n  abort();\n}\n"),
    "malloc": _c("static void f(void) {\n  p = malloc(3);\n}\n"),
    "sleep": _c("static void f(void) {\n  usleep(3);\n}\n", "src/base/x_test.c"),
    "long line": _c("int " + "a" * 130 + ";\n"),
    "trailing space": _c("int a; \n"),
    "guard": {"src/base/README.md": "x\n", "src/base/x.h": "#ifndef X_H\n#define X_H\n#endif\n"},
    "commented-out code": _c("// x = f(a, b);\nint a;\n"),
    "commented-out call": _c("/*\n  or_do_it(a, b);\n*/\nint a;\n"),
    "no README": {"src/base/x.c": "int a;\n"},
    "long README": {"src/base/README.md": "x\n" * (MAX_README_LINES + 1)},
}

if __name__ == "__main__":
    checklib.main(check, SAMPLES, __doc__)
