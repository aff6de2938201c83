#!/usr/bin/env python3
"""Writes src/base/unicode_*_table.c from Python's unicodedata, or the package unicodedata2 if installed.

The tables that are committed are of Unicode 16.0 (Python 3.11, pip install unicodedata2==16.0.0): the version whose
letters and numbers the regular expressions of the PyPI package tokenizers 0.23 know. Lower and upper
case are Python's own, of 14.0. --check says whether the files are what this would write."""

import pathlib
import sys

try:
    import unicodedata2 as unicode
except ImportError:
    import unicodedata as unicode

FOLDER = pathlib.Path(__file__).resolve().parent.parent / "src" / "base"
CATEGORIES = "Lu Ll Lt Lm Lo Mn Mc Me Nd Nl No Pc Pd Ps Pe Pi Pf Po Sm Sc Sk So Zs Zl Zp Cc Cf Cs Co Cn".split()
SPACE, WORD = 1 << 30, 1 << 31
BLOCK = 32
LIMIT = 0x110000
# The tables go up to END and, behind that, hold TAIL; the rest is unassigned or for private use (checked below).
END = 0x32400
TAIL = range(0xE0000, 0xE0200)
HANGUL = range(0xAC00, 0xAC00 + 11172)

# Properties that unicodedata does not have: White_Space; Alphabetic that is neither letter, mark nor number.
WHITE_SPACE = {*range(9, 14), 0x20, 0x85, 0xA0, 0x1680, *range(0x2000, 0x200B), 0x2028, 0x2029, 0x202F, 0x205F, 0x3000}
ALPHABETIC_SYMBOLS = {
    *range(0x24B6, 0x24EA),
    *range(0x1F130, 0x1F14A),
    *range(0x1F150, 0x1F16A),
    *range(0x1F170, 0x1F18A),
}
JOIN_CONTROL = {0x200C, 0x200D}
WORD_CATEGORIES = {"Lu", "Ll", "Lt", "Lm", "Lo", "Mn", "Mc", "Me", "Nd", "Nl", "Pc"}


def record(code):
    """(bits, distances to the simple lower and upper case, canonical combining class)"""
    text = chr(code)
    category = unicode.category(text)
    bits = 1 << CATEGORIES.index(category)
    bits |= SPACE if code in WHITE_SPACE else 0
    word = category in WORD_CATEGORIES or code in ALPHABETIC_SYMBOLS or code in JOIN_CONTROL
    bits |= WORD if word else 0
    return bits, lower(code) - code, upper(code) - code, unicode.combining(text)


def lower(code):
    """Python's own str.lower gives the full form, whose first character is the simple one in every case (U+0130)."""
    return ord(chr(code).lower()[0]) if 0xD800 > code or code > 0xDFFF else code


def upper(code):
    """Where the full form has several characters, the simple one is that of the title case, if that is one alone."""
    if 0xD800 <= code <= 0xDFFF:
        return code
    text = chr(code)
    full = text.upper() if len(text.upper()) == 1 else text.title()
    return ord(full) if len(full) == 1 else code


def decomposition(code, form):
    if 0xD800 <= code <= 0xDFFF or code in HANGUL:
        return ""
    full = unicode.normalize(form, chr(code))
    return "" if full == chr(code) else full


def compositions():
    """(first, second, composed) of every pair that canonical composition joins, Hangul apart."""
    rows = []
    for code in range(LIMIT):
        parts = unicode.decomposition(chr(code)).split()
        if len(parts) == 2 and not parts[0].startswith("<"):
            first, second = (int(part, 16) for part in parts)
            if unicode.normalize("NFC", chr(first) + chr(second)) == chr(code):
                rows.append((first, second, code))
    return sorted(rows)


def two_stage(values):
    """(first stage, blocks): blocks[first[code / BLOCK] * BLOCK + code % BLOCK]."""
    first, blocks, seen = [], [], {}
    values = values[:END] + values[TAIL.start : TAIL.stop]
    while values[-BLOCK:] == values[:1] * BLOCK:
        values = values[:-BLOCK]
    for start in range(0, len(values), BLOCK):
        block = tuple(values[start : start + BLOCK])
        if block not in seen:
            seen[block] = len(seen)
            blocks.extend(block)
        first.append(seen[block])
    return first, blocks


