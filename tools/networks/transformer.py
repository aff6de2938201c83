"""BERT and GPT-2 of transformers, narrow and of full depth, with seeded weights."""

import torch
import transformers
from networks.cnn import Network
from transformers.pytorch_utils import Conv1D

LAYERS = 12


class Bert(torch.nn.Module):
    """All three inputs, and outputs as a tuple."""

    def __init__(self, attention):
        super().__init__()
        self.model = transformers.BertModel(
            transformers.BertConfig(
                vocab_size=128,
                hidden_size=24,
                num_hidden_layers=LAYERS,
                num_attention_heads=6,
                intermediate_size=96,
                max_position_embeddings=128,
                attn_implementation=attention,
            )
        )

    def forward(self, input_ids, attention_mask, token_type_ids):
        result = self.model(input_ids=input_ids, attention_mask=attention_mask, token_type_ids=token_type_ids)
        return result.last_hidden_state, result.pooler_output


class Gpt2(torch.nn.Module):
    """Keys and values of the past come as inputs, and those of past and present go out, two tensors a layer."""

    def __init__(self, attention):
        super().__init__()
        self.model = transformers.GPT2LMHeadModel(
            transformers.GPT2Config(
                vocab_size=128,
                n_positions=384,
                n_embd=24,
                n_layer=LAYERS,
                n_head=4,
                attn_implementation=attention,
            )
        )

    def forward(self, input_ids, attention_mask, position_ids, *past):
        cache = transformers.DynamicCache()
        for layer in range(LAYERS):
            cache.update(past[2 * layer], past[2 * layer + 1], layer)
        result = self.model(
            input_ids=input_ids,
            attention_mask=attention_mask,
            position_ids=position_ids,
            cache=cache,
            use_cache=True,
        )
        return (result.logits, *(tensor for layer in cache.layers for tensor in (layer.keys, layer.values)))


def bert_eager():
    return bert("eager")


def bert_sdpa():
    return bert("sdpa")


def gpt2_eager():
    return gpt2("eager")


def gpt2_sdpa():
    return gpt2("sdpa")


def bert(attention):
    module = Bert(attention)
    fill(module, seed=110)
    shape = (2, 9)
    example = tuple(torch.full(shape, value, dtype=torch.int64) for value in (1, 1, 0))
    inputs = ["input_ids", "attention_mask", "token_type_ids"]
    tokens = {0: "batch", 1: "sequence"}
    axes = {name: tokens for name in [*inputs, "last_hidden_state"]} | {"pooler_output": {0: "batch"}}
    return Network(module, example, inputs, ["last_hidden_state", "pooler_output"], axes)


def gpt2(attention):
    module = Gpt2(attention)
    fill(module, seed=124)
    batch, sequence, past = 2, 5, 7
    config = module.model.config
    example = [
        torch.ones((batch, sequence), dtype=torch.int64),
        torch.ones((batch, past + sequence), dtype=torch.int64),
        torch.arange(past, past + sequence).expand(batch, sequence).contiguous(),
    ]
    inputs = ["input_ids", "attention_mask", "position_ids"]
    outputs = ["logits"]
    axes = {
        "input_ids": {0: "batch", 1: "sequence"},
        "attention_mask": {0: "batch", 1: "total"},
        "position_ids": {0: "batch", 1: "sequence"},
        "logits": {0: "batch", 1: "sequence"},
    }
    for layer in range(LAYERS):
        for kind in ("key", "value"):
            example.append(torch.zeros(batch, config.n_head, past, config.n_embd // config.n_head))
            inputs.append(f"past_key_values.{layer}.{kind}")
            outputs.append(f"present.{layer}.{kind}")
            axes[inputs[-1]] = {0: "batch", 2: "past"}
            axes[outputs[-1]] = {0: "batch", 2: "total"}
    return Network(module, tuple(example), inputs, outputs, axes, variadic=3)


def fill(module, seed):
    """Weights of about 1 / sqrt(fan in) and scales of about 1, so that attention is sharp and outputs spread."""
    generator = torch.Generator().manual_seed(seed)
    for part in module.modules():
        if isinstance(part, torch.nn.Embedding):
            part.weight.data.normal_(0, 0.5, generator=generator)
        elif isinstance(part, (torch.nn.Linear, Conv1D)) and part is not module.model.get_output_embeddings():
            fan_in = part.weight.shape[0 if isinstance(part, Conv1D) else 1]
            part.weight.data.normal_(0, 1.2 / fan_in**0.5, generator=generator)
            part.bias.data.normal_(0, 0.1, generator=generator)
        elif isinstance(part, torch.nn.LayerNorm):
            part.weight.data.uniform_(0.6, 1.4, generator=generator)
            part.bias.data.normal_(0, 0.1, generator=generator)
