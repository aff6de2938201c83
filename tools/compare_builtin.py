#!/usr/bin/env python3
"""Holds the built-in networks against their models: writes each as ONNX, and compares

  - the file with onnx.checker,
  - our answers with ONNX Runtime's on that file, at several batch sizes, sequence lengths and past lengths,
  - names and extents of all parameters, and the answers, with torchvision's and transformers' own modules, which are
    given the file's parameters.

  tools/compare_builtin.py [--program build/release/openruntime] [NAME...]

Needs numpy, onnx, onnxruntime, torch, torchvision and transformers. A and B agree if |a - b| <= 1e-4 (|b| + rms(b))
everywhere. Answers that hardly differ from each other would prove nothing, so their spread is looked at too.
"""
import argparse
import pathlib
import subprocess
import sys
import tempfile

import numpy
import onnx
import onnxruntime
import torch
import torchvision
import transformers

TOLERANCE = 1e-4
LEAST_SPREAD = 0.1


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--program", default="build/release/openruntime")
    parser.add_argument("names", nargs="*", default=list(NETWORKS))
    options = parser.parse_args()
    failures = 0
    for name in options.names:
        with tempfile.TemporaryDirectory() as folder:
            failures += compare(options.program, name, pathlib.Path(folder))
    sys.exit(1 if failures else 0)


def compare(program, name, folder):
    path = folder / f"{name}.onnx"
    subprocess.run([program, "-q", "models", "export", name, path], check=True, stdout=subprocess.DEVNULL)
    onnx.checker.check_model(str(path), full_check=True)
    network = NETWORKS[name]
    module = network["module"]().eval()
    failures = load_parameters(module, path, network)
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    for index, case in enumerate(network["cases"]):
        feeds = network["inputs"](numpy.random.default_rng(7), **case)
        expected = dict(zip([o.name for o in session.get_outputs()], session.run(None, feeds)))
        ours = run_ours(program, path if index % 2 == 0 else name, feeds, folder / "out")
        with torch.no_grad():
            theirs = network["answers"](module, {key: torch.from_numpy(value) for key, value in feeds.items()})
        spread = max(float(value.std()) for value in ours.values())
        errors = [disagreement(ours, expected), disagreement(ours, theirs)]
        good = max(errors) <= TOLERANCE and spread > LEAST_SPREAD
        failures += not good
        print(f"{'ok' if good else 'WRONG':5} {name} {case}: {errors[0]:.1e} from ONNX Runtime, {errors[1]:.1e} from "
              f"the module, {len(theirs)} outputs, spread {spread:.2f}")
        if index == 0:
            failures += not notices_a_wrong_weight(module, network, feeds, ours)
    return failures


def notices_a_wrong_weight(module, network, feeds, ours):
    """A check that a module with one parameter of another sign passes is none."""
    parameter = next(p for p in reversed(list(module.parameters())) if p.dim() > 1)
    with torch.no_grad():
        parameter.neg_()
        theirs = network["answers"](module, {key: torch.from_numpy(value) for key, value in feeds.items()})
        parameter.neg_()
    error = disagreement(ours, theirs)
    print(f"{'ok' if error > 100 * TOLERANCE else 'WRONG':5} {error:.1e} from the module with one weight turned round")
    return error > 100 * TOLERANCE


def load_parameters(module, path, network):
    """Every parameter of the module is in the file by its name, or as NAME.T with its extents exchanged."""
    state = module.state_dict()
    given = {}
    for tensor in onnx.load(str(path)).graph.initializer:
        value = torch.from_numpy(onnx.numpy_helper.to_array(tensor).copy())
        given[tensor.name.removesuffix(".T")] = value.T if tensor.name.endswith(".T") else value
    ignored = ("num_batches_tracked", "position_ids", "token_type_ids")
    missing, wrong = [], []
    for name, value in state.items():
        if name.endswith(ignored):
            continue
        source = network.get("tied", {}).get(name, name)
        if source not in given:
            missing.append(name)
        elif given[source].shape != value.shape:
            wrong.append(name)
        else:
            state[name] = given[source]
    extra = [n for n in given if n not in state and "Constant_" not in n]
    module.load_state_dict(state)
    for words, names in (("missing", missing), ("of another shape", wrong), ("unknown to the module", extra)):
        if names:
            print(f"WRONG parameters {words}: {names[:5]} ({len(names)})")
    print(f"      {path.stem}: {len(given) - len(extra)} parameters and constants in the file")
    return len(missing) + len(wrong) + len(extra)


