"""Inputs of the exported networks in tests/data/networks, made from integers alone, the same on every machine; and
which elements of an output are looked at. Used by networks_test.py and by tools/expect_networks.py."""

import numpy

BATCHES = (1, 3)
SEQUENCES = (1, 7, 77, 128)
PASTS = (0, 1, 40, 256)
LAYERS, HEADS, HEAD_SIZE = 12, 4, 6  # of GPT-2
VOCABULARY = 128
IMAGE = 64
SAMPLES = 384  # of an output with more elements
PRESENT_SAMPLES = 12  # of each tensor of keys or values

# A network's exports, of which the first one's outputs are the expected ones.
EXPORTS = {
    "resnet50": ("resnet50-old11", "resnet50-old17-batchnorm", "resnet50-new18"),
    "mobilenetv2": ("mobilenetv2-old13", "mobilenetv2-new20"),
    "bert": ("bert-old11", "bert-old17", "bert-new20"),
    "gpt2": ("gpt2-old13", "gpt2-old17", "gpt2-new18"),
}


def shapes(network):
    """(batch, sequence, past) of every case; 0 where a network has no such dimension."""
    sequences = SEQUENCES if network in ("bert", "gpt2") else (0,)
    pasts = PASTS if network == "gpt2" else (0,)
    return [(b, s, p) for b in BATCHES for s in sequences for p in pasts]


def bits(seed, shape):
    """splitmix64 (Steele, Lea and Flood, 2014) of the counter seed * 2^32 + i."""
    count = int(numpy.prod(shape))
    with numpy.errstate(over="ignore"):
        z = (numpy.arange(count, dtype=numpy.uint64) + numpy.uint64(seed << 32)) * numpy.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> numpy.uint64(30))) * numpy.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> numpy.uint64(27))) * numpy.uint64(0x94D049BB133111EB)
    return (z ^ (z >> numpy.uint64(31))).reshape(shape)


def reals(seed, shape):
    """In [-1, 1), multiples of 2^-23."""
    return ((bits(seed, shape) >> numpy.uint64(40)).astype("f4") * numpy.float32(2.0**-23)) - numpy.float32(1)


def integers(seed, shape, end):
    return (bits(seed, shape) % numpy.uint64(end)).astype("i8")


def inputs(network, batch, sequence, past):
    """{name: array}. Masks leave out every fifth token but never the first, so that each row attends to something."""
    if network not in ("bert", "gpt2"):
        return {"pixels": reals(1, (batch, 3, IMAGE, IMAGE)) * numpy.float32(1.5)}
    mask = numpy.ones((batch, past + sequence), "i8")
    mask[1:, 3::5] = 0
    feed = {"input_ids": integers(2, (batch, sequence), VOCABULARY), "attention_mask": mask}
    if network == "bert":
        return feed | {"token_type_ids": integers(3, (batch, sequence), 2)}
    positions = numpy.arange(past, past + sequence, dtype="i8")
    feed["position_ids"] = numpy.ascontiguousarray(numpy.broadcast_to(positions, (batch, sequence)))
    for layer in range(LAYERS):
        for k, kind in enumerate(("key", "value")):
            feed[f"past_key_values.{layer}.{kind}"] = reals(10 + 2 * layer + k, (batch, HEADS, past, HEAD_SIZE))
    return feed


def outputs(network, batch, sequence, past):
    """{name: shape} in the order of the expected samples."""
    if network == "bert":
        return {"last_hidden_state": (batch, sequence, 24), "pooler_output": (batch, 24)}
    if network != "gpt2":
        return {"logits": (batch, 32)}
    present = (batch, HEADS, past + sequence, HEAD_SIZE)
    names = [f"present.{layer}.{kind}" for layer in range(LAYERS) for kind in ("key", "value")]
    return {"logits": (batch, sequence, VOCABULARY)} | dict.fromkeys(names, present)


def sample(name, array):
    """Elements of an output, spread over it: all of a small one."""
    count = PRESENT_SAMPLES if name.startswith("present") else SAMPLES
    flat = array.reshape(-1)
    if flat.size <= count:
        return flat
    return flat[(numpy.arange(count, dtype=numpy.int64) * 2654435761 + flat.size - 1) % flat.size]
