#!/usr/bin/env python3
"""Compares our tokenizers with the PyPI package `tokenizers`, where it is installed: ids, types, spans, text, time.

    bench/compare_tokenizers.py [--bench PROGRAM] [--texts N] [--every-character] [--time FILE] TOKENIZER.json...

Texts are made of a seeded mixture of scripts; --every-character adds "a", the character, "b" for each code point, and
prints which ones differ: the package's tables are of several Unicode versions (8 to 17), ours of 16. --time measures
both on one thread over the lines of FILE. Exit 1 if a text differs."""

import argparse
import json
import os
import pathlib
import random
import subprocess
import sys
import tempfile
import time

os.environ["TOKENIZERS_PARALLELISM"] = "false"
os.environ["RAYON_NUM_THREADS"] = "1"

ROOT = pathlib.Path(__file__).resolve().parent.parent
RANGES = [
    (0x20, 0x7E),
    (0x20, 0x7E),
    (0x61, 0x7A),
    (0x61, 0x7A),
    (0x30, 0x39),
    (0x09, 0x0D),
    (0x00, 0x1F),
    (0x7F, 0xA0),
    (0xA0, 0x24F),
    (0x300, 0x36F),
    (0x300, 0x345),
    (0x370, 0x3FF),
    (0x400, 0x4FF),
    (0x5D0, 0x5EA),
    (0x591, 0x5BD),
    (0x620, 0x64A),
    (0x64B, 0x65F),
    (0x904, 0x94D),
    (0x966, 0x96F),
    (0xE01, 0xE3A),
    (0xF71, 0xF84),
    (0x1100, 0x11FF),
    (0x1E00, 0x1EFF),
    (0x1F00, 0x1FB4),
    (0x2000, 0x206F),
    (0x20D0, 0x20DC),
    (0x2100, 0x218B),
    (0x2460, 0x24FF),
    (0x2600, 0x26FF),
    (0x3000, 0x303F),
    (0x3041, 0x309F),
    (0x30A1, 0x30FA),
    (0x4E00, 0x4FFF),
    (0xAC00, 0xAD00),
    (0xF900, 0xFA6D),
    (0xFB00, 0xFB06),
    (0xFB1D, 0xFB4F),
    (0xFE00, 0xFE0F),
    (0xFF01, 0xFF5E),
    (0x1D400, 0x1D454),
    (0x1F300, 0x1F5FF),
    (0x1F600, 0x1F64F),
    (0x20000, 0x20100),
    (0x2F800, 0x2F81D),
]
WORDS = (
    "the model's attention isn't what you've think they'll do 'S 'LL don't I'm he'd we're 12345 3.14 "
    "1,000,000 na\xefve caf\xe9 \xdcbergr\xf6\xdfe stra\xdfe \u0130stanbul \u01c4 \ufb01ne e\u0301 "
    "a\u0323\u0302 \uc548\ub155\ud558\uc138\uc694 \ud55c\uad6d\uc5b4 \u6771\u4eac\u90fd "
    "ไทย नमस्ते مرحبا "
    "שלום Ελληνικά "
    "русский "
    "\U0001f469\u200d\U0001f469\u200d\U0001f467\u200d\U0001f466 \U0001f3f3\ufe0f\u200d\U0001f308 "
    "\U0001f1eb\U0001f1f7 \xbd \xb2 \u2167 http://example.org/a?b=c&d=%20 x_1 foo.bar() == != -> \\n {} "
    "[CLS] [SEP] [MASK] <|endoftext|> <mask> ##ing"
).split(" ")
SPACES = [" ", " ", " ", " ", "  ", "   ", "\n", "\n\n", "\t", " \n", "\r\n", "\u00a0", "\u3000", ""]


def make_texts(count, seed):
    generator = random.Random(seed)
    texts = [
        "",
        " ",
        "  ",
        "a",
        "\n",
        "'",
        "' s",
        "e\u0301",
        "\u0301",
        "\u0301\u0323a",
        "a" * 300,
        "\u0315\u0300\u05ae\u0300" * 40,
    ]
    while len(texts) < count:
        parts = []
        for _ in range(generator.randint(1, 30)):
            kind = generator.random()
            if kind < 0.5:
                parts += [generator.choice(WORDS), generator.choice(SPACES)]
            else:
                low, high = generator.choice(RANGES)
                parts += [chr(generator.randint(low, high)) for _ in range(generator.randint(1, 6))]
                parts.append(generator.choice(SPACES))
        texts.append("".join(parts).replace("\0", "").replace("\x1f", ""))
    pairs = [(a, None if i % 4 else texts[-1 - i]) for i, a in enumerate(texts)]
    return pairs


