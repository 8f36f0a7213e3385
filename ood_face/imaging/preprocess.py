"""Aligned crops to the network's input."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ood_face.errors import InputError
from ood_face.types import CROP_SIDE_PX

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["preprocess"]

_CROP_SHAPE = (CROP_SIDE_PX, CROP_SIDE_PX, 3)
_HALF_RANGE = np.float32(127.5)


def preprocess(crops: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Scale crops from 0..255 to -1..1 and put the channels first.

    Parameters
    ----------
    crops : uint8 array of shape (N, 112, 112, 3), RGB; N may be 0

    Returns
    -------
    float32 array of shape (N, 3, 112, 112), contiguous

    Raises
    ------
    InputError
        The shape or the type is another.
    """
    if crops.shape[1:] != _CROP_SHAPE or crops.ndim != 1 + len(_CROP_SHAPE):
        raise InputError(
            "crops.shape",
            "expected crops of shape (N, {side}, {side}, 3), got {got}",
            side=CROP_SIDE_PX,
            got=crops.shape,
        )
    if crops.dtype != np.uint8:
        raise InputError("crops.dtype", "expected crops of type uint8, got {got}", got=crops.dtype)
    planes = np.empty((len(crops), 3, CROP_SIDE_PX, CROP_SIDE_PX), np.float32)
    np.subtract(crops.transpose(0, 3, 1, 2), _HALF_RANGE, out=planes)
    planes /= _HALF_RANGE
    return planes
