"""What people can mend about a picture: too dark, too bright, blurred, small, turned away."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

import cv2
import numpy as np

from ood_face.imaging.arrays import check_crops

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ood_face.types import DetectedFace

__all__ = ["PictureFault", "picture_faults"]

# Measured on 250 crops of CFP, drawn at random, as they are and after ``degrade``. The mean of
# 99 % of them is above 46, and half of those darkened at severity 2 are below 40; less than 17 %
# of the pixels are nearly white in 99 %, and more than 60 % in half of those brightened.
_DARK_BELOW = 45.0
_WHITE = 235
_WHITE_SHARE_ABOVE = 0.35
# 99 % are above 177, 95 % of those blurred at severity 1 below 106
_SHARPNESS_BELOW = 100.0
# of 150 frontal faces 99 % are at most 0.12 off, of 142 profiles 95 % more than 0.32
_OFF_CENTRE_ABOVE = 0.25
# a crop is 112 pixels wide: less than half of them are the camera's
_SMALL_BELOW_PX = 56.0
# the part of a crop that is hardly ever hair or background
_FACE = (slice(28, 100), slice(24, 88))


class PictureFault(StrEnum):
    """What is wrong with the picture of a face."""

    SMALL = "small"
    DARK = "dark"
    BRIGHT = "bright"
    BLURRED = "blurred"
    TURNED = "turned"


def picture_faults(crop: NDArray[np.uint8], face: DetectedFace) -> tuple[PictureFault, ...]:
    """Return what is wrong with the picture of a face, in the order of :class:`PictureFault`.

    It explains a low score to people; the score itself comes from the model alone. Nothing found
    does not mean that the picture is good: a covered face is not told here.

    Parameters
    ----------
    crop : uint8 array of shape (112, 112, 3), RGB: the aligned face
    face : where it was found
    """
    check_crops(crop[np.newaxis])
    grey = cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY)
    left, top, right, bottom = (float(edge) for edge in face.box_xyxy_px)
    middle = grey[_FACE]
    dark = float(middle.mean()) < _DARK_BELOW
    bright = float((middle > _WHITE).mean()) > _WHITE_SHARE_ABOVE
    small = min(right - left, bottom - top) < _SMALL_BELOW_PX
    found = {
        PictureFault.SMALL: small,
        PictureFault.DARK: dark,
        PictureFault.BRIGHT: bright,
        # what is small, dark or bleached looks blurred for that reason
        PictureFault.BLURRED: not (small or dark or bright)
        and float(cv2.Laplacian(grey, cv2.CV_64F).var()) < _SHARPNESS_BELOW,
        PictureFault.TURNED: _off_centre(face) > _OFF_CENTRE_ABOVE,
    }
    return tuple(fault for fault, there in found.items() if there)


def _off_centre(face: DetectedFace) -> float:
    """Return how far the nose lies from the middle between the eyes, in distances of the eyes."""
    points = face.landmarks_px.astype(np.float64)
    across = points[1] - points[0]
    span = float(across @ across)
    if span <= 0:
        return 0.0
    return abs(float((points[2] - points[0]) @ across) / span - 0.5)