def units(text):
    raw = text.encode("utf-16-le")
    return [int.from_bytes(raw[i : i + 2], "little") for i in range(0, len(raw), 2)]


def wrapped(items, columns=118):
    lines, line = [], " "
    for item in items:
        if len(line) + len(item) + 2 > columns:
            lines.append(line)
            line = " "
        line += " " + item + ","
    return "\n".join([*lines, line])


def array(kind, name, values):
    items = [str(value) for value in values]
    return f"const {kind} {name}[{len(items)}] = {{\n{wrapped(items)}\n}};\n"


def head():
    return (
        '#include "base/unicode_internal.h"\n\n'
        f"/* Made by tools/make_unicode.py from Unicode {unicode.unidata_version}. */\n// clang-format off\n"
    )


def records_file():
    rows = [record(code) for code in range(LIMIT)]
    unique = {}
    for code in range(END, LIMIT):
        private = code >= 0xF0000 and code % 0x10000 < 0xFFFE
        assert code in TAIL or rows[code] == (1 << CATEGORIES.index("Co" if private else "Cn"), 0, 0, 0), hex(code)
    for row in rows:
        unique.setdefault(row, len(unique))
    first, blocks = two_stage([unique[row] for row in rows])
    text = f"const or_unicode_record_t or_unicode_records[{len(unique)}] = {{\n"
    text += wrapped([f"{{0x{bits:X}u, {down}, {up}, {ccc}}}" for bits, down, up, ccc in unique]) + "\n};\n"
    return head() + text + array("uint16_t", "or_unicode_record_blocks", first), head() + array(
        "uint16_t", "or_unicode_record_indices", blocks
    )


def decomposition_file(name, form, other):
    """A pool of UTF-16 texts, each behind its number of units; 0 in the index is no decomposition."""
    pool, places, index = [0], {"": 0}, []
    for code in range(LIMIT):
        text = decomposition(code, form)
        if other and text == decomposition(code, other):
            text = ""
        if text not in places:
            places[text] = len(pool)
            pool += [len(units(text)), *units(text)]
        index.append(places[text])
    assert not any(index[END:])
    first, blocks = two_stage(index)
    assert len(pool) < 1 << 16
    return head() + array("uint16_t", f"or_unicode_{name}_pool", pool), head() + array(
        "uint8_t" if max(first) < 256 else "uint16_t", f"or_unicode_{name}_blocks", first
    ) + array("uint16_t", f"or_unicode_{name}_indices", blocks)


def composition_file():
    rows = compositions()
    text = f"const or_unicode_pair_t or_unicode_pairs[OR_UNICODE_PAIRS] = {{\n"
    assert len(rows) == 961, len(rows)
    return head() + text + wrapped([f"{{0x{a:X}, 0x{b:X}, 0x{c:X}}}" for a, b, c in rows]) + "\n};\n"


def main():
    records, indices = records_file()
    canonical_pool, canonical = decomposition_file("canonical", "NFD", None)
    compatible_pool, compatible = decomposition_file("compatible", "NFKD", "NFD")
    files = {
        "records": records,
        "record_indices": indices,
        "canonical_pool": canonical_pool,
        "canonical": canonical,
        "compatible_pool": compatible_pool,
        "compatible": compatible,
        "pairs": composition_file(),
    }
    stale = 0
    for name, text in files.items():
        path = FOLDER / f"unicode_{name}_table.c"
        if "--check" in sys.argv[1:]:
            if path.read_text() != text:
                stale += 1
                print(f"{path.name} is not what this makes of Unicode {unicode.unidata_version}", file=sys.stderr)
        else:
            path.write_text(text)
            print(path.name, text.count("\n"), "lines", len(text), "bytes")
    sys.exit(1 if stale else 0)


if __name__ == "__main__":
    main()
