#!/usr/bin/env python3
"""The weights of a GPT-2 in ONNX as a GGUF file for llama.cpp, without a tokenizer.

    gpt2_gguf.py FROM.onnx TO.gguf
"""
import sys

import gguf
import onnx
from onnx import numpy_helper

HEAD_EXTENT = 64  # of every GPT-2
EPSILON = 1e-5
LAYER = {
    "ln_1.weight": "attn_norm.weight", "ln_1.bias": "attn_norm.bias",
    "attn.c_attn.weight": "attn_qkv.weight", "attn.c_attn.bias": "attn_qkv.bias",
    "attn.c_proj.weight": "attn_output.weight", "attn.c_proj.bias": "attn_output.bias",
    "ln_2.weight": "ffn_norm.weight", "ln_2.bias": "ffn_norm.bias",
    "mlp.c_fc.weight": "ffn_up.weight", "mlp.c_fc.bias": "ffn_up.bias",
    "mlp.c_proj.weight": "ffn_down.weight", "mlp.c_proj.bias": "ffn_down.bias",
}
WHOLE = {"wte.weight": "token_embd.weight", "wpe.weight": "position_embd.weight",
         "ln_f.weight": "output_norm.weight", "ln_f.bias": "output_norm.bias"}


def main(source, target):
    tensors = {tensor.name.removeprefix("transformer."): tensor
               for tensor in onnx.load(source).graph.initializer if "/" not in tensor.name}
    layers = 1 + max(int(name.split(".")[1]) for name in tensors if name.startswith("h."))
    array = lambda name: numpy_helper.to_array(tensors[name])  # noqa: E731
    vocabulary, hidden = array("wte.weight").shape
    writer = gguf.GGUFWriter(target, "gpt2")
    writer.add_context_length(array("wpe.weight").shape[0])
    writer.add_embedding_length(hidden)
    writer.add_feed_forward_length(array("h.0.mlp.c_fc.weight").shape[1])
    writer.add_block_count(layers)
    writer.add_head_count(hidden // HEAD_EXTENT)
    writer.add_layer_norm_eps(EPSILON)
    writer.add_file_type(gguf.LlamaFileType.ALL_F32)
    writer.add_tokenizer_model("none")
    writer.add_vocab_size(vocabulary)
    for ours, theirs in WHOLE.items():
        writer.add_tensor(theirs, array(ours).copy())
    for layer in range(layers):
        for ours, theirs in LAYER.items():
            values = array(f"h.{layer}.{ours}")
            matrix = values.ndim == 2  # [in, out] here, [out, in] there
            writer.add_tensor(f"blk.{layer}.{theirs}", values.T.copy() if matrix else values.copy())
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
