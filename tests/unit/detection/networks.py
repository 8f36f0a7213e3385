"""The detector's networks: those that are shipped, others at random, and their definition."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ood_face.runtime import Convolution, open_session
from tests.fakes.processor import processor_has

WEIGHTS = Path(__file__).resolve().parents[3] / "weights"
SHAPES = {
    "pnet": ((10, 3, 3, 3), (16, 10, 3, 3), (32, 16, 3, 3), (5, 32, 1, 1)),
    "rnet": ((28, 3, 3, 3), (48, 28, 3, 3), (64, 48, 2, 2), (128, 64, 3, 3), (5, 128, 1, 1)),
}
# side of the windows that are pooled after a layer, every second one; some reach over the edge
POOLED = {"pnet": {0: 2}, "rnet": {0: 3, 1: 3}}


class Hidden:
    """A network that shows nothing but ``run``."""

    def __init__(self, network):
        self.run = network.run


def has_matrix_unit():
    """Whether this processor has the unit, and all that is used beside it."""
    return processor_has("amx_tile", "amx_bf16", "avx512_bf16", "avx512vl", "avx512bw")


def has_dots():
    """Whether this processor adds up products of integers, 16 sums at once."""
    return processor_has("avx512_vnni", "avx512vl", "avx512bw")


def opened(look, layers):
    """Return what opens a look; None where the processor cannot, and only there.

    A look: what opens it, and whether the processor can, first.
    """
    opens, usable, *_ = look
    network = opens(layers)
    assert (network is not None) == usable()
    return network


def has_avx512():
    """Whether this processor has 16 floats in a register."""
    return processor_has("avx512f")


def answers_of(network, pixels):
    """Return what a network says of pixels whose colours lie together."""
    (answers,) = network.run({"image": pixels.transpose(0, 3, 1, 2)}).values()
    return answers


def session(name, workers=1):
    files = (WEIGHTS / "mtcnn" / f"{name}.{end}" for end in ("json", "pdiparams"))
    return open_session(*files, workers=workers, threads=1, engine="onednn")


def shipped(name):
    """Return the layers of a network that is shipped."""
    steps = [step for step in session(name).graph.steps if isinstance(step, Convolution)]
    return [(step.weight, step.bias, step.slopes) for step in steps]


def made(name, seed):
    """Return layers at random: also slopes below 0 and above 1."""
    rng = np.random.default_rng(seed)
    layers = []
    for shape in SHAPES[name]:
        weight = rng.normal(0, np.prod(shape[1:]) ** -0.5, shape).astype(np.float32)
        bias = rng.normal(0, 1, shape[0]).astype(np.float32)
        slopes = rng.uniform(-0.5, 1.5, shape[0]).astype(np.float32)
        layers.append((weight, bias, None if shape[0] == 5 else slopes))
    return layers


def noisy(count, side_px, seed=0):
    """Return squares of noise, the first ones of a single grey."""
    shape = (count, side_px, side_px, 3)
    pixels = np.random.default_rng(seed).uniform(0, 255, shape).astype(np.float32)
    for index, grey in enumerate((0, 127.5, 255)[:count]):
        pixels[index] = grey
    return pixels


def plain(name, layers, pixels):
    """Say by the definition, in float64, what the network says: (N, 5, rows, columns)."""
    values = pixels.astype(np.float64).transpose(0, 3, 1, 2)
    for index, (weight, bias, slopes) in enumerate(layers):
        windows = np.lib.stride_tricks.sliding_window_view(values, weight.shape[2:], axis=(2, 3))
        values = np.einsum("nchwij,fcij->nfhw", windows, weight.astype(np.float64), optimize=True)
        values += bias[:, None, None]
        if slopes is not None:
            values = np.where(values < 0, slopes[:, None, None] * values, values)
        if side := POOLED[name].get(index):
            values = pooled(values, side)
    return values


def integers(values, bits, zero=0):
    """Round to signed integers of 16 bits, or from their zero to unsigned ones of 8."""
    low, high = (0, 255) if bits == 8 else (-(2**15), 2**15 - 1)
    return np.clip(np.rint(values + np.reshape(zero, (-1, 1, 1))), low, high).astype(np.int64)


def of_integers(layer, values, side=0):
    """Say by the definition what a rounded layer says of integers, before they are rounded."""
    windows = np.lib.stride_tricks.sliding_window_view(values, layer.weights.shape[2:], axis=(2, 3))
    sums = np.einsum("nchwij,fcij->nfhw", windows, layer.weights, optimize=True)
    assert np.abs(sums).max() < 2**31
    said = sums * layer.scale[:, None, None] + layer.bias[:, None, None]
    bent = np.where(said < 0, layer.slopes[:, None, None] * said, said)
    return pooled(bent, side) if side else bent


def pooled(values, side):
    """Return the largest of every second window; what lies beyond the edge does not count."""
    beyond = [(0, 0), (0, 0), *((0, (size - side) % 2) for size in values.shape[2:])]
    values = np.pad(values, beyond, constant_values=-np.inf)
    windows = np.lib.stride_tricks.sliding_window_view(values, (side, side), axis=(2, 3))
    return windows[:, :, ::2, ::2].max(axis=(4, 5))
