"""The loops over pixels, windows and boxes in NumPy; see :mod:`ood_face.detection.loops`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ood_face.detection import geometry
from ood_face.detection.area import AreaTable, spans
from ood_face.detection.pyramid import STRIDE_PX, WINDOW_PX, side_px

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ood_face.detection.geometry import Rules
    from ood_face.types import RgbImage

__all__ = ["NumpyLoops"]


class _Picture:
    def __init__(self, image: RgbImage) -> None:
        self.height, self.width = image.shape[:2]
        self._table = AreaTable(image)

    def fill(self, blocks: NDArray[np.void], tile: NDArray[np.float32]) -> None:
        for block in blocks:
            down, across = side_px(int(block["rows"])), side_px(int(block["cols"]))
            rows = STRIDE_PX * int(block["level_row"]) + np.arange(down)
            cols = STRIDE_PX * int(block["level_col"]) + np.arange(across)
            (pixels,) = self._table.means(
                spans(self.height, int(block["height_px"]), rows[None]),
                spans(self.width, int(block["width_px"]), cols[None]),
            )
            top, left = STRIDE_PX * int(block["tile_row"]), STRIDE_PX * int(block["tile_col"])
            tile[top : top + down, left : left + across] = pixels

    def look(self, sizes_px: NDArray[np.int64], windows: NDArray[np.int64]) -> NDArray[np.float32]:
        side = np.arange(WINDOW_PX)
        size = sizes_px[windows[:, 0]]
        return self._table.means(
            spans(self.height, size[:, :1], STRIDE_PX * windows[:, 1:2] + side),
            spans(self.width, size[:, 1:], STRIDE_PX * windows[:, 2:] + side),
        )

    def crops(self, slices: NDArray[np.int64], side_px: int) -> NDArray[np.float32]:
        index = np.arange(side_px)
        low, size = slices[:, :2], slices[:, 2:] - slices[:, :2]
        rows, cols = (
            tuple(low[:, axis, None] + edge for edge in spans(size[:, axis, None], side_px, index))
            for axis in (1, 0)
        )
        return self._table.means((rows[0], rows[1]), (cols[0], cols[1]))


class NumpyLoops:
    """See :class:`ood_face.detection.loops.Loops`."""

    def picture(self, image: RgbImage) -> _Picture:
        """Make a picture ready."""
        return _Picture(image)

    def cells_above(
        self, answer: NDArray[np.float32], blocks: NDArray[np.void], lowest: float
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Return the windows of a tile in which the P-Net sees a face."""
        windows, answers = [], []
        for block in blocks:
            top, left = int(block["tile_row"]), int(block["tile_col"])
            part = answer[:, top : top + int(block["rows"]), left : left + int(block["cols"])]
            rows, cols = np.nonzero(part[0] >= lowest)
            level = np.full(len(rows), block["level"])
            down, across = rows + block["level_row"], cols + block["level_col"]
            windows.append(np.stack([level, down, across], axis=1))
            answers.append(part[:, rows, cols].T)
        return np.concatenate(windows), np.concatenate(answers)

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
        corners = boxes.astype(np.float64)
        extra_px = 1.0 if of_smaller else 0.0
        sides = corners[:, 2:] - corners[:, :2] + extra_px
        areas = sides[:, 0] * sides[:, 1]
        kept: list[int] = []
        while len(order):
            best, rest = order[0], order[1:]
            kept.append(int(best))
            low = np.maximum(corners[best, :2], corners[rest, :2])
            high = np.minimum(corners[best, 2:], corners[rest, 2:])
            met = np.maximum(0.0, high - low + extra_px)
            shared = met[:, 0] * met[:, 1]
            whole = areas[best] + areas[rest] - shared
            if of_smaller:
                whole = np.minimum(areas[best], areas[rest])
            # boxes turned inside out by their offsets share nothing, and have areas below zero
            apart = (shared <= max_overlap * whole) | (shared == 0) | (groups[rest] != groups[best])
            order = rest[apart]
        return np.asarray(kept, dtype=np.int64)

    def window_boxes(
        self, windows: NDArray[np.int64], scales: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        """Return the boxes of windows of the pyramid."""
        # single precision: at scale 0.6 every third quotient is whole, and rounding decides
        corner = STRIDE_PX * windows[:, :0:-1].astype(np.float32)
        scale = scales[windows[:, 0]][:, None]
        boxes = np.concatenate([corner + 1, corner + WINDOW_PX], axis=1) / scale
        return np.asarray(np.floor(boxes), np.float32)

    def settled(
        self,
        boxes: NDArray[np.float32],
        answers: NDArray[np.float32],
        rules: Rules,
        levels: NDArray[np.int64] | None = None,
    ) -> NDArray[np.float32]:
        """Return the boxes that a network's answers leave, moved and made square."""
        logits = answers[:, 0]
        sure = np.flatnonzero(logits >= rules.least)
        left = sure[np.argsort(-logits[sure], kind="stable")]
        if levels is not None:
            left = self.kept(boxes, left, levels, rules.same_level_overlap, of_smaller=False)
        left = self.kept(
            boxes, left, np.zeros(len(boxes), np.int64), rules.overlap, of_smaller=False
        )
        left = left[: rules.most]
        return geometry.squared(
            geometry.moved(boxes[left], answers[left, 1:], extra_px=rules.extra_px)
        )

    def inside(
        self, boxes: NDArray[np.float32], height: int, width: int
    ) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """Return the boxes that meet the picture, and what of each is inside it."""
        slices = geometry.visible(boxes, height, width)
        met = (slices[:, 2:] > slices[:, :2]).all(axis=1)
        return boxes[met], slices[met]
