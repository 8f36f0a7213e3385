"""Resize by area: each pixel of the result is the mean of the window it covers.

The windows are whole pixels, from the first to the last one touched, all weighted alike: the
rule of PyTorch's adaptive average pooling, which the networks' reference pipeline uses. OpenCV's
``INTER_AREA`` weights the touched pixels instead; measured, that moves every fifth face's box by
more than a tenth of it.

On a summed-area table any window costs four look-ups, however large it is. The table is of pixels,
three channels and an empty one, which NumPy looks up as one number. Its bits wrap around; the sum
over a window comes out right all the same, as long as it fits. Most windows are small: their sums
fit 16 bits, and the table is half as large. Larger ones are looked up in a table of 32 bits.

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

__all__ = ["NARROW_WINDOW_PX2", "AreaTable", "spans"]

# of a pixel in memory; the last one is empty
CHANNELS = 4
# the largest window whose sums fit 16 bits
NARROW_WINDOW_PX2 = (2**16 - 1) // 255

_Spans = tuple["NDArray[np.int64]", "NDArray[np.int64]"]


def spans(
    length: NDArray[np.int64] | int, count: NDArray[np.int64] | int, index: NDArray[np.int64]
) -> _Spans:
    """Return begin and end of windows, of ``count`` over ``length``.

    Parameters
    ----------
    length : pixels
    count : windows they are divided into
    index : which of them; those past the last one repeat it
    """
    index = np.minimum(index, count - 1)
    return index * length // count, -(-(index + 1) * length // count)


class AreaTable:
    """The summed-area tables of one picture.

    Parameters
    ----------
    image : uint8 array of shape (H, W, 3), RGB
    """

    def __init__(self, image: RgbImage) -> None:
        self.height, self.width = image.shape[:2]
        pixels = np.zeros((self.height, self.width, CHANNELS), dtype=np.uint8)
        cv2.mixChannels([np.asarray(image)], [pixels], [0, 0, 1, 1, 2, 2])
        sums = np.asarray(cv2.integral(pixels), dtype=np.int32)
        self._wide = _Sums(sums, np.dtype(np.complex128))
        self._narrow = _Sums(sums.astype(np.uint16), np.dtype(np.uint64))

    def means(self, rows: _Spans, cols: _Spans) -> NDArray[np.float32]:
        """Return the means over the windows of parts of the picture.

        Parameters
        ----------
        rows, cols : begin and end of the windows, int64 arrays of shape (N, R) and (N, C)

        Returns
        -------
        float32 array of shape (N, R, C, 3)
        """
        tall, wide = rows[1] - rows[0], cols[1] - cols[0]
        largest = (tall.max(axis=1) * wide.max(axis=1)).max(initial=0)
        table = self._narrow if largest <= NARROW_WINDOW_PX2 else self._wide
        sums = table.over(rows, cols)
        # in rows of numbers: NumPy is slow at an axis of four
        means = sums.reshape(*sums.shape[:2], CHANNELS * sums.shape[2]).astype(np.float32)
        means *= 1.0 / (tall[..., None] * wide.repeat(CHANNELS, axis=1)[:, None]).astype(np.float32)
        return means.reshape(sums.shape)[..., :3]


class _Sums:
    # a table: (H + 1, W + 1, CHANNELS) integers, and the same as one number a pixel, which is
    # looked up and not computed with

    def __init__(self, sums: NDArray[np.integer], pixel: np.dtype[np.generic]) -> None:
        self._kind = sums.dtype
        self._pixels = sums.view(pixel)[..., 0]

    def over(self, rows: _Spans, cols: _Spans) -> NDArray[np.integer]:
        flat = self._pixels.reshape(-1)
        y0, y1 = (self._pixels.shape[1] * edge[:, :, None] for edge in rows)
        x0, x1 = (edge[:, None, :] for edge in cols)
        # every index is valid; "wrap" skips the pass that checks it
        sums = self._parts(flat.take(y1 + x1, mode="wrap"))
        sums -= self._parts(flat.take(y0 + x1, mode="wrap"))
        sums -= self._parts(flat.take(y1 + x0, mode="wrap"))
        sums += self._parts(flat.take(y0 + x0, mode="wrap"))
        return sums

    def _parts(self, pixels: NDArray[np.generic]) -> NDArray[np.integer]:
        return pixels.view(self._kind).reshape(*pixels.shape, CHANNELS)
