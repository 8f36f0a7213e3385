"""Networks in integers, for processors that add up their products (AVX-512 VNNI).

For a first look: what a network says is off by a little, which :mod:`ood_face.detection.cascade`
allows for. What goes from layer to layer is an integer, too: of 16 bits or, where most products
are, of 8. For these a range has to be chosen, from the least to the most that the layer says of
pictures made at random, of every coarseness and of full contrast.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ood_face.native import library_if_there

if TYPE_CHECKING:
    import ctypes
    from collections.abc import Iterator, Sequence
    from typing import Self

    from numpy.typing import NDArray

    from ood_face.detection.registers import Layer

    Floats = NDArray[np.float32]
    Integers = NDArray[np.int32]

__all__ = [
    "PAIR",
    "PIXELS",
    "QUAD",
    "Rounded",
    "Scale",
    "numbers_of_pixels",
    "ranges",
    "rounded_each",
    "together",
    "unit",
]

# numbers that are multiplied at once, of 16 bits and of 8
PAIR, QUAD = 2, 4
_COARSENESS_PX = (1, 2, 3, 4, 6, 8)
_MADE, _MADE_PX = 10, 24
_BYTE = 255


def unit() -> ctypes.CDLL | None:
    """Return the native library; None: it is not there, or the processor has no such sums."""
    native = library_if_there()
    return native if native is not None and native.dots_usable() else None


@dataclass(frozen=True, slots=True, eq=False)
class Scale:
    """What the integers before or behind a layer stand for.

    Attributes
    ----------
    step : float64 array of shape (channels,): the real number between two integers
    zero : float64 array of shape (channels,): the integer that stands for 0
    """

    step: NDArray[np.float64]
    zero: NDArray[np.float64]

    @classmethod
    def of_bytes(cls, low: Floats, high: Floats) -> Self:
        """Return the scale of 0 to 255 for numbers between these, and 0."""
        low = low.clip(None, 0)
        step = (high.clip(low + 1e-6) - low).astype(np.float64) / _BYTE
        return cls(step, np.rint(-low / step))

    @classmethod
    def signed(cls, most: NDArray[np.float64] | Floats, largest: int) -> Self:
        """Return the scale of integers up to ``largest``, for numbers up to ``most``."""
        step = np.maximum(np.asarray(most, np.float64), 1e-6) / largest
        return cls(step, np.zeros_like(step))


# as native code has them: in 64ths
PIXELS = Scale(np.full(3, 1 / 64), np.zeros(3))


@dataclass(frozen=True, slots=True, eq=False)
class Rounded:
    """A layer in integers.

    Attributes
    ----------
    weights : int64 array of the shape of the layer's weight
    scale, bias : float64 arrays of shape (filters,): ``sum * scale + bias`` is what the layer says
        before its PReLU, in steps of what comes next
    slopes : of the PReLU
    """

    weights: NDArray[np.int64]
    scale: NDArray[np.float64]
    bias: NDArray[np.float64]
    slopes: Floats

    @classmethod
    def of(cls, layer: Layer, given: Scale, largest: int, said: Scale | None = None) -> Self:
        """Round a layer.

        Parameters
        ----------
        layer : the layer
        given : what the layer sees
        largest : weight
        said : what it says, without its zero; None: real numbers
        """
        weight, bias, slopes = layer
        real = weight * given.step[:, None, None]
        step = np.maximum(np.abs(real).max(axis=(1, 2, 3)), 1e-30) / largest
        weights = np.rint(real / step[:, None, None, None]).astype(np.int64)
        moved = bias - step * (weights * given.zero[:, None, None]).sum(axis=(1, 2, 3))
        units = 1.0 if said is None else said.step
        bent = np.ones_like(bias) if slopes is None else slopes
        return cls(weights, step / units, moved / units, bent)


def rounded_each(
    layers: Sequence[Layer], between: Sequence[Scale], largest: Sequence[int]
) -> list[Rounded]:
    """Round layers behind each other; what the last one says are real numbers.

    Parameters
    ----------
    layers : the first one sees pixels
    between : what each but the first one sees
    largest : weight of each
    """
    given, said = [PIXELS, *between], [*between, None]
    return [
        Rounded.of(layer, given[index], largest[index], said[index])
        for index, layer in enumerate(layers)
    ]


def numbers_of_pixels(weights: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return what a 3x3 filter multiplies, in the order of ``dots.h``: (30, filters).

    Red and green of nine pixels; blue of three and of those below, together; blue of the last row,
    and nothing.
    """
    red_green = weights[:, :2].transpose(2, 3, 1, 0).reshape(18, -1)
    blue = weights[:, 2].transpose(1, 2, 0)
    last = np.stack([blue[2], np.zeros_like(blue[2])], axis=1).reshape(6, -1)
    return np.concatenate([red_green, blue[:2].transpose(1, 0, 2).reshape(6, -1), last])


