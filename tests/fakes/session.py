"""Networks for the cascade that look for white squares on black ground."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

__all__ = ["FakeOnet", "FakePnet", "FakeRnet"]

# in a window: left eye, right eye, nose, mouth corners; x, then y
LANDMARKS = np.array([0.3, 0.7, 0.5, 0.35, 0.65, 0.4, 0.4, 0.6, 0.8, 0.8], dtype=np.float32)


def _found(crop: NDArray[np.float32]) -> tuple[float, list[float]]:
    # logit and offsets of the white square in a crop: it must be filled, and not touch the rim
    white = crop > 127
    side = len(white)
    rows, cols = np.flatnonzero(white.any(axis=1)), np.flatnonzero(white.any(axis=0))
    if len(rows) == 0 or white[0].any() or white[-1].any():
        return -10.0, [0.0] * 4
    top, bottom, left, right = rows[0], rows[-1] + 1, cols[0], cols[-1] + 1
    filled = float(white[top:bottom, left:right].mean())
    shape = min(bottom - top, right - left) / max(bottom - top, right - left)
    large = (bottom - top) / side > 0.4
    logit = 40 * (filled * shape - 0.8) if large else -10.0
    return logit, [left / side, top / side, right / side - 1, bottom / side - 1]


class _Counting(ABC):
    def __init__(self) -> None:
        self.shapes: list[tuple[int, ...]] = []

    def run(self, inputs: Mapping[str, NDArray[np.float32]]) -> dict[str, NDArray[np.float32]]:
        image = inputs["image"]
        self.shapes.append(image.shape)
        return {"answer": self._answer(image)}

    @abstractmethod
    def _answer(self, image: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return what the network says of an image."""


class FakePnet(_Counting):
    """One answer for each window of 12x12 pixels, two apart."""

    def _answer(self, image: NDArray[np.float32]) -> NDArray[np.float32]:
        windows = np.lib.stride_tricks.sliding_window_view(image[:, 0], (12, 12), axis=(1, 2))
        # where no block lies in a tile there may be anything, no numbers included
        with np.errstate(invalid="ignore", over="ignore"):
            windows = windows[:, ::2, ::2] / 255
            middle = windows[..., 3:-3, 3:-3].mean(axis=(-2, -1))
            inner = windows[..., 1:-1, 1:-1].mean((-2, -1))
            rim = (144 * windows.mean(axis=(-2, -1)) - 100 * inner) / 44
            answer = np.zeros((len(image), 5, *middle.shape[1:]), dtype=np.float32)
            answer[:, 0] = 10 * (middle - rim - 0.6)
        return answer


class FakeRnet(_Counting):
    """One answer per crop, which moves the box around the square and leaves a rim."""

    def _answer(self, image: NDArray[np.float32]) -> NDArray[np.float32]:
        found = [_found(crop[0]) for crop in image]
        rim = np.array([-0.1, -0.1, 0.1, 0.1])
        return np.array([[logit, *(offsets + rim)] for logit, offsets in found], dtype=np.float32)


class FakeOnet(_Counting):
    """One answer per crop, with landmarks relative to the square."""

    def _answer(self, image: NDArray[np.float32]) -> NDArray[np.float32]:
        answer = np.zeros((len(image), 15), dtype=np.float32)
        for row, crop in zip(answer, image, strict=True):
            logit, (left, top, right, bottom) = _found(crop[0])
            row[:5] = logit, left, top, right, bottom
            row[5:10] = left + LANDMARKS[:5] * (1 + right - left)
            row[10:] = top + LANDMARKS[5:] * (1 + bottom - top)
        return answer
