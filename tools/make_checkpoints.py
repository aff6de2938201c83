#!/usr/bin/env python3
"""Writes tests/data/checkpoints: very small models as Hugging Face's libraries save them, with inputs and transformers'
own outputs, for unit tests.

  tools/make_checkpoints.py [FOLDER]

Needs torch, transformers and tokenizers. The weights are random and licensed as this project.
"""
import json
import pathlib
import sys

import tokenizers
import torch
import transformers

FOLDER = pathlib.Path(__file__).resolve().parent.parent / "tests" / "data" / "checkpoints"
SIZES = {"vocab_size": 13, "attn_implementation": "eager"}


def main():
    folder = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER
    torch.manual_seed(3)
    bert(folder / "bert")
    sentence(folder / "sentence")
    distilbert(folder / "distilbert")
    gpt2(folder / "gpt2")
    classifier(folder / "classifier")
    tagger(folder / "tagger")


def randomised(module):
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.2)
    return module.eval()


def bert_config():
    return transformers.BertConfig(hidden_size=8, num_hidden_layers=2, num_attention_heads=2, intermediate_size=10,
                                   max_position_embeddings=7, **SIZES)


def write(folder, module, inputs, outputs, transformer="", **options):
    module.save_pretrained(folder / transformer, **options)
    tensors = {}
    for kind, values in (("inputs", inputs), ("outputs", outputs)):
        tensors[kind] = {name: {"shape": list(value.shape), "dtype": str(value.dtype).removeprefix("torch."),
                                "data": [round(x, 6) for x in value.flatten().tolist()]}
                         for name, value in values.items()}
    (folder / "expected.json").write_text(json.dumps(tensors) + "\n")
    for name in ("generation_config.json",):
        (folder / transformer / name).unlink(missing_ok=True)


def texts():
    return {"input_ids": torch.tensor([[3, 1, 12, 5], [7, 7, 0, 2]]),
            "attention_mask": torch.tensor([[1, 1, 1, 0], [1, 1, 1, 1]])}


def bert(folder):
    """With a head (so with a prefix), in several files."""
    module = randomised(transformers.BertForNextSentencePrediction(bert_config()))
    inputs = texts() | {"token_type_ids": torch.tensor([[0, 0, 1, 1], [0, 1, 1, 1]])}
    with torch.no_grad():
        answer = module.bert(**inputs)
    outputs = {"last_hidden_state": answer.last_hidden_state, "pooler_output": answer.pooler_output}
    write(folder, module, inputs, outputs, max_shard_size="4KB")


def sentence(folder):
    """Half precision; mean over tokens, normalised; the token types left out."""
    module = randomised(transformers.BertModel(bert_config(), add_pooling_layer=False)).half().float()
    inputs = texts()
    with torch.no_grad():
        hidden = module(**inputs).last_hidden_state
    mask = inputs["attention_mask"][..., None].float()
    pooled = torch.nn.functional.normalize((hidden * mask).sum(1) / mask.sum(1), dim=1)
    write(folder, module.half(), inputs, {"sentence_embedding": pooled, "last_hidden_state": hidden},
          transformer="0_Transformer")
    kinds = ("Transformer", "Pooling", "Normalize")
    modules = [{"idx": i, "name": str(i), "path": f"{i}_{kind}", "type": f"sentence_transformers.models.{kind}"}
               for i, kind in enumerate(kinds)]
    (folder / "modules.json").write_text(json.dumps(modules, indent=1) + "\n")
    (folder / "1_Pooling").mkdir(exist_ok=True)
    pooling = {"word_embedding_dimension": 8, "pooling_mode_cls_token": False, "pooling_mode_mean_tokens": True}
    (folder / "1_Pooling" / "config.json").write_text(json.dumps(pooling, indent=1) + "\n")
    tokenizer(folder)


