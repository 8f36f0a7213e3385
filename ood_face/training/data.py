"""Training faces: mild augmentation, blends of two faces, and random degradations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from ood_face.imaging.degradations import DEGRADATIONS, MAX_SEVERITY, degrade, to_pixels

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["augment", "blend", "degrade_randomly"]

SIDE_PX = 112


def augment(image: NDArray[Any], rng: np.random.Generator) -> NDArray[Any]:
    """Flip, shift, scale, turn and recolour one face mildly, as real alignment varies."""
    if rng.random() < 0.5:
        image = image[:, ::-1]
    angle_deg, scale = rng.normal(0, 4), float(np.exp(rng.normal(0, 0.05)))
    matrix = cv2.getRotationMatrix2D((SIDE_PX / 2, SIDE_PX / 2), angle_deg, scale)
    matrix[:, 2] = matrix[:, 2] + rng.normal(0, 2, 2)
    image = np.ascontiguousarray(image)
    image = cv2.warpAffine(image, matrix, (SIDE_PX, SIDE_PX), borderMode=cv2.BORDER_REFLECT)
    gain, shift = np.exp(rng.normal(0, 0.15)), rng.normal(0, 12)
    tint = rng.normal(1, 0.04, 3)
    recoloured = (image.astype(np.float32) - 127) * (gain * tint) + 127 + shift
    return to_pixels(recoloured)


def blend(image: NDArray[Any], other: NDArray[Any], rng: np.random.Generator) -> NDArray[Any]:
    """Mix two aligned faces pixel by pixel: a new face that no identity owns."""
    weight = rng.uniform(0.3, 0.7)
    return cv2.addWeighted(image, weight, np.ascontiguousarray(other), 1 - weight, 0)


def degrade_randomly(
    image: NDArray[Any], rng: np.random.Generator, max_severity: float = MAX_SEVERITY
) -> tuple[NDArray[Any], float]:
    """Apply one random degradation (two with probability 0.2); return it and its severity."""
    kinds = list(DEGRADATIONS)
    severity = float(rng.uniform(0.6, max_severity))
    image = degrade(image, kinds[rng.integers(len(kinds))], severity, rng)
    if rng.random() < 0.2:
        image = degrade(image, kinds[rng.integers(len(kinds))], float(rng.uniform(0.6, 2.5)), rng)
    return image, severity
