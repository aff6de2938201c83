#!/usr/bin/env python3
"""Holds models that are loaded from Hugging Face folders against transformers' own.

  tools/compare_huggingface.py [--program build/release/openruntime] [FOLDER]

Small modules with random weights are saved in every way that is read (one file and several, with and without a head,
half types, tied and untied) and compared. FOLDER is a sentence-transformers model: its embeddings of some sentences are
compared with those of its tokenizer, module, mean over tokens and normalisation, and their ranking is shown.

Needs numpy, torch, transformers and safetensors. A and B agree if |a - b| <= 1e-4 (|b| + rms(b)) everywhere. Answers
that hardly depend on what was asked would prove nothing: how far those to different tokens or texts lie apart, as a
share of the answers' own size (an embedding of length 1 has small numbers), is looked at too.
"""
import argparse
import functools
import json
import pathlib
import subprocess
import sys
import tempfile

import numpy
import torch
import transformers

from compare_builtin import LEAST_SPREAD, TOLERANCE, disagreement, run_ours

SENTENCES = [
    "A man is eating food.", "Someone is having a meal.", "The girl is carrying a baby.", "A woman is playing violin.",
    "Two musicians perform a concerto.", "A cheetah is running behind its prey.",
    "Der Gepard jagt seine Beute.", "An operating system schedules threads on processor cores.",
]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--program", default="build/release/openruntime")
    parser.add_argument("folder", nargs="?")
    options = parser.parse_args()
    torch.manual_seed(11)
    failures = 0
    for name, make in CASES.items():
        with tempfile.TemporaryDirectory() as folder:
            failures += not report(name, *make(options.program, pathlib.Path(folder)))
    if options.folder:
        failures += not sentences(options.program, pathlib.Path(options.folder))
    sys.exit(1 if failures else 0)


def report(name, ours, theirs):
    error = disagreement(ours, theirs)
    spread = max(relative_spread(value) for value in theirs.values())
    good = error <= TOLERANCE and spread > LEAST_SPREAD
    print(f"{'ok' if good else 'WRONG':5} {name}: {error:.1e} from the module, spread {spread:.2f}")
    return good


def relative_spread(value):
    """Between the vectors of an output, as a share of its root mean square; of a single vector, within it."""
    rows = numpy.asarray(value, float).reshape(-1, value.shape[-1])
    deviation = rows.std(axis=0) if len(rows) > 1 else rows.std()
    return float(numpy.sqrt((deviation ** 2).mean()) / (numpy.sqrt((rows ** 2).mean()) + 1e-30))


def randomise(module):
    """Initial weights of zero and one would hide mistakes."""
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.1)
    return module.eval()


def bert_config():
    return transformers.BertConfig(vocab_size=99, hidden_size=48, num_hidden_layers=3, num_attention_heads=4,
                                   intermediate_size=80, max_position_embeddings=40, attn_implementation="eager")


