"""PNG files by zlib alone, the preprocessing that data/README.md fixes, and the sample pictures."""

import struct
import typing
import zlib

import numpy as np

from . import augment
from .data import CLASSES, MEAN, SIZE, STD

SIGNATURE = b"\x89PNG\r\n\x1a\n"
COLOUR_TYPES = {1: 0, 3: 2, 4: 6}  # channels -> PNG's number for gray, RGB, RGBA
TOLERANCE = 1e-4  # in probability: float32 against double on the same pixels
TOLERANCE_RESIZED = 1e-3  # ... and for resized pictures, whose pixels may be float32 as well


class Sample(typing.NamedTuple):
    name: str
    label: int
    image: np.ndarray  # [1, 28, 28], normalised, double
    tolerance: float


def write_samples(held_out, folder):
    """Two pictures of each digit as they are in the data, and two that need preprocessing: size, colour, alpha."""
    folder.mkdir(exist_ok=True)
    for old in folder.glob("*.png"):
        old.unlink()
    tolerances = {}
    for digit in range(CLASSES):
        for i, image in enumerate(held_out.images[held_out.labels == digit][:2]):
            write_png(folder / f"{digit}-{i + 1}.png", image[:, :, None])
            tolerances[f"{digit}-{i + 1}.png"] = TOLERANCE
    three = held_out.images[held_out.labels == 3][2]
    write_png(folder / "3-scribble-rgb.png", coloured(scribble(three, 56, 0.12, 1.5)))
    seven = held_out.images[held_out.labels == 7][2]
    write_png(folder / "7-scribble-alpha.png", transparent(scribble(seven, 70, -0.1, 1.0)))
    tolerances |= {"3-scribble-rgb.png": TOLERANCE_RESIZED, "7-scribble-alpha.png": TOLERANCE_RESIZED}
    return [
        Sample(name, int(name[0]), preprocess(read_png(folder / name)), tolerance)
        for name, tolerance in sorted(tolerances.items())
    ]


def scribble(image, size, angle, shift):
    """An enlarged digit, turned by `angle` radians, shifted, with a stroke of sharp edges: 0 .. 1."""
    ratio = SIZE / size
    rows, columns = np.meshgrid(
        (np.arange(size) + 0.5) * ratio - SIZE / 2, (np.arange(size) + 0.5) * ratio - SIZE / 2, indexing="ij"
    )
    y = np.cos(angle) * rows - np.sin(angle) * columns + SIZE / 2 - 0.5 + shift
    x = np.sin(angle) * rows + np.cos(angle) * columns + SIZE / 2 - 0.5
    return np.clip((augment.fetch(image[None], y[None], x[None])[0] / 255 - 0.5) * 4 + 0.5, 0, 1)


def coloured(ink):
    paper, stroke = np.array([10.0, 18.0, 44.0]), np.array([255.0, 244.0, 190.0])
    return paper + ink[:, :, None] * (stroke - paper)


def transparent(ink):
    """White everywhere; only alpha tells stroke from paper, so that a reader which drops it sees a blank page."""
    return np.concatenate([np.full(ink.shape + (3,), 255.0), 255 * ink[:, :, None]], axis=2)


def write_png(path, pixels):
    """pixels: [height, width, 1, 3 or 4], 0..255; 8 bits a sample, rows unfiltered."""
    pixels = np.round(pixels).astype(np.uint8)
    height, width, channels = pixels.shape
    header = struct.pack(">IIBBBBB", width, height, 8, COLOUR_TYPES[channels], 0, 0, 0)
    rows = b"".join(b"\0" + row.tobytes() for row in pixels)
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(rows, 9)), (b"IEND", b"")]
    with open(path, "wb") as file:
        file.write(SIGNATURE)
        for kind, body in chunks:
            file.write(struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body)))


def read_png(path):
    """Reads back what write_png writes (and no other PNG): [height, width, channels] double, 0..255."""
    content = path.read_bytes()
    width, height, depth, colour = struct.unpack(">IIBB", content[16:26])
    channels = next(count for count, number in COLOUR_TYPES.items() if number == colour)
    offset, packed = len(SIGNATURE), b""
    while offset < len(content):
        length, kind = struct.unpack(">I4s", content[offset : offset + 8])
        packed += content[offset + 8 : offset + 8 + length] if kind == b"IDAT" else b""
        offset += length + 12
    rows = np.frombuffer(zlib.decompress(packed), np.uint8).reshape(height, 1 + width * channels)
    assert depth == 8 and not rows[:, 0].any(), f"{path}: not a PNG of ours"
    return rows[:, 1:].reshape(height, width, channels).astype(np.float64)


def preprocess(pixels):
    """data/README.md's steps for a gray input, in double: [height, width, channels] -> [1, 28, 28]."""
    if pixels.shape[2] in (2, 4):
        pixels = pixels[:, :, :-1] * (pixels[:, :, -1:] / 255)
    gray = pixels @ np.array([0.299, 0.587, 0.114]) if pixels.shape[2] == 3 else pixels[:, :, 0]
    gray = triangle(gray.shape[0], SIZE) @ gray @ triangle(gray.shape[1], SIZE).T
    return ((gray / 255 - MEAN) / STD)[None]


def triangle(size, wanted):
    """[wanted, size]: the weights of a bilinear resize along one axis."""
    if size == wanted:
        return np.eye(size)
    ratio = size / wanted
    centres = (np.arange(wanted) + 0.5) * ratio
    weights = np.maximum(0, 1 - np.abs(np.arange(size)[None, :] + 0.5 - centres[:, None]) / max(ratio, 1))
    return weights / weights.sum(1, keepdims=True)
