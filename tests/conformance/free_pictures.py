"""Faces and things in free pictures: enough of them to judge a score by its means."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
from skimage import data

from ood_face.imaging import align, decode

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ood_face.service import FaceService

PICTURES = Path(__file__).parents[1] / "pictures"
FACES = ("astronaut", "biden_1", "obama_1", "obama_2", "obama_3")
PEOPLE = (0, 1, 2, 2, 2)
VARIANTS = 6
# of scikit-image's pictures those that show no face and come with the package
THINGS = (
    "brick",
    "chelsea",
    "clock",
    "coffee",
    "coins",
    "grass",
    "gravel",
    "horse",
    "hubble_deep_field",
    "immunohistochemistry",
    "moon",
    "page",
    "retina",
    "rocket",
    "text",
)
CUTS = 3


def faces(service: FaceService) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Return crops (N, 112, 112, 3) of a few people, each moved, scaled and mirrored, and who.

    The moves are as small as a detector's own uncertainty, so that all of them are good faces.
    """
    rng = np.random.default_rng(4)
    crops = []
    for name in FACES:
        image = decode((PICTURES / f"{name}.jpg").read_bytes())
        points = service.detect(image)[0].landmarks_px
        size = float(np.linalg.norm(points[1] - points[0]))
        for variant in range(VARIANTS):
            centre = points.mean(axis=0)
            scale, shift = rng.uniform(0.97, 1.03), rng.uniform(-0.03, 0.03, 2) * size
            moved = (points - centre) * scale + centre + shift
            crop = align(image, moved.astype(np.float32))
            crops.append(crop[:, ::-1] if variant % 2 else crop)
    return np.ascontiguousarray(np.stack(crops)), np.repeat(PEOPLE, VARIANTS).astype(np.int64)


def things() -> NDArray[np.uint8]:
    """Return pieces (N, 112, 112, 3) of pictures without a face."""
    rng = np.random.default_rng(4)
    found = []
    for name in THINGS:
        image = np.asarray(getattr(data, name)())
        if image.dtype == bool:
            image = image.astype(np.uint8) * 255
        image = np.repeat(image[..., None], 3, axis=2) if image.ndim == 2 else image[..., :3]
        for _ in range(CUTS):
            side = int(min(image.shape[:2]) * rng.uniform(0.4, 1))
            top, left = (int(rng.integers(0, space - side + 1)) for space in image.shape[:2])
            piece = np.ascontiguousarray(image[top : top + side, left : left + side])
            found.append(cv2.resize(piece, (112, 112), interpolation=cv2.INTER_AREA))
    return np.stack(found).astype(np.uint8)
