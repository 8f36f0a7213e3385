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
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from ood_face.types import RgbImage

__all__ = ["CHANNELS", "NARROW_WINDOW_PX2", "AreaTable", "windows"]

# of a pixel in memory; the last one is empty
CHANNELS = 4
# the largest window whose sums fit 16 bits
NARROW_WINDOW_PX2 = (2**16 - 1) // 255
# so much of the table at once stays in the processor's cache
BAND_BYTES = 192 * 1024

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
        pixels = np.zeros((self.height, self.width, CHANNELS), dtype=np.uint8)
        cv2.mixChannels([np.asarray(image)], [pixels], [0, 0, 1, 1, 2, 2])
        sums = np.asarray(cv2.integral(pixels), dtype=np.int32)
        self._wide = _Sums(sums, np.dtype(np.complex128))
        self._narrow = _Sums(sums.astype(np.uint16), np.dtype(np.uint64))

    def resized(
        self, rows: _Windows, cols: _Windows, targets: Sequence[tuple[int, NDArray[np.float32]]]
    ) -> None:
        """Write the means over windows ``rows`` x ``cols`` where they are wanted.

        Parameters
        ----------
        rows, cols : the windows
        targets : first column, and a float32 array of shape (rows, some columns, CHANNELS) that
            takes those from there on
        """
        tall, wide = rows[1] - rows[0], cols[1] - cols[0]
        table = self._of(int(tall.max()) * int(wide.max()))
        per_row = (1.0 / tall).astype(np.float32)[:, None]
        per_col = (1.0 / wide).astype(np.float32).repeat(CHANNELS)
        step = max(1, BAND_BYTES // table.row_bytes)
        for top in range(0, len(tall), step):
            part = slice(top, top + step)
            sums = table.over((rows[0][part], rows[1][part]), cols)
            # in rows of numbers: NumPy is slow at an axis of four
            means = sums.reshape(len(sums), -1).astype(np.float32)
            means *= per_row[part] * per_col
            pixels = means.view(np.complex128)
            for left, target in targets:
                whole = target.view(np.complex128)[..., 0]
                whole[part] = pixels[:, left : left + target.shape[1]]

    def crops(self, slices: NDArray[np.int64], side_px: int) -> NDArray[np.float32]:
        """Cut out and resize.

        Parameters
        ----------
        slices : int64 array of shape (N, 4): x0, y0, x1, y1, inside the picture, none empty
        side_px : side of the results

        Returns
        -------
        float32 array of shape (N, 3, side_px, side_px), the channels of a pixel side by side
        """
        index = np.arange(side_px)
        low, size = slices[:, :2, None], (slices[:, 2:] - slices[:, :2])[:, :, None]
        begin = low + index * size // side_px
        end = low - (-(index + 1) * size // side_px)
        sides = (end - begin).astype(np.float32)
        table = self._of(int(sides.max(axis=2).prod(axis=1).max(initial=0)))
        sums = table.at(begin, end)
        # in rows of numbers: NumPy is slow at an axis of four
        means = sums.reshape(len(sums), side_px, CHANNELS * side_px).astype(np.float32)
        means *= 1.0 / (sides[:, 1, :, None] * sides[:, 0, None, :].repeat(CHANNELS, axis=2))
        return means.reshape(*sums.shape)[..., :3].transpose(0, 3, 1, 2)

    def _of(self, window_px2: int) -> _Sums:
        return self._narrow if window_px2 <= NARROW_WINDOW_PX2 else self._wide


class _Sums:
    # a table: (H + 1, W + 1, CHANNELS) integers, and the same as one number a pixel, which is
    # looked up and not computed with

    def __init__(self, sums: NDArray[np.integer], pixel: np.dtype[np.generic]) -> None:
        self._kind = sums.dtype
        self._pixel = pixel
        self._pixels = sums.view(pixel)[..., 0]

    @property
    def row_bytes(self) -> int:
        return int(self._pixels[0].nbytes)

    def over(self, rows: _Windows, cols: _Windows) -> NDArray[np.integer]:
        # every index is valid; "wrap" skips the pass that checks it
        bands = self._parts(self._pixels.take(rows[1], axis=0, mode="wrap"))
        bands -= self._parts(self._pixels.take(rows[0], axis=0, mode="wrap"))
        whole = bands.view(self._pixel)[..., 0]
        sums = self._parts(whole.take(cols[1], axis=1, mode="wrap"))
        sums -= self._parts(whole.take(cols[0], axis=1, mode="wrap"))
        return sums

    def at(self, begin: NDArray[np.int64], end: NDArray[np.int64]) -> NDArray[np.integer]:
        # begin, end: (N, 2, side), x then y
        flat = self._pixels.reshape(-1)
        x0, x1 = begin[:, 0, None, :], end[:, 0, None, :]
        y0, y1 = (self._pixels.shape[1] * edge[:, 1, :, None] for edge in (begin, end))
        sums = self._parts(flat.take(y1 + x1, mode="wrap"))
        sums -= self._parts(flat.take(y0 + x1, mode="wrap"))
        sums -= self._parts(flat.take(y1 + x0, mode="wrap"))
        sums += self._parts(flat.take(y0 + x0, mode="wrap"))
        return sums

    def _parts(self, pixels: NDArray[np.generic]) -> NDArray[np.integer]:
        return pixels.view(self._kind).reshape(*pixels.shape, CHANNELS)
