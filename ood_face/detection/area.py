"""Resize by area: each pixel of the result is the mean of the window it covers.

The windows are whole pixels, from the first to the last one touched, all weighted alike: the
rule of PyTorch's adaptive average pooling, which the networks' reference pipeline uses. OpenCV's
``INTER_AREA`` weights the touched pixels instead; measured, that moves every fifth face's box by
more than a tenth of it.

On a summed-area table any window costs four look-ups, however large it is. The three channels lie
in one 64-bit table, 21 bits apart, so that one look-up serves all three: sums over windows come
out right, whatever wrapped around in the table, as long as no channel's sum needs more than its
21 bits. Larger windows are looked up in one table per channel.

References
----------
Crow 1984, Summed-area tables for texture mapping.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ood_face.types import RgbImage

__all__ = ["PACKED_WINDOW_PX2", "AreaTable", "windows"]

CHANNEL_BITS = 21
CHANNEL_MASK = np.int32(2**CHANNEL_BITS - 1)
# the largest window whose sums fit
PACKED_WINDOW_PX2 = int(CHANNEL_MASK) // 255

_Windows = tuple["NDArray[np.intp]", "NDArray[np.intp]"]


def windows(length: int, count: int, first: int = 0, last: int | None = None) -> _Windows:
    """Return begin and end of the windows ``first`` to ``last`` of ``count`` over ``length``.

    Windows past the last one repeat it.
    """
    index = np.minimum(np.arange(first, count if last is None else last), count - 1)
    return index * length // count, -(-(index + 1) * length // count)


class AreaTable:
    """The summed-area tables of one picture.

    Parameters
    ----------
    image : uint8 array of shape (H, W, 3), RGB
    """

    def __init__(self, image: RgbImage) -> None:
        self.height, self.width = image.shape[:2]
        channels = [cv2.integral(channel) for channel in cv2.split(image)]
        self._channels = [np.asarray(channel, dtype=np.int32) for channel in channels]
        self._packed = self._channels[2].astype(np.int64)
        for channel in (1, 0):
            self._packed <<= CHANNEL_BITS
            self._packed += self._channels[channel]

    def resized(self, rows: _Windows, cols: _Windows, out: NDArray[np.float32]) -> None:
        """Write the means over all windows ``rows`` x ``cols`` into ``out``, (3, rows, cols)."""
        tall, wide = rows[1] - rows[0], cols[1] - cols[0]
        weight = (1.0 / tall).astype(np.float32)[:, None] * (1.0 / wide).astype(np.float32)
        if int(tall.max()) * int(wide.max()) <= PACKED_WINDOW_PX2:
            _unpack(_window_sums(self._packed, rows, cols), weight, out)
        else:
            for channel, table in enumerate(self._channels):
                np.multiply(_window_sums(table, rows, cols), weight, out=out[channel])

    def crops(self, slices: NDArray[np.int64], side_px: int) -> NDArray[np.float32]:
        """Cut out and resize.

        Parameters
        ----------
        slices : int64 array of shape (N, 4): x0, y0, x1, y1, inside the picture, none empty
        side_px : side of the results

        Returns
        -------
        float32 array of shape (N, 3, side_px, side_px)
        """
        out = np.empty((len(slices), 3, side_px, side_px), dtype=np.float32)
        if len(slices) == 0:
            return out
        index = np.arange(side_px)
        low, size = slices[:, :2, None], (slices[:, 2:] - slices[:, :2])[:, :, None]
        begin = low + index * size // side_px
        end = low - (-(index + 1) * size // side_px)
        sides = (end - begin).astype(np.float32)
        weight = 1.0 / (sides[:, 1, :, None] * sides[:, 0, None, :])
        x0, x1 = begin[:, 0, None, :], end[:, 0, None, :]
        y0, y1 = ((self.width + 1) * edge[:, 1, :, None] for edge in (begin, end))
        corners = (y1 + x1, y0 + x1, y1 + x0, y0 + x0)
        if sides.max(axis=2).prod(axis=1).max() <= PACKED_WINDOW_PX2:
            _unpack(_corner_sums(self._packed, corners), weight, out.transpose(1, 0, 2, 3))
        else:
            for channel, table in enumerate(self._channels):
                np.multiply(_corner_sums(table, corners), weight, out=out[:, channel])
        return out


def _window_sums(table: NDArray[np.integer], rows: _Windows, cols: _Windows) -> NDArray[np.integer]:
    # every index is valid; "wrap" skips the pass that checks it
    bands = table.take(rows[1], axis=0, mode="wrap")
    bands -= table.take(rows[0], axis=0, mode="wrap")
    sums = bands.take(cols[1], axis=1, mode="wrap")
    sums -= bands.take(cols[0], axis=1, mode="wrap")
    return sums


def _corner_sums(
    table: NDArray[np.integer], corners: tuple[NDArray[np.int64], ...]
) -> NDArray[np.integer]:
    flat = table.reshape(-1)
    sums = flat.take(corners[0], mode="wrap")
    sums -= flat.take(corners[1], mode="wrap")
    sums -= flat.take(corners[2], mode="wrap")
    sums += flat.take(corners[3], mode="wrap")
    return sums


def _unpack(
    sums: NDArray[np.integer], weight: NDArray[np.float32], out: NDArray[np.float32]
) -> None:
    # out: the channels first; by way of int32, which converts to float32 three times as fast
    for channel in range(3):
        part = sums.astype(np.int32)
        part &= CHANNEL_MASK
        np.multiply(part.astype(np.float32), weight, out=out[channel])
        sums >>= CHANNEL_BITS
