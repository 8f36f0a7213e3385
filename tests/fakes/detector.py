"""A detector for which bright blocks on a dark ground are faces."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ood_face.detection.settings import check_image
from ood_face.types import DetectedFace

if TYPE_CHECKING:
    from ood_face.types import RgbImage

_BRIGHT = 64
_SMALLEST_PX = 8


class FakeDetector:
    """Every run of columns whose mean is bright is a face as high as the picture."""

    def detect(self, image: RgbImage) -> list[DetectedFace]:
        check_image(image)
        height = image.shape[0]
        bright = image.mean(axis=(0, 2)) >= _BRIGHT
        edges = np.flatnonzero(np.diff(np.concatenate([[False], bright, [False]]).astype(int)))
        faces = [
            _face(int(left), int(right), height)
            for left, right in edges.reshape(-1, 2)
            if right - left >= _SMALLEST_PX
        ]
        return sorted(faces, key=lambda face: face.area_px2, reverse=True)


def _face(left: int, right: int, height: int) -> DetectedFace:
    across = np.array([0.3, 0.7, 0.5, 0.35, 0.65]) * (right - left) + left
    down = np.array([0.4, 0.4, 0.6, 0.8, 0.8]) * height
    return DetectedFace(
        box_xyxy_px=np.array([left, 0, right, height], dtype=np.float32),
        probability=0.99,
        landmarks_px=np.stack([across, down], axis=1).astype(np.float32),
    )