def ids(batch, sequence, vocabulary):
    mask = torch.ones((batch, sequence), dtype=torch.int64)
    mask[0, sequence // 2:] = 0
    return {"input_ids": torch.randint(0, vocabulary, (batch, sequence)), "attention_mask": mask}


def encoder(program, folder, module, body=None, types=True, save=None):
    randomise(module)
    module.save_pretrained(folder / "model", **(save or {}))
    if save and "dtype" in save:
        raise ValueError("convert the module instead")
    feeds = ids(3, 9, 99)
    if types:
        feeds["token_type_ids"] = torch.randint(0, 2, (3, 9))
    body = body(module) if body else module
    with torch.no_grad():
        answer = body.float()(**feeds)
    theirs = {"last_hidden_state": answer.last_hidden_state.numpy()}
    if getattr(answer, "pooler_output", None) is not None:
        theirs["pooler_output"] = answer.pooler_output.numpy()
    return run_ours(program, folder / "model", {k: v.numpy() for k, v in feeds.items()}, folder / "out"), theirs


def bert(program, folder):
    return encoder(program, folder, transformers.BertModel(bert_config()))


def bert_in_several_files(program, folder):
    result = encoder(program, folder, transformers.BertModel(bert_config()), save={"max_shard_size": "60KB"})
    assert len(list((folder / "model").glob("*.safetensors"))) > 1
    return result


def bert_with_head(program, folder):
    return encoder(program, folder, transformers.BertForMaskedLM(bert_config()), body=lambda module: module.bert)


def bert_half(program, folder):
    return encoder(program, folder, transformers.BertModel(bert_config()).half())


def bert_bfloat16(program, folder):
    return encoder(program, folder, transformers.BertModel(bert_config()).bfloat16())


def distilbert(program, folder):
    config = transformers.DistilBertConfig(vocab_size=99, dim=48, n_layers=2, n_heads=4, hidden_dim=80,
                                           max_position_embeddings=40, attn_implementation="eager")
    return encoder(program, folder, transformers.DistilBertModel(config), types=False)


def roberta(program, folder, kind="Roberta", padding=1):
    """Padding lies in front and behind, so that positions are more than a count from the left."""
    config = getattr(transformers, kind + "Config")(
        vocab_size=99, hidden_size=48, num_hidden_layers=2, num_attention_heads=4, intermediate_size=80,
        max_position_embeddings=40, type_vocab_size=1, pad_token_id=padding, bos_token_id=0, eos_token_id=2,
        attn_implementation="eager")
    module = randomise(getattr(transformers, kind + "Model")(config))
    module.save_pretrained(folder / "model")
    feeds = ids(3, 9, 99)
    feeds["attention_mask"][1, :3] = 0
    feeds["input_ids"][feeds["attention_mask"] == 0] = padding
    with torch.no_grad():
        answer = module(**feeds)
    theirs = {"last_hidden_state": answer.last_hidden_state.numpy(), "pooler_output": answer.pooler_output.numpy()}
    return run_ours(program, folder / "model", {k: v.numpy() for k, v in feeds.items()}, folder / "out"), theirs


def classifier(program, folder, kind, task, labels=3, problem=None):
    sizes = {"vocab_size": 99, "num_labels": labels, "attn_implementation": "eager", "problem_type": problem}
    if kind == "DistilBert":
        sizes |= {"dim": 48, "n_layers": 2, "n_heads": 4, "hidden_dim": 80, "max_position_embeddings": 40}
    else:
        sizes |= {"hidden_size": 48, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 80,
                  "max_position_embeddings": 40}
    config = getattr(transformers, kind + "Config")(**sizes)
    config.id2label = {i: f"class {i}" for i in range(labels)}
    module = randomise(getattr(transformers, f"{kind}For{task}Classification")(config))
    module.save_pretrained(folder / "model")
    feeds = ids(3, 9, 99)
    feeds["input_ids"][feeds["attention_mask"] == 0] = 1
    with torch.no_grad():
        logits = module(**feeds).logits
    theirs = {"logits": logits.numpy()}
    if problem == "multi_label_classification":
        theirs["probabilities"] = logits.sigmoid().numpy()
    elif labels > 1:
        theirs["probabilities"] = logits.softmax(-1).numpy()
    ours = run_ours(program, folder / "model", {k: v.numpy() for k, v in feeds.items()}, folder / "out")
    assert ours.keys() == theirs.keys(), ours.keys()
    return ours, theirs


def gpt2(program, folder, kind=None, tied=True):
    config = transformers.GPT2Config(vocab_size=99, n_embd=48, n_layer=2, n_head=4, n_positions=40,
                                     tie_word_embeddings=tied, attn_implementation="eager")
    module = randomise(transformers.GPT2LMHeadModel(config))
    (module.transformer if kind == "body" else module).save_pretrained(folder / "model")
    feeds = {"input_ids": torch.randint(0, 99, (3, 9)), "position_ids": torch.arange(9).expand(3, 9)}
    with torch.no_grad():
        theirs = {"logits": module(**feeds).logits.numpy()}
    feeds = {k: v.numpy() for k, v in feeds.items()}
    for layer in range(2):
        for part in ("key", "value"):
            feeds[f"past_key_values.{layer}.{part}"] = numpy.zeros((3, 4, 0, 12), numpy.float32)
    return run_ours(program, folder / "model", feeds, folder / "out"), theirs


def pooled(hidden, mask):
    mask = mask[..., None].float()
    return torch.nn.functional.normalize((hidden * mask).sum(1) / mask.sum(1).clamp(min=1e-9), dim=1)


def sentence_cls(program, folder):
    """First token, not normalised, the transformer in a folder of its own."""
    module = randomise(transformers.BertModel(bert_config(), add_pooling_layer=False))
    module.save_pretrained(folder / "model" / "0_Transformer")
    (folder / "model" / "1_Pooling").mkdir()
    (folder / "model" / "1_Pooling" / "config.json").write_text(json.dumps({"pooling_mode_cls_token": True}))
    (folder / "model" / "modules.json").write_text(json.dumps([
        {"idx": 0, "path": "0_Transformer", "type": "sentence_transformers.models.Transformer"},
        {"idx": 1, "path": "1_Pooling", "type": "sentence_transformers.models.Pooling"}]))
    feeds = ids(3, 9, 99)
    with torch.no_grad():
        theirs = {"sentence_embedding": module(**feeds).last_hidden_state[:, 0].numpy()}
    return run_ours(program, folder / "model", {k: v.numpy() for k, v in feeds.items()}, folder / "out"), theirs


CASES = {
    "bert": bert, "bert in several files": bert_in_several_files, "bert with a head": bert_with_head,
    "bert, float16": bert_half, "bert, bfloat16": bert_bfloat16, "distilbert": distilbert, "gpt2": gpt2,
    "gpt2 without its head": lambda program, folder: gpt2(program, folder, "body"),
    "gpt2 with a head of its own": lambda program, folder: gpt2(program, folder, tied=False),
    "sentence model, first token": sentence_cls,
    "roberta": roberta, "roberta, another padding": lambda program, folder: roberta(program, folder, padding=4),
    "xlm-roberta": lambda program, folder: roberta(program, folder, "XLMRoberta"),
} | {
    f"{kind} for {task}": functools.partial(classifier, kind=kind, task=task)
    for kind in ("Bert", "DistilBert", "Roberta", "XLMRoberta") for task in ("Sequence", "Token")
} | {
    "several labels at once": functools.partial(classifier, kind="Bert", task="Sequence",
                                                problem="multi_label_classification"),
    "a regression": functools.partial(classifier, kind="Roberta", task="Sequence", labels=1, problem="regression"),
}


def sentences(program, folder):
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    module = transformers.AutoModel.from_pretrained(folder).eval()
    feeds = tokenizer(SENTENCES, padding=True, return_tensors="pt")
    with torch.no_grad():
        hidden = module(**feeds).last_hidden_state
    theirs = {"last_hidden_state": hidden.numpy(),
              "sentence_embedding": pooled(hidden, feeds["attention_mask"]).numpy()}
    with tempfile.TemporaryDirectory() as scratch:
        ours = run_ours(program, folder, {k: v.numpy() for k, v in feeds.items()}, pathlib.Path(scratch) / "out")
        alone = tokenizer(SENTENCES[0], return_tensors="pt")["input_ids"].numpy()  # the other inputs by their defaults
        single = run_ours(program, folder, {"input_ids": alone}, pathlib.Path(scratch) / "single")
    good = report(f"{folder.name}, {len(SENTENCES)} sentences", ours, theirs)
    good &= report(f"{folder.name}, one sentence without a mask", {"e": single["sentence_embedding"]},
                   {"e": theirs["sentence_embedding"][:1]})
    for sentence, expected in zip(SENTENCES, theirs["sentence_embedding"]):
        with tempfile.TemporaryDirectory() as scratch:
            subprocess.run([program, "-q", "infer", folder, "--text", sentence, "--output", scratch], check=True,
                           stdout=subprocess.DEVNULL)
            text = numpy.load(pathlib.Path(scratch) / "sentence_embedding.npy")
        good &= report(f"--text \"{sentence}\"", {"e": text}, {"e": expected[None]})
    similar = ours["sentence_embedding"] @ ours["sentence_embedding"].T
    for i in numpy.argsort(-similar[0])[1:4]:
        print(f"      {similar[0, i]:.2f}  {SENTENCES[0]}  {SENTENCES[i]}")
    return good


if __name__ == "__main__":
    main()
