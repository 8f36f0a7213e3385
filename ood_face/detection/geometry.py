"""Boxes: moved by what a network says, made square, cut out of the picture."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Rules", "landmarks_in", "moved", "sigmoid", "squared", "visible"]


@dataclass(frozen=True, slots=True)
class Rules:
    """Which boxes a network's answers leave, and where these are then.

    Attributes
    ----------
    least : logit
    overlap : highest intersection over union
    same_level_overlap : the same of two boxes of the same level of the pyramid
    most : boxes that are left
    extra_px : see :func:`moved`
    """

    least: float
    overlap: float
    same_level_overlap: float = 1.0
    most: int = sys.maxsize
    extra_px: float = 1.0


def sigmoid(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return 1 / (1 + exp(-x)) without overflow."""
    return np.asarray(0.5 * (1.0 + np.tanh(0.5 * logits)), dtype=np.float32)


def moved(
    boxes: NDArray[np.float32], offsets: NDArray[np.float32], *, extra_px: float
) -> NDArray[np.float32]:
    """Move each corner by its offset, a share of the box's sides.

    Parameters
    ----------
    boxes, offsets : float32 arrays of shape (N, 4): left, top, right, bottom
    extra_px : added to the sides: 0 after the P-Net, 1 (whole pixels) after the R- and O-Net
    """
    sides = boxes[:, 2:] - boxes[:, :2] + extra_px
    return np.asarray(boxes + offsets * np.tile(sides, 2), dtype=np.float32)


def squared(boxes: NDArray[np.float32]) -> NDArray[np.float32]:
    """Grow each box to a square of its longer side around the same centre."""
    sides = boxes[:, 2:] - boxes[:, :2]
    longer = sides.max(axis=1, keepdims=True)
    corner = boxes[:, :2] + 0.5 * sides - 0.5 * longer
    return np.concatenate([corner, corner + longer], axis=1, dtype=np.float32)


def landmarks_in(boxes: NDArray[np.float32], relative: NDArray[np.float32]) -> NDArray[np.float32]:
    """Turn landmarks relative to boxes, (N, 10) as five x then five y, into pixels (N, 5, 2)."""
    sides = boxes[:, 2:] - boxes[:, :2] + 1
    xy = relative.reshape(-1, 2, 5).transpose(0, 2, 1)
    return np.asarray(xy * sides[:, None, :] + boxes[:, None, :2] - 1, dtype=np.float32)


def visible(boxes: NDArray[np.float32], height: int, width: int) -> NDArray[np.int64]:
    """Return each box's part inside the picture as slices: (N, 4) x0, y0, x1, y1; may be empty.

    Boxes count pixels from 1 and include both ends, the convention the networks were trained with.
    """
    whole = np.trunc(boxes).astype(np.int64)
    low = np.maximum(whole[:, :2], 1) - 1
    high = np.minimum(whole[:, 2:], (width, height))
    return np.concatenate([low, high], axis=1)
