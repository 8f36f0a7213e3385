"""P-Nets: the one that is shipped, others at random, and what they say by their definition."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ood_face.runtime import Convolution, open_session

WEIGHTS = Path(__file__).resolve().parents[3] / "weights"
SHAPES = ((10, 3, 3, 3), (16, 10, 3, 3), (32, 16, 3, 3), (5, 32, 1, 1))


def session():
    files = (WEIGHTS / "mtcnn" / f"pnet.{end}" for end in ("json", "pdiparams"))
    return open_session(*files, workers=1, threads=1, engine="onednn")


def shipped():
    """Return the layers of the P-Net that is shipped."""
    steps = [step for step in session().graph.steps if isinstance(step, Convolution)]
    return [(step.weight, step.bias, step.slopes) for step in steps]


def made(seed):
    """Return layers at random: also slopes below 0 and above 1."""
    rng = np.random.default_rng(seed)
    layers = []
    for shape in SHAPES:
        weight = rng.normal(0, np.prod(shape[1:]) ** -0.5, shape).astype(np.float32)
        bias = rng.normal(0, 1, shape[0]).astype(np.float32)
        slopes = rng.uniform(-0.5, 1.5, shape[0]).astype(np.float32)
        layers.append((weight, bias, None if shape[0] == 5 else slopes))
    return layers


def plain(layers, pixels):
    """Say by the definition, in float64, what the network says: (N, 5, rows, columns)."""
    values = pixels.astype(np.float64).transpose(0, 3, 1, 2)
    for index, (weight, bias, slopes) in enumerate(layers):
        windows = np.lib.stride_tricks.sliding_window_view(values, weight.shape[2:], axis=(2, 3))
        values = np.einsum("nchwij,fcij->nfhw", windows, weight.astype(np.float64))
        values += bias[:, None, None]
        if slopes is not None:
            values = np.where(values < 0, slopes[:, None, None] * values, values)
        if index == 0:
            count, channels, rows, cols = values.shape
            values = values.reshape(count, channels, rows // 2, 2, cols // 2, 2).max(axis=(3, 5))
    return values