def theirs(tokenizer, pair):
    """(ids, types, spans in bytes); a span is in characters of its own text there."""
    encoding = tokenizer.encode(*pair) if pair[1] is not None else tokenizer.encode(pair[0])
    places = []
    for text in pair:
        total, sums = 0, [0]
        for character in text or "":
            total += len(character.encode())
            sums.append(total)
        places.append(sums)
    spans = []
    for sequence, (begin, end) in zip(encoding.sequence_ids, encoding.offsets):
        sums = places[1 if sequence == 1 else 0]
        spans.append((sums[begin], sums[end]) if end < len(sums) and sequence is not None else (0, 0))
    return encoding.ids, encoding.type_ids, spans


def ours(bench, what, path, texts):
    with tempfile.NamedTemporaryFile() as file:
        file.write(b"".join(text.encode() + b"\0" for text in texts))
        file.flush()
        done = subprocess.run([bench, what, path, file.name], capture_output=True)
    if done.returncode != 0:
        sys.exit(f"{path}: {done.stderr.decode()}")
    if what == "text":
        return [text.decode() for text in done.stdout.split(b"\0")[:-1]]
    answers = []
    for line in done.stdout.decode().splitlines():
        rows = [[int(field) for field in token.split(":")] for token in line.split()]
        answers.append(([row[0] for row in rows], [row[1] for row in rows], [(row[2], row[3]) for row in rows]))
    return answers


def compare(bench, path, pairs):
    import tokenizers

    tokenizer = tokenizers.Tokenizer.from_file(path)
    answers = ours(bench, "ids", path, [a if b is None else a + "\x1f" + b for a, b in pairs])
    assert len(answers) == len(pairs)
    wrong = {"ids": [], "types": [], "spans": [], "text": []}
    for pair, answer in zip(pairs, answers):
        for name, expected, got in zip(("ids", "types", "spans"), theirs(tokenizer, pair), answer):
            if list(expected) != got:
                wrong[name].append((pair, expected, got))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    texts = [text for text, _ in pairs]
    for text, got in zip(texts, ours(bench, "text", path, texts)):
        expected = tokenizer.decode(tokenizer.encode(text, add_special_tokens=False).ids, skip_special_tokens=True)
        if expected != got:
            wrong["text"].append((text, expected, got))
    return wrong


def measure(bench, path, file):
    import tokenizers

    begin = time.perf_counter()
    tokenizer = tokenizers.Tokenizer.from_file(path)
    load = time.perf_counter() - begin
    lines = pathlib.Path(file).read_text(encoding="utf-8").split("\n")
    size, count, begin, spent = os.path.getsize(file), 0, time.perf_counter(), 0.0
    while spent < 2:
        for line in lines:
            tokenizer.encode(line)
        count += size
        spent = time.perf_counter() - begin
    mine = json.loads(subprocess.run([bench, "time", path, file], capture_output=True, check=True).stdout)
    begin = time.perf_counter()
    tokenizer.encode_batch_fast(lines)
    batch = size / (time.perf_counter() - begin) / 1e6
    print(f"  load {mine['load_ms']:.1f} ms, theirs {load * 1e3:.1f}")
    theirs = f"{count / spent / 1e6:.1f} line by line, {batch:.1f} by encode_batch_fast"
    print(f"  {mine['megabytes_per_s']:.1f} MB/s, theirs {theirs}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bench", default=str(ROOT / "build/release/tokenizer_bench"))
    parser.add_argument("--texts", type=int, default=4000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--every-character", action="store_true")
    parser.add_argument("--time", metavar="FILE")
    parser.add_argument("tokenizers", nargs="+")
    arguments = parser.parse_args()
    failed = False
    for path in arguments.tokenizers:
        wrong = compare(arguments.bench, path, make_texts(arguments.texts, arguments.seed))
        counts = ", ".join(f"{name} {len(found)}" for name, found in wrong.items())
        print(f"{path}: {arguments.texts} texts; differ: {counts}")
        for name, found in wrong.items():
            failed |= bool(found)
            for case in sorted(found, key=lambda case: len(str(case[0])))[:2]:
                print(f"  {name}: {case[0]!a}\n    theirs {case[1]!a}\n    ours   {case[2]!a}")
        if arguments.every_character:
            every = [
                (f"a{chr(code)}b", None) for code in range(1, 0x110000) if code != 0x1F and not 0xD800 <= code < 0xE000
            ]
            found = {ord(case[0][0][1]) for case in compare(arguments.bench, path, every)["ids"]}
            print(f"  {len(found)} characters differ: " + " ".join(f"{code:X}" for code in sorted(found)[:40]))
        if arguments.time:
            measure(arguments.bench, path, arguments.time)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
