"""Checks of the arrays a caller hands in, and a fixed one to try a network with."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ood_face.errors import InputError
from ood_face.types import CROP_SIDE_PX

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ood_face.types import RgbImage

__all__ = ["check_crops", "check_image", "colour_ramps"]


def check_image(image: RgbImage) -> None:
    """Refuse what is no picture.

    Raises
    ------
    InputError
        It is no uint8 array of shape (H, W, 3), or an empty one.
    """
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or image.size == 0:
        raise InputError(
            "image.array",
            "a picture must be a uint8 array of shape (H, W, 3), this is {dtype} {shape}",
            dtype=image.dtype,
            shape=image.shape,
        )


def check_crops(crops: NDArray[np.uint8]) -> None:
    """Refuse what are no aligned faces.

    Raises
    ------
    InputError
        They are no uint8 array of shape (N, 112, 112, 3).
    """
    if crops.dtype != np.uint8 or crops.shape[1:] != (CROP_SIDE_PX, CROP_SIDE_PX, 3):
        raise InputError(
            "crops.array",
            "crops must be a uint8 array of shape (N, {side}, {side}, 3), this is {dtype} {shape}",
            side=CROP_SIDE_PX,
            dtype=crops.dtype,
            shape=crops.shape,
        )


def colour_ramps() -> NDArray[np.uint8]:
    """Return a fixed crop of colour ramps, uint8 (112, 112, 3), to try a network with."""
    ramp = np.linspace(0, 255, CROP_SIDE_PX)
    down, across = np.meshgrid(ramp, ramp, indexing="ij")
    return np.stack([down, across, (down + across) / 2], axis=-1).astype(np.uint8)