def run_ours(program, path, feeds, folder):
    arguments = []
    folder.mkdir(exist_ok=True)
    for name, value in feeds.items():
        file = folder.parent / f"{name}.npy"
        numpy.save(file, value)
        arguments += ["--input", f"{name}={file}"]
    subprocess.run([program, "-q", "infer", path, *arguments, "--output", folder], check=True,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return {file.stem: numpy.load(file) for file in folder.glob("*.npy")}


def disagreement(ours, theirs):
    """The largest |a - b| / (|b| + rms(b)) over the outputs that `theirs` has."""
    worst = 0.0
    for name, b in theirs.items():
        a, b = ours[name].astype(float), numpy.asarray(b).astype(float)
        if a.shape != b.shape:
            print(f"WRONG {name}: {a.shape} is not {b.shape}")
            return float("inf")
        worst = max(worst, float((abs(a - b) / (abs(b) + numpy.sqrt((b * b).mean()) + 1e-30)).max(initial=0)))
    return worst


def pictures(random, batch):
    return {"input": random.standard_normal((batch, 3, 224, 224), numpy.float32)}


def texts(random, batch, sequence):
    mask = numpy.ones((batch, sequence), numpy.int64)
    mask[0, (sequence + 1) // 2:] = 0
    return {"input_ids": random.integers(0, 30522, (batch, sequence)), "attention_mask": mask,
            "token_type_ids": random.integers(0, 2, (batch, sequence))}


def continuations(random, batch, sequence, past):
    positions = numpy.tile(numpy.arange(past, past + sequence), (batch, 1))
    feeds = {"input_ids": random.integers(0, 50257, (batch, sequence)), "position_ids": positions}
    for layer in range(12):
        for part in ("key", "value"):
            feeds[f"past_key_values.{layer}.{part}"] = random.standard_normal((batch, 12, past, 64), numpy.float32)
    return feeds


def bert_answers(module, feeds):
    answer = module(**feeds)
    return {"last_hidden_state": answer.last_hidden_state.numpy(), "pooler_output": answer.pooler_output.numpy()}


def gpt2_answers(module, feeds):
    cache = transformers.DynamicCache()
    for layer in range(12):
        cache.update(*(feeds[f"past_key_values.{layer}.{part}"] for part in ("key", "value")), layer)
    answer = module(input_ids=feeds["input_ids"], position_ids=feeds["position_ids"], past_key_values=cache)
    answers = {"logits": answer.logits.numpy()}
    for layer in range(12):
        answers[f"present.{layer}.key"] = cache.layers[layer].keys.numpy()
        answers[f"present.{layer}.value"] = cache.layers[layer].values.numpy()
    return answers


def classes(module, feeds):
    return {"logits": module(feeds["input"]).numpy()}


NETWORKS = {
    "resnet50": {"module": torchvision.models.resnet50, "inputs": pictures, "answers": classes,
                 "cases": [{"batch": 1}, {"batch": 3}]},
    "mobilenet-v2": {"module": torchvision.models.mobilenet_v2, "inputs": pictures, "answers": classes,
                     "cases": [{"batch": 1}, {"batch": 3}]},
    "bert-base": {"module": lambda: transformers.BertModel(transformers.BertConfig(attn_implementation="eager")),
                  "inputs": texts, "answers": bert_answers,
                  "cases": [{"batch": b, "sequence": s} for b, s in ((1, 1), (3, 7), (1, 77), (3, 128))]},
    "gpt2": {"module": lambda: transformers.GPT2LMHeadModel(transformers.GPT2Config(attn_implementation="eager")),
             "inputs": continuations, "answers": gpt2_answers, "tied": {"lm_head.weight": "transformer.wte.weight"},
             "cases": [{"batch": b, "sequence": s, "past": p}
                       for b, s, p in ((1, 7, 0), (3, 1, 1), (1, 1, 40), (3, 1, 256), (1, 77, 40))]},
}

if __name__ == "__main__":
    main()
