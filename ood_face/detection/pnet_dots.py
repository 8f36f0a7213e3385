"""The P-Net's first look at a strip of the picture, in integers (:mod:`ood_face.detection.dots`).

``ood_face/native/pnet_dots.c`` is written for exactly this network.
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
from ood_face.detection.native_network import LogitsNetwork, OwnAimed, aligned_room
from ood_face.detection.pyramid import STRIDE_PX, WIDEST_STRIP_PX, WINDOW_PX
from ood_face.detection.registers import made_for
from ood_face.detection.windows import PNET_SHAPES

if TYPE_CHECKING:
    import ctypes
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from ood_face.detection.registers import Layer

__all__ = ["DotsPnet", "open_pnet_dots", "rounded_pnet"]

# filters that it takes together
_SOME_FIRST, _SOME = 5, 8
# a sum of 90 such products has 32 bits
_LARGEST_16, _LARGEST_WEIGHTS = 8191, (2047, 2047, 127)


class DotsPnet(LogitsNetwork):
    """The network, as a :class:`ood_face.ports.Session` and in native loops.

    Parameters
    ----------
    native : the shared library
    layers : the four convolutions
    """

    def __init__(self, native: ctypes.CDLL, layers: Sequence[Layer]) -> None:
        super().__init__(native, native.pnet_dots_entry(), _in_memory(layers))

    def aim(self, image: NDArray[np.float32]) -> OwnAimed:
        """See :class:`ood_face.detection.native_network.Runner`.

        Parameters
        ----------
        image : of shape (1, 3, rows, columns), the pixels of a contiguous (rows, columns, 3) array;
            even numbers of them, of columns up to ``WIDEST_STRIP_PX``. What it is aimed at may have
            another shape afterwards, of no more pixels

        Raises
        ------
        ValueError
            The array is another one.
        """
        pixels = image.transpose(0, 2, 3, 1)
        count, rows, cols, colours = pixels.shape
        sides = rows % 2 == cols % 2 == 0 and min(rows, cols) >= WINDOW_PX
        fits = (count, colours) == (1, 3) and sides and cols <= WIDEST_STRIP_PX
        if not fits or image.dtype != np.float32 or not pixels.flags.c_contiguous:
            raise ValueError(image.dtype, image.shape, image.strides)
        down, across = ((side - WINDOW_PX) // STRIDE_PX + 1 for side in (rows, cols))
        # of as many pixels, a square has more windows than what is long and narrow
        most = np.empty(rows * cols // STRIDE_PX**2, np.float32)
        answer = most[: down * across].reshape(1, 1, down, across)
        room = aligned_room(self._native.pnet_dots_room(rows, cols))
        return self._aimed(pixels, (rows, cols), answer, room)


def open_pnet_dots(layers: Sequence[Layer]) -> DotsPnet | None:
    """Return the P-Net for a first look at strips, or None.

    See :func:`ood_face.detection.dots.unit`, :func:`ood_face.detection.registers.made_for`.
    """
    return made_for(DotsPnet, unit(), layers, PNET_SHAPES)


def rounded_pnet(layers: Sequence[Layer]) -> tuple[list[Rounded], list[Scale]]:
    """Return the first three layers in integers, and what is between them."""
    _, second = ranges(layers[:2], (2, 0))
    between = [Scale.signed(_most(layers[0]), _LARGEST_16), Scale.of_bytes(*second)]
    return rounded_each(layers[:3], between, _LARGEST_WEIGHTS), between


def _in_memory(layers: Sequence[Layer]) -> NDArray[np.int32]:
    # as the struct of the native code
    (first, second, third), between = rounded_pnet(layers)
    zero = between[1].zero
    weight, bias, _ = layers[3]
    face = weight[0, :, 0, 0]
    parts: list[NDArray[np.int32] | NDArray[np.floating]] = [
        _in_blocks(together(numbers_of_pixels(first.weights), PAIR), _SOME_FIRST),
        *(first.scale, first.bias, first.slopes),
        _in_blocks(together(_by_planes(second.weights, PAIR), PAIR), _SOME),
        *(second.scale, second.bias + zero, second.slopes, zero, (1 - second.slopes) * zero),
        _in_blocks(together(_by_planes(third.weights, QUAD), QUAD), _SOME),
        *(third.scale, third.bias, face, face * third.slopes, bias[:1]),
    ]
    return np.concatenate([_in_32_bits(part) for part in parts])


def _in_32_bits(part: NDArray[np.int32] | NDArray[np.floating]) -> NDArray[np.int32]:
    return (part if part.dtype == np.int32 else part.astype(np.float32)).view(np.int32)


def _most(layer: Layer) -> NDArray[np.float32]:
    # what the first layer may say at most, of whatever picture
    weight, bias, slopes = layer
    high = 255 * weight.clip(0).sum((1, 2, 3)) + bias
    low = 255 * weight.clip(None, 0).sum((1, 2, 3)) + bias
    below = low.clip(None, 0) if slopes is None else slopes * low.clip(None, 0)
    most: NDArray[np.float32] = np.maximum(high.clip(0), np.abs(below))
    return most


def _by_planes(weights: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    # (numbers, filters): so many channels of nine cells, then the next channels
    filters = len(weights)
    parts = weights.reshape(filters, -1, count, 9).transpose(1, 3, 2, 0)
    return parts.reshape(-1, filters)


def _in_blocks(taps: NDArray[np.int32], filters: int) -> NDArray[np.int32]:
    # all taps of some filters, then of the next ones
    return taps.reshape(len(taps), -1, filters).transpose(1, 0, 2).reshape(-1)
