"""Resize by area: each pixel of the result is the mean of the window it covers.

The windows are whole pixels, from the first to the last one touched, all weighted alike: the
rule of PyTorch's adaptive average pooling, which the networks' reference pipeline uses. OpenCV's
``INTER_AREA`` weights the touched pixels instead; that moves every fifth face's box by several
per cent. On summed-area tables any window costs four look-ups, however large it is.

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

__all__ = ["AreaTable", "windows"]


def windows(
    length: int, count: int, first: int = 0, last: int | None = None
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return begin and end of the windows ``first`` to ``last`` of ``count`` over ``length``.

    Windows past the last one repeat it.
    """
    index = np.minimum(np.arange(first, count if last is None else last), count - 1)
    return index * length // count, -(-(index + 1) * length // count)


class AreaTable:
    """The summed-area tables of one picture, one per channel.

    Parameters
    ----------
    image : uint8 array of shape (H, W, 3), RGB
    """

    def __init__(self, image: RgbImage) -> None:
        self.height, self.width = image.shape[:2]
        # sums may wrap around in very large pictures; differences of two sums do not notice
        self._sums = np.stack([cv2.integral(channel) for channel in cv2.split(image)])

    def resized(
        self,
        rows: tuple[NDArray[np.intp], NDArray[np.intp]],
        cols: tuple[NDArray[np.intp], NDArray[np.intp]],
        out: NDArray[np.float32],
    ) -> None:
        """Write the means over all windows ``rows`` x ``cols`` into ``out``, (3, rows, cols)."""
        bands = self._sums[:, rows[1]] - self._sums[:, rows[0]]
        sums = bands.take(cols[1], axis=2)
        sums -= bands.take(cols[0], axis=2)
        tall = (1.0 / (rows[1] - rows[0])).astype(np.float32)
        wide = (1.0 / (cols[1] - cols[0])).astype(np.float32)
        np.multiply(sums, tall[:, None] * wide, out=out)

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
        index = np.arange(side_px)
        low, size = slices[:, :2, None], (slices[:, 2:] - slices[:, :2])[:, :, None]
        begin = low + index * size // side_px
        end = low - (-(index + 1) * size // side_px)
        stride = self.width + 1
        x0, x1 = begin[:, 0, None, :], end[:, 0, None, :]
        y0, y1 = begin[:, 1, :, None] * stride, end[:, 1, :, None] * stride
        weight = (1.0 / ((x1 - x0) * ((y1 - y0) // stride))).astype(np.float32)
        corners = [y1 + x1, y0 + x1, y1 + x0, y0 + x0]
        out = np.empty((len(slices), 3, side_px, side_px), dtype=np.float32)
        for channel, table in enumerate(self._sums):
            flat = table.reshape(-1)
            sums = flat.take(corners[0])
            sums -= flat.take(corners[1])
            sums -= flat.take(corners[2])
            sums += flat.take(corners[3])
            np.multiply(sums, weight, out=out[:, channel])
        return out
