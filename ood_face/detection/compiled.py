"""The loops over pixels, windows and boxes in C; see :class:`ood_face.detection.loops.Loops`.

Python's lock is given back meanwhile: other pictures go on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ood_face.detection.pyramid import WINDOW_PX
from ood_face.native import library

if TYPE_CHECKING:
    import ctypes

    from numpy.typing import NDArray

    from ood_face.types import RgbImage

__all__ = ["CompiledLoops"]

_NUMBERS_OF_A_CELL = 5


class _Picture:
    def __init__(self, loops: ctypes.CDLL, image: RgbImage) -> None:
        self._loops = loops
        self._image = np.ascontiguousarray(image)
        self.height, self.width = image.shape[:2]
        self._where = (self._image.ctypes.data, self.height, self.width)

    def fill(self, blocks: NDArray[np.void], tile: NDArray[np.float32]) -> None:
        at = (blocks.ctypes.data, len(blocks), tile.ctypes.data, len(tile))
        _check(self._loops.loops_fill(*self._where, *at))

    def look(self, sizes_px: NDArray[np.int64], windows: NDArray[np.int64]) -> NDArray[np.float32]:
        windows = np.ascontiguousarray(windows)
        out = np.empty((len(windows), WINDOW_PX, WINDOW_PX, 3), dtype=np.float32)
        at = (sizes_px.ctypes.data, windows.ctypes.data, len(windows), out.ctypes.data)
        _check(self._loops.loops_look(*self._where, *at))
        return out

    def crops(self, slices: NDArray[np.int64], side_px: int) -> NDArray[np.float32]:
        slices = np.ascontiguousarray(slices)
        out = np.empty((len(slices), side_px, side_px, 3), dtype=np.float32)
        at = (slices.ctypes.data, len(slices), out.ctypes.data, side_px)
        _check(self._loops.loops_crops(*self._where, *at))
        return out


class CompiledLoops:
    """See :class:`ood_face.detection.loops.Loops`.

    Raises
    ------
    NativeMissingError
        The shared library cannot be used.
    """

    def __init__(self) -> None:
        self._loops = library()

    def picture(self, image: RgbImage) -> _Picture:
        """Make a picture ready."""
        return _Picture(self._loops, image)

    def cells_above(
        self, answer: NDArray[np.float32], blocks: NDArray[np.void], lowest: float
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Return the windows of a tile in which the P-Net sees a face."""
        answer = np.ascontiguousarray(answer, dtype=np.float32)
        room = int((blocks["rows"] * blocks["cols"]).sum())
        windows = np.empty((room, 3), dtype=np.int64)
        answers = np.empty((room, _NUMBERS_OF_A_CELL), dtype=np.float32)
        given = (answer.ctypes.data, *answer.shape[1:], blocks.ctypes.data, len(blocks), lowest)
        count = self._loops.loops_cells_above(*given, windows.ctypes.data, answers.ctypes.data)
        return windows[:count].copy(), answers[:count].copy()

    def kept(
        self,
        boxes: NDArray[np.float32],
        order: NDArray[np.int64],
        groups: NDArray[np.int64],
        max_overlap: float,
        *,
        of_smaller: bool,
    ) -> NDArray[np.int64]:
        """Return which boxes are left when each one suppresses those that overlap it too much."""
        boxes = np.ascontiguousarray(boxes, dtype=np.float32)
        order, groups = (np.ascontiguousarray(of, dtype=np.int64) for of in (order, groups))
        kept = np.empty(len(order), dtype=np.int64)
        given = (boxes.ctypes.data, order.ctypes.data, len(order), groups.ctypes.data)
        how = (max_overlap, 1.0 if of_smaller else 0.0, of_smaller)
        return kept[: self._loops.loops_kept(*given, *how, kept.ctypes.data)]


def _check(result: int) -> None:
    if result < 0:
        raise MemoryError