def tokenizer(folder):
    """Texts for the sentence model: WordPiece over its 13 tokens, padded to 6 by the file, which a model ignores."""
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "a", "b", "c", "##a", "##b", "##c", "ab", "!", "d"]
    made = tokenizers.Tokenizer(tokenizers.models.WordPiece({w: i for i, w in enumerate(words)}, unk_token="[UNK]"))
    made.normalizer = tokenizers.normalizers.BertNormalizer(lowercase=True)
    made.pre_tokenizer = tokenizers.pre_tokenizers.BertPreTokenizer()
    made.post_processor = tokenizers.processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)])
    texts = ["Abc d!", "b", "cab abba cab abba"]
    made.enable_truncation(7)
    made.enable_padding(pad_id=0)  # to the longest
    encodings = made.encode_batch(texts)
    made.enable_padding(length=6)
    made.save(str(folder / "tokenizer.json"))
    (folder / "texts.json").write_text(json.dumps({
        "texts": texts, "input_ids": [e.ids for e in encodings],
        "attention_mask": [e.attention_mask for e in encodings]}) + "\n")


def distilbert(folder):
    config = transformers.DistilBertConfig(dim=8, n_layers=1, n_heads=4, hidden_dim=12, max_position_embeddings=7,
                                           **SIZES)
    module = randomised(transformers.DistilBertModel(config))
    inputs = texts()
    with torch.no_grad():
        hidden = module(**inputs).last_hidden_state
    write(folder, module, inputs, {"last_hidden_state": hidden})


def classifier(folder):
    """RoBERTa with a head that classifies texts; padding in front and behind, which positions leave out."""
    config = transformers.RobertaConfig(hidden_size=8, num_hidden_layers=1, num_attention_heads=2, intermediate_size=10,
                                        max_position_embeddings=7, type_vocab_size=1, pad_token_id=1, bos_token_id=0,
                                        eos_token_id=2, num_labels=3, **SIZES)
    config.id2label = {0: "bad", 1: "neutral", 2: "good"}
    module = randomised(transformers.RobertaForSequenceClassification(config))
    inputs = {"input_ids": torch.tensor([[0, 4, 12, 2], [1, 0, 5, 1]]),
              "attention_mask": torch.tensor([[1, 1, 1, 1], [0, 1, 1, 0]])}
    with torch.no_grad():
        logits = module(**inputs).logits
    write(folder, module, inputs, {"logits": logits, "probabilities": logits.softmax(-1)})


def tagger(folder):
    """DistilBERT with a head that classifies tokens, each class for itself."""
    config = transformers.DistilBertConfig(dim=8, n_layers=1, n_heads=4, hidden_dim=12, max_position_embeddings=7,
                                           num_labels=2, problem_type="multi_label_classification", **SIZES)
    module = randomised(transformers.DistilBertForTokenClassification(config))
    inputs = texts()
    with torch.no_grad():
        logits = module(**inputs).logits
    write(folder, module, inputs, {"logits": logits, "probabilities": logits.sigmoid()})


def gpt2(folder):
    """A continuation of two tokens, behind two."""
    config = transformers.GPT2Config(n_embd=8, n_layer=2, n_head=2, n_positions=7, bos_token_id=0, eos_token_id=0,
                                     **SIZES)
    module = randomised(transformers.GPT2LMHeadModel(config))
    ids = texts()["input_ids"]
    with torch.no_grad():
        cache = transformers.DynamicCache()
        module(input_ids=ids[:, :2], past_key_values=cache)
        inputs = {"input_ids": ids[:, 2:], "position_ids": torch.tensor([[2, 3], [2, 3]])}
        for layer in range(2):
            inputs[f"past_key_values.{layer}.key"] = cache.layers[layer].keys.clone()
            inputs[f"past_key_values.{layer}.value"] = cache.layers[layer].values.clone()
        outputs = {"logits": module(input_ids=ids[:, 2:], past_key_values=cache).logits}
    for layer in range(2):
        outputs[f"present.{layer}.key"] = cache.layers[layer].keys
        outputs[f"present.{layer}.value"] = cache.layers[layer].values
    write(folder, module, inputs, outputs)


if __name__ == "__main__":
    main()
