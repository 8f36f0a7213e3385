"""The R-Net's first look at crops, in integers (:mod:`ood_face.detection.dots`).

``ood_face/native/rnet_dots.c`` is written for exactly this network.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ood_face.detection.dots import (
    PAIR,
    QUAD,
    Rounded,
    Scale,
    numbers_of_pixels,
    ranges,
    rounded_each,
    together,
    unit,
)
from ood_face.detection.exact_rnet import RNET_SHAPES, RNET_SIDE_PX
from ood_face.detection.native_network import SquaresNetwork
from ood_face.detection.registers import made_for

if TYPE_CHECKING:
    import ctypes
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from ood_face.detection.registers import Layer

__all__ = ["DotsRnet", "open_rnet_dots", "rounded_rnet"]

_LANES = 16
# cells of a side, and quads or pairs of each, where the first and the second pooling leave them
_FIRST, _SECOND, _FLAT = (11, 8), (4, 12), 576
# of the first of these, the last quad is nothing
_QUADS_USED = 7
# a sum of 576 such products has 32 bits; twice what was seen is not cut off
_LARGEST_FLAT, _LARGEST_WEIGHTS, _BEYOND = 4095, (2047, 127, 127, 511), 2.0
# in which order 32 channels lie when two registers of 16 are packed into one
_PACKED = np.arange(2 * _LANES).reshape(2, 4, 4).transpose(1, 0, 2).reshape(-1)


class DotsRnet(SquaresNetwork):
    """The network, as a :class:`ood_face.ports.Session` and in native loops.

    Parameters
    ----------
    native : the shared library
    layers : the three convolutions and the two products
    """

    def __init__(self, native: ctypes.CDLL, layers: Sequence[Layer]) -> None:
        entry, room_bytes = native.rnet_dots_entry(), native.rnet_dots_room()
        super().__init__(native, entry, _in_memory(layers), RNET_SIDE_PX, room_bytes)


def open_rnet_dots(layers: Sequence[Layer]) -> DotsRnet | None:
    """Return the R-Net for a first look at crops, or None.

    See :func:`ood_face.detection.dots.unit`, :func:`ood_face.detection.registers.made_for`.
    """
    return made_for(DotsRnet, unit(), layers, RNET_SHAPES)


def rounded_rnet(layers: Sequence[Layer]) -> tuple[list[Rounded], list[Scale]]:
    """Return the first four layers in integers, and what is between them."""
    first, second, (low, high) = ranges(layers[:3], (3, 3, 0))
    flat = Scale.signed(_BEYOND * np.maximum(-low, high), _LARGEST_FLAT)
    between = [Scale.of_bytes(*first), Scale.of_bytes(*second), flat]
    return rounded_each(layers[:4], between, _LARGEST_WEIGHTS), between


def _in_memory(layers: Sequence[Layer]) -> NDArray[np.int32]:
    # as the struct of the native code
    rounded, between = rounded_rnet(layers)
    first, second, third, fourth = (of.weights for of in rounded)
    weights = [
        together(numbers_of_pixels(first), PAIR),
        together(_by_cells(second, _PACKED, _QUADS_USED * QUAD), QUAD),
        together(_by_cells(third, np.append(_PACKED, np.arange(2 * _LANES, len(second)))), QUAD),
        together(_by_cells(fourth, np.arange(len(third))), PAIR),
    ]
    product, bias, _ = layers[4]
    floats: list[NDArray[np.floating]] = [product[:, :, 0, 0].T, bias[None]]
    floats += [part[None] for of in rounded for part in (of.scale, of.bias, of.slopes)]
    parts = [*map(_whole, weights), *(_whole(part.astype(np.float32)) for part in floats)]
    parts += [_zeros(of.zero).astype(np.int16) for of in between[:2]]
    parts += [np.asarray(where, np.int32) for where in _places()]
    return np.concatenate([part.reshape(-1).view(np.int32) for part in parts])


def _by_cells(
    weights: NDArray[np.int64], order: NDArray[np.int64], used: int | None = None
) -> NDArray[np.int64]:
    # (numbers, filters): cell by cell, its channels in this order, so many of them
    filters, channels = weights.shape[:2]
    whole = np.pad(weights, ((0, 0), (0, len(order) - channels), (0, 0), (0, 0)))
    numbers = whole[:, order[:used]].transpose(2, 3, 1, 0)
    return numbers.reshape(-1, filters)


def _whole(rows: NDArray[np.generic]) -> NDArray[np.generic]:
    # rows of whole registers
    return np.pad(rows, ((0, 0), (0, -rows.shape[1] % _LANES)))


def _zeros(zero: NDArray[np.float64]) -> NDArray[np.float64]:
    # as registers of 16 bits have them; a third one of 32 bits is packed with itself
    first = np.pad(zero, (0, max(0, len(_PACKED) - len(zero))))[_PACKED]
    third = zero[len(_PACKED) :].reshape(-1, 1, 4).repeat(2, axis=1)
    return np.concatenate([first, third.reshape(-1)])


def _places() -> Iterator[list[int]]:
    # of each tap of the four layers, in 32 bits
    rows, pixels = [row * RNET_SIDE_PX for row in range(3)], RNET_SIDE_PX**2
    blue = [pixels + row + col for row in rows[::2] for col in range(3)]
    yield [row + col for row in rows for col in range(3)] + blue
    for side, (cells, quads, used) in ((3, (*_FIRST, _QUADS_USED)), (2, (*_SECOND, _SECOND[1]))):
        yield [
            (row * cells + col) * quads + quad
            for row in range(side)
            for col in range(side)
            for quad in range(used)
        ]
    yield list(range(_FLAT // PAIR))
