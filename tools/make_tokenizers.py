#!/usr/bin/env python3
"""Trains small tokenizers on tests/data/tokenizers/sample.json and writes beside it what the PyPI package `tokenizers`
makes of that sample with them. Needs the package (pip install tokenizers==0.23.3); agreement_test.c reads what is
written here. Training is not the same twice: both files of a tokenizer are replaced together."""

import json
import os
import pathlib

os.environ["TOKENIZERS_PARALLELISM"] = "false"

import tokenizers
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

FOLDER = pathlib.Path(__file__).resolve().parent.parent / "tests" / "data" / "tokenizers"
LLAMA = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|"
    r"\s+(?!\S)|\s+"
)

SAMPLE = json.loads((FOLDER / "sample.json").read_text())
TEXTS, PAIRS = SAMPLE["texts"], SAMPLE["pairs"]
CORPUS = [text for text in TEXTS if len(text) < 110] + [text for pair in PAIRS for text in pair] + SAMPLE["words"] * 3
SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]


def wordpiece_uncased():
    t = Tokenizer(models.WordPiece(unk_token="[UNK]", max_input_chars_per_word=100))
    t.normalizer = normalizers.BertNormalizer()
    t.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    t.train_from_iterator(
        CORPUS, trainers.WordPieceTrainer(vocab_size=600, special_tokens=SPECIAL, show_progress=False)
    )
    ids = [(name, t.token_to_id(name)) for name in ("[CLS]", "[SEP]")]
    t.post_processor = processors.TemplateProcessing("[CLS] $A [SEP]", "[CLS] $A [SEP] $B:1 [SEP]:1", ids)
    t.decoder = decoders.WordPiece()
    return t


def wordpiece_steps():
    """Cased; several steps of each kind; texts cut to 24 tokens and padded on the left to 8."""
    t = Tokenizer(models.WordPiece(unk_token="[UNK]", max_input_chars_per_word=20))
    t.normalizer = normalizers.Sequence(
        [
            normalizers.Replace("``", '"'),
            normalizers.Strip(),
            normalizers.NFKD(),
            normalizers.StripAccents(),
            normalizers.NFKC(),
            normalizers.Sequence([normalizers.Lowercase(), normalizers.Prepend("x ")]),
        ]
    )
    t.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Whitespace(),
            pre_tokenizers.Punctuation("merged_with_previous"),
            pre_tokenizers.Digits(individual_digits=False),
            pre_tokenizers.Split("ab", "merged_with_next"),
            pre_tokenizers.Split("e", "contiguous", invert=True),
        ]
    )
    t.train_from_iterator(
        CORPUS, trainers.WordPieceTrainer(vocab_size=400, special_tokens=SPECIAL, show_progress=False)
    )
    t.add_tokens(
        [AddedToken("NewWord", single_word=True, normalized=True), AddedToken("café", normalized=False, rstrip=True)]
    )
    t.post_processor = processors.BertProcessing(("[SEP]", t.token_to_id("[SEP]")), ("[CLS]", t.token_to_id("[CLS]")))
    t.decoder = decoders.WordPiece(cleanup=False)
    t.enable_truncation(24, strategy="longest_first", direction="left")
    t.enable_padding(direction="left", length=8, pad_id=0, pad_token="[PAD]")
    return t


def bpe(name, prefix_space=False, **model):
    t = Tokenizer(models.BPE(**model))
    t.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=prefix_space)
    t.decoder = decoders.ByteLevel()
    t.post_processor = processors.ByteLevel(trim_offsets=name != "gpt2")
    return t


def train(t, size, special, alphabet=True):
    letters = pre_tokenizers.ByteLevel.alphabet() if alphabet else []
    t.train_from_iterator(
        CORPUS,
        trainers.BpeTrainer(vocab_size=size, special_tokens=special, initial_alphabet=letters, show_progress=False),
    )


def bpe_gpt2():
    t = bpe("gpt2")
    train(t, 700, ["<|endoftext|>"])
    return t


def bpe_roberta():
    t = bpe("roberta", prefix_space=True)
    t.normalizer = normalizers.NFC()
    train(t, 500, ["<s>", "</s>"])
    t.add_special_tokens([AddedToken("<mask>", lstrip=True, special=True)])
    t.post_processor = processors.RobertaProcessing(("</s>", 1), ("<s>", 0))
    t.enable_truncation(40)
    return t


def bpe_llama():
    t = bpe("llama", ignore_merges=True)
    t.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(LLAMA), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    train(t, 600, ["<s>"])
    t.post_processor = processors.Sequence(
        [processors.ByteLevel(), processors.TemplateProcessing("<s> $A", "<s> $A <s>:1 $B:1", [("<s>", 0)])]
    )
    return t


def bpe_characters():
    """Not byte-level: characters that training has not seen are unknown."""
    t = Tokenizer(models.BPE(unk_token="<unk>", fuse_unk=True))
    t.normalizer = normalizers.NFD()
    t.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    t.train_from_iterator(
        CORPUS[:12], trainers.BpeTrainer(vocab_size=300, special_tokens=["<unk>"], show_progress=False)
    )
    return t


def byte_spans(encoding, texts):
    """The package counts characters; (0, 0) where a token is of no text."""
    places = [[0], [0]]
    for sums, text in zip(places, texts):
        for character in text:
            sums.append(sums[-1] + len(character.encode()))
    return [
        [places[s][begin], places[s][end]] if s is not None else [0, 0]
        for s, (begin, end) in zip(encoding.sequence_ids, encoding.offsets)
    ]


def expectation(t, texts):
    encoding = t.encode(*texts)
    row = {
        "texts": texts,
        "ids": encoding.ids,
        "type_ids": encoding.type_ids,
        "mask": encoding.attention_mask,
        "spans": [place for span in byte_spans(encoding, texts) for place in span],
    }
    row["decoded"] = t.decode(encoding.ids, skip_special_tokens=True)
    row["decoded_with_special"] = t.decode(encoding.ids, skip_special_tokens=False)
    return row


def main():
    FOLDER.mkdir(parents=True, exist_ok=True)
    for make in (wordpiece_uncased, wordpiece_steps, bpe_gpt2, bpe_roberta, bpe_llama, bpe_characters):
        t = make()
        text = json.loads(t.to_str())
        if make is bpe_roberta:  # as older versions of the package wrote merges
            text["model"]["merges"] = [" ".join(merge) for merge in text["model"]["merges"]]
        path = FOLDER / f"{make.__name__}.json"
        path.write_text(json.dumps(text, ensure_ascii=False) + "\n")
        t = Tokenizer.from_file(str(path))
        rows = [expectation(t, [text]) for text in TEXTS] + [expectation(t, pair) for pair in PAIRS]
        answers = {"made_by": f"tools/make_tokenizers.py, tokenizers {tokenizers.__version__}", "cases": rows}
        text = json.dumps(answers, ensure_ascii=False, separators=(",", ":")).replace('{"texts"', '\n{"texts"')
        (FOLDER / f"{make.__name__}.expected.json").write_text(text + "\n")
        print(path.name, path.stat().st_size, t.get_vocab_size())


if __name__ == "__main__":
    main()
