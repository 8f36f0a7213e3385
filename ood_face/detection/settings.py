"""What a detector looks for, and what every detector does alike: check, scale, choose."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ood_face.detection.pyramid import WINDOW_PX
from ood_face.detection.shrinking import shrunk
from ood_face.errors import InputError
from ood_face.types import DetectedFace

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ood_face.types import RgbImage

__all__ = ["MtcnnSettings", "check_image", "chosen_faces", "scaled_down"]


@dataclass(frozen=True, slots=True)
class MtcnnSettings:
    """What the detector looks for.

    Attributes
    ----------
    min_face_px, min_face_share : the smallest face sought is the larger of ``min_face_px`` and
        ``min_face_share`` times the picture's shorter side
    max_side_px : a larger picture is scaled down to this for detection; None: never
    thresholds : lowest face probability after the P-, R- and O-Net
    factor : ratio of one pyramid level to the one before
    min_probability : lowest face probability returned
    max_faces : at most so many faces, the largest, are returned; None: all
    max_candidates : at most so many windows go from the P-Net to the R-Net
    """

    min_face_px: int = 24
    min_face_share: float = 0.05
    max_side_px: int | None = 1280
    thresholds: tuple[float, float, float] = (0.6, 0.7, 0.7)
    factor: float = 0.709
    min_probability: float = 0.9
    max_faces: int | None = 32
    max_candidates: int = 2000

    def __post_init__(self) -> None:
        limits = {
            "min_face_px": self.min_face_px >= 12,
            "min_face_share": 0 <= self.min_face_share <= 1,
            "max_side_px": self.max_side_px is None or self.max_side_px >= 12,
            "thresholds": len(self.thresholds) == 3 and all(0 < t < 1 for t in self.thresholds),
            "factor": 0.1 <= self.factor <= 0.95,
            "min_probability": 0 <= self.min_probability <= 1,
            "max_faces": self.max_faces is None or self.max_faces >= 1,
            "max_candidates": self.max_candidates >= 1,
        }
        for name, fits in limits.items():
            if not fits:
                raise InputError(
                    "detection.bad_setting",
                    "the detector setting {name} is out of range: {value}",
                    name=name,
                    value=getattr(self, name),
                )

    def min_face_seen_px(self, image: RgbImage, ratio: float) -> float:
        """Return the smallest face sought in ``image``, in pixels of the scaled-down picture.

        Parameters
        ----------
        image : the picture as it came
        ratio : pixels of it in one pixel of the scaled-down one
        """
        shorter = float(min(image.shape[:2]))
        wanted = max(float(self.min_face_px), self.min_face_share * shorter)
        return max(wanted / ratio, float(WINDOW_PX))


def check_image(image: RgbImage) -> None:
    """Refuse what is no picture.

    Raises
    ------
    InputError
        Not a uint8 array of shape (H, W, 3) with at least one pixel.
    """
    fits = isinstance(image, np.ndarray) and image.dtype == np.uint8 and image.ndim == 3
    if not fits or image.shape[2] != 3 or image.size == 0:
        raise InputError(
            "detection.bad_image",
            "a picture must be a uint8 array of shape (height, width, 3), got {got}",
            got=f"{image.dtype} {image.shape}"
            if isinstance(image, np.ndarray)
            else type(image).__name__,
        )


def scaled_down(image: RgbImage, max_side_px: int | None) -> tuple[RgbImage, float]:
    """Return the picture the networks see, and how many original pixels one of its pixels is."""
    longer = max(image.shape[:2])
    if max_side_px is None or longer <= max_side_px:
        return np.ascontiguousarray(image), 1.0
    ratio = longer / max_side_px
    height, width = (max(1, round(side / ratio)) for side in image.shape[:2])
    return shrunk(image, height, width), ratio


def chosen_faces(
    boxes: NDArray[np.float32],
    probabilities: NDArray[np.float32],
    landmarks: NDArray[np.float32],
    ratio: float,
    settings: MtcnnSettings,
) -> list[DetectedFace]:
    """Return the probable enough faces in the original's pixels, largest first, not too many.

    Parameters
    ----------
    boxes, probabilities, landmarks : float32 arrays of shape (N, 4), (N,), (N, 5, 2), in pixels
        of the scaled-down picture
    ratio : original pixels in one of these
    settings : lowest probability, highest number
    """
    faces = [
        DetectedFace(box * ratio, probability, points * ratio)
        for box, probability, points in zip(boxes, probabilities.tolist(), landmarks, strict=True)
        if probability >= settings.min_probability
    ]
    faces.sort(key=lambda face: face.area_px2, reverse=True)
    return faces[: settings.max_faces]