def together(numbers: NDArray[np.int64], count: int) -> Integers:
    """Put each 2 or 4 of the first axis, (N, filters), into 32 bits: (N / count, filters)."""
    parts = numbers.reshape(-1, count, numbers.shape[1]).transpose(0, 2, 1)
    kind = {PAIR: np.int16, QUAD: np.int8}[count]
    joined: Integers = np.ascontiguousarray(parts, kind).view(np.int32)[:, :, 0]
    return joined


def ranges(layers: Sequence[Layer], pooled: Sequence[int]) -> list[tuple[Floats, Floats]]:
    """Return the least and the most that each layer says of the made pictures, (filters,) each.

    Parameters
    ----------
    layers : of a network, the first ones
    pooled : side of the windows, every second one, of which the largest goes on; 0: all go on
    """
    # a few at a time, for little memory
    parts = [
        [(said.min((0, 2, 3)), said.max((0, 2, 3))) for said in _said(layers, pooled, pictures)]
        for pictures in _made_pictures()
    ]
    found = []
    for of_layer in zip(*parts, strict=True):
        lows, highs = zip(*of_layer, strict=True)
        found.append((np.min(lows, axis=0), np.max(highs, axis=0)))
    return found


def _said(layers: Sequence[Layer], pooled: Sequence[int], pictures: Floats) -> Iterator[Floats]:
    values = pictures.transpose(0, 3, 1, 2)
    for (weight, bias, slopes), side in zip(layers, pooled, strict=True):
        windows = np.lib.stride_tricks.sliding_window_view(values, weight.shape[2:], axis=(2, 3))
        sums = np.tensordot(windows, weight, ((1, 4, 5), (1, 2, 3))) + bias
        bent = sums if slopes is None else np.where(sums < 0, sums * slopes, sums)
        values = bent.transpose(0, 3, 1, 2)
        values = _largest(values, side) if side else values
        yield values


def _largest(values: Floats, side: int) -> Floats:
    windows = np.lib.stride_tricks.sliding_window_view(values, (side, side), axis=(2, 3))
    largest: Floats = windows[:, :, ::2, ::2].max(axis=(4, 5))
    return largest


def _made_pictures() -> Iterator[Floats]:
    # noise of every coarseness: grey or in colours, of all brightnesses or black and white
    rng = np.random.default_rng(0)
    for px in _COARSENESS_PX:
        cells = -(-_MADE_PX // px)
        for colours in (1, 3):
            noise = rng.random((2, _MADE, cells, cells, colours), np.float32)
            noise[1] = noise[1] > 1 / 2
            large = noise.reshape(-1, cells, cells, colours).repeat(px, 1).repeat(px, 2)
            shape = (len(large), _MADE_PX, _MADE_PX, 3)
            yield 255 * np.broadcast_to(large[:, :_MADE_PX, :_MADE_PX], shape)
