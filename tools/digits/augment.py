"""Distorts training digits as a hand would: turn, stretch, slant, shift, bend (Simard, Steinkraus and Platt 2003), and
fainter ink."""

import numpy as np

BEND_SIGMA = 4.0  # pixels over which neighbouring displacements agree
BEND_STD = 1.0  # pixels, standard deviation of the displacement


def distort(images, rng):
    """[n, h, w] -> the same shape; every output pixel is fetched, bilinearly, from a displaced place of the input."""
    n, height, width = images.shape
    rows, columns = np.meshgrid(np.arange(height) - (height - 1) / 2, np.arange(width) - (width - 1) / 2, indexing="ij")
    angle = rng.uniform(-0.26, 0.26, (n, 1, 1))
    slant = rng.uniform(-0.2, 0.2, (n, 1, 1))
    stretch_y, stretch_x = rng.uniform(0.85, 1.18, (2, n, 1, 1))
    shift_y, shift_x = rng.uniform(-2.5, 2.5, (2, n, 1, 1))
    y = (np.cos(angle) * rows - np.sin(angle) * columns) * stretch_y + shift_y
    x = (np.sin(angle) * rows + np.cos(angle) * columns) * stretch_x + slant * rows + shift_x
    bend = smooth_field(rng.standard_normal((2, n, height, width)))
    y += bend[0] + (height - 1) / 2
    x += bend[1] + (width - 1) / 2
    return fetch(images, y, x) * rng.uniform(0.75, 1.0, (n, 1, 1)).astype(np.float32)


def smooth_field(noise):
    """Gaussian blur along both axes, rescaled so that each displacement keeps the standard deviation BEND_STD."""
    places = np.arange(noise.shape[-1])
    blur = np.exp(-0.5 * ((places[:, None] - places[None, :]) / BEND_SIGMA) ** 2)
    blur /= np.sqrt((blur**2).sum(axis=1, keepdims=True))
    return BEND_STD * (blur @ noise @ blur.T)


def fetch(images, y, x):
    """Bilinear samples of each image at (y, x); outside it is paper (0)."""
    n, height, width = images.shape
    padded = np.pad(images, ((0, 0), (1, 1), (1, 1))).reshape(n, -1)
    y, x = np.clip(y + 1, 0, height + 0.999), np.clip(x + 1, 0, width + 0.999)
    top, left = y.astype(np.int64), x.astype(np.int64)
    dy, dx = (y - top).astype(np.float32), (x - left).astype(np.float32)
    base = (top * (width + 2) + left).reshape(n, -1)

    def at(offset):
        return np.take_along_axis(padded, base + offset, axis=1).reshape(y.shape)

    upper = at(0) * (1 - dx) + at(1) * dx
    lower = at(width + 2) * (1 - dx) + at(width + 3) * dx
    return upper * (1 - dy) + lower * dy
