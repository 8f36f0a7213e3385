"""The loops over pixels, windows and boxes in C; see :mod:`ood_face.detection.loops`.

Python's lock is given back meanwhile, but for boxes: other pictures go on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ood_face.detection.pyramid import WINDOW_PX
from ood_face.native import library

if TYPE_CHECKING:
    import ctypes

    from numpy.typing import NDArray

    from ood_face.detection.geometry import Rules
    from ood_face.types import RgbImage

__all__ = ["CELL", "CompiledLoops", "CompiledPicture", "windows_of"]

# a window as scan.c has it: the window begins behind its tile, and a number is left at the end
CELL = np.dtype([("tile", np.int64), ("window", np.int64, 3), ("said", np.float32, 6)])
_NUMBERS = 5


class CompiledPicture:
    """See :class:`ood_face.detection.loops.Picture`.

    Attributes
    ----------
    native : the shared library
    where : what its functions take as the picture
    """

    def __init__(self, native: ctypes.CDLL, image: RgbImage) -> None:
        self.native = native
        self._image = np.ascontiguousarray(image)
        self.height, self.width = image.shape[:2]
        self.where = (self._image.ctypes.data, self.height, self.width)

    def fill(self, blocks: NDArray[np.void], tile: NDArray[np.float32]) -> None:
        """Write the blocks of a tile of the pyramid."""
        at = (blocks.ctypes.data, len(blocks), tile.ctypes.data, tile.shape[1])
        _check(self.native.loops_fill(*self.where, *at))

    def look(self, sizes_px: NDArray[np.int64], windows: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return what is in single windows of the pyramid."""
        windows = np.ascontiguousarray(windows)
        out = np.empty((len(windows), WINDOW_PX, WINDOW_PX, 3), dtype=np.float32)
        at = (sizes_px.ctypes.data, windows.ctypes.data, len(windows), out.ctypes.data)
        _check(self.native.loops_look(*self.where, *at))
        return out

    def crops(self, slices: NDArray[np.int64], side_px: int) -> NDArray[np.float32]:
        """Cut out and resize."""
        slices = np.ascontiguousarray(slices)
        out = np.empty((len(slices), side_px, side_px, 3), dtype=np.float32)
        at = (slices.ctypes.data, len(slices), out.ctypes.data, side_px)
        _check(self.native.loops_crops(*self.where, *at))
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

    def picture(self, image: RgbImage) -> CompiledPicture:
        """Make a picture ready."""
        return CompiledPicture(self._loops, image)

    def cells_above(
        self, answer: NDArray[np.float32], blocks: NDArray[np.void], lowest: float
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Return the windows of a tile in which the P-Net sees a face."""
        answer = np.ascontiguousarray(answer, dtype=np.float32)
        cells = np.empty(int((blocks["rows"] * blocks["cols"]).sum()), CELL)
        given = (answer.ctypes.data, *answer.shape[1:], blocks.ctypes.data, len(blocks), lowest)
        count = self._loops.scan_cells_above(*given, cells.ctypes.data, len(cells))
        return windows_of(cells[:count].copy())

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
        return kept[: self._loops.boxes_kept(*given, *how, kept.ctypes.data)]

    def window_boxes(
        self, windows: NDArray[np.int64], scales: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        """Return the boxes of windows of the pyramid."""
        windows = np.ascontiguousarray(windows)
        boxes = np.empty((len(windows), 4), np.float32)
        given = (windows.ctypes.data, len(windows), scales.ctypes.data)
        self._loops.boxes_of_windows(*given, boxes.ctypes.data)
        return boxes

    def settled(
        self,
        boxes: NDArray[np.float32],
        answers: NDArray[np.float32],
        rules: Rules,
        levels: NDArray[np.int64] | None = None,
    ) -> NDArray[np.float32]:
        """Return the boxes that a network's answers leave, moved and made square."""
        boxes, answers = np.ascontiguousarray(boxes), np.ascontiguousarray(answers)
        groups = None if levels is None else np.ascontiguousarray(levels)
        most = min(rules.most, len(boxes))
        placed = np.empty((most, 4), np.float32)
        count = self._loops.boxes_settled(
            *(boxes.ctypes.data, answers.ctypes.data, len(boxes)),
            None if groups is None else groups.ctypes.data,
            *(rules.least, rules.same_level_overlap, rules.overlap, most, rules.extra_px),
            placed.ctypes.data,
        )
        _check(count)
        return placed[:count]

    def inside(
        self, boxes: NDArray[np.float32], height: int, width: int
    ) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """Return the boxes that meet the picture, and what of each is inside it."""
        boxes = np.ascontiguousarray(boxes)
        met, slices = np.empty_like(boxes), np.empty(boxes.shape, np.int64)
        given = (boxes.ctypes.data, len(boxes), height, width)
        count = self._loops.boxes_inside(*given, met.ctypes.data, slices.ctypes.data)
        return met[:count], slices[:count]


def windows_of(cells: NDArray[np.void]) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Return windows and answers, see :meth:`ood_face.detection.loops.Loops.cells_above`."""
    return cells["window"], cells["said"][:, :_NUMBERS]


def _check(result: int) -> None:
    if result < 0:
        raise MemoryError
