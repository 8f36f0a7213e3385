"""Graded degradations of aligned faces: what bad cameras and bad moments do to a picture.

Every degradation has five severities; severity 1 is visible, severity 5 leaves little
to recognise. Training draws them at random; the conformance suite applies them in order.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

__all__ = ["DEGRADATIONS", "MAX_SEVERITY", "degrade", "to_pixels"]

MAX_SEVERITY = 5
Rng = np.random.Generator

# One value per severity 1..5; fractional severities interpolate between them.
_BLUR_SIGMA_PX = (1.2, 2.2, 3.5, 5.5, 9.0)
_MOTION_LENGTH_PX = (5, 10, 17, 27, 42)
_NOISE_SIGMA = (12, 26, 45, 75, 120)
_JPEG_QUALITY = (25, 14, 8, 4, 1)
_LOW_RES_PX = (40, 26, 17, 11, 7)
_EXPOSURE_STOPS = (1.0, 1.8, 2.6, 3.5, 4.6)
_OCCLUSION_SHARE = (0.14, 0.24, 0.36, 0.50, 0.68)
# past 60 degrees no identity is left to lose, and the score has nowhere to fall to
_ROTATION_DEG = (8, 16, 26, 38, 55)
_CROP_SHARE = (0.85, 0.70, 0.55, 0.40, 0.25)


def to_pixels(values: NDArray[Any]) -> NDArray[np.uint8]:
    """Clip numbers to 0..255 and drop their fractions."""
    return np.asarray(np.clip(values, 0, 255), np.uint8)


def _level(table: tuple[float, ...], severity: float) -> float:
    return float(np.interp(severity, np.arange(1, MAX_SEVERITY + 1), table))


def _blur(image: NDArray[Any], severity: float, _rng: Rng) -> NDArray[Any]:
    return cv2.GaussianBlur(image, (0, 0), _level(_BLUR_SIGMA_PX, severity))


def _motion_blur(image: NDArray[Any], severity: float, rng: Rng) -> NDArray[Any]:
    length = max(3, round(_level(_MOTION_LENGTH_PX, severity)))
    kernel = np.zeros((length, length), np.float32)
    angle = rng.uniform(0, np.pi)
    reach = (length - 1) / 2
    dx, dy = reach * np.cos(angle), reach * np.sin(angle)
    start = (round(reach - dx), round(reach - dy))
    end = (round(reach + dx), round(reach + dy))
    cv2.line(kernel, start, end, 1.0)
    return cv2.filter2D(image, -1, kernel / kernel.sum(), borderType=cv2.BORDER_REFLECT)


def _noise(image: NDArray[Any], severity: float, rng: Rng) -> NDArray[Any]:
    noise = rng.standard_normal(image.shape, np.float32) * _level(_NOISE_SIGMA, severity)
    return to_pixels(image + noise)


def _jpeg(image: NDArray[Any], severity: float, _rng: Rng) -> NDArray[Any]:
    quality = round(_level(_JPEG_QUALITY, severity))
    _, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR))


def _low_resolution(image: NDArray[Any], severity: float, _rng: Rng) -> NDArray[Any]:
    side = round(_level(_LOW_RES_PX, severity))
    small = cv2.resize(image, (side, side), interpolation=cv2.INTER_AREA)
    return cv2.resize(small, image.shape[1::-1], interpolation=cv2.INTER_LINEAR)


def _exposure(image: NDArray[Any], severity: float, rng: Rng) -> NDArray[Any]:
    sign = 1 if rng.random() < 0.5 else -1
    gain = 2.0 ** (sign * _level(_EXPOSURE_STOPS, severity))
    return to_pixels(np.round(image * gain))  # clipping and rounding lose the detail


def _occlusion(image: NDArray[Any], severity: float, rng: Rng) -> NDArray[Any]:
    height, width = image.shape[:2]
    share = _level(_OCCLUSION_SHARE, severity)
    aspect = rng.uniform(0.7, 1.4)
    box_h = min(height, round(height * np.sqrt(share * aspect)))
    box_w = min(width, round(share * height * width / box_h))
    # the face fills the middle of an aligned crop: keep the block on it
    centre = rng.uniform(0.35, 0.65, 2)
    top = int(np.clip(centre[0] * height - box_h / 2, 0, height - box_h))
    left = int(np.clip(centre[1] * width - box_w / 2, 0, width - box_w))
    covered = image.copy()
    covered[top : top + box_h, left : left + box_w] = rng.integers(0, 256, 3)
    return covered


def _rotation(image: NDArray[Any], severity: float, rng: Rng) -> NDArray[Any]:
    height, width = image.shape[:2]
    sign = 1 if rng.random() < 0.5 else -1
    angle_deg = sign * _level(_ROTATION_DEG, severity)
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), angle_deg, 1.0)
    return cv2.warpAffine(image, matrix, (width, height), borderMode=cv2.BORDER_REFLECT)


def _crop(image: NDArray[Any], severity: float, rng: Rng) -> NDArray[Any]:
    height, width = image.shape[:2]
    side = round(min(height, width) * _level(_CROP_SHARE, severity))
    top = int(rng.integers(0, height - side + 1))
    left = int(rng.integers(0, width - side + 1))
    part = image[top : top + side, left : left + side]
    return cv2.resize(part, (width, height), interpolation=cv2.INTER_LINEAR)


DEGRADATIONS: dict[str, Callable[[NDArray[Any], float, Rng], NDArray[Any]]] = {
    "blur": _blur,
    "motion_blur": _motion_blur,
    "noise": _noise,
    "jpeg": _jpeg,
    "low_resolution": _low_resolution,
    "exposure": _exposure,
    "occlusion": _occlusion,
    "rotation": _rotation,
    "crop": _crop,
}


def degrade(image: NDArray[np.uint8], kind: str, severity: float, rng: Rng) -> NDArray[np.uint8]:
    """Degrade one aligned face.

    Parameters
    ----------
    image : uint8 array of shape (H, W, 3), RGB
    kind : one of the keys of ``DEGRADATIONS``
    severity : 1..5, fractions interpolate
    rng : source of the random parts (direction, place, sign), seeded by the caller

    Returns
    -------
    uint8 array of shape (H, W, 3), a new array
    """
    return np.asarray(DEGRADATIONS[kind](image, severity, rng), np.uint8)
