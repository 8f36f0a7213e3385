"""Training faces: mild augmentation, blends of two faces, and random degradations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from ood_face.imaging.degradations import DEGRADATIONS, MAX_SEVERITY, degrade, to_pixels

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["augment", "blend", "degrade_randomly", "frame", "new_face", "turn"]

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


def turn(image: NDArray[Any], rng: np.random.Generator) -> NDArray[Any]:
    """Turn the head aside by 15 to 65 degrees, as if the face were printed on a cylinder.

    What was hidden comes from the mirrored side. The crop is stretched as aligned profiles are:
    their landmarks lie close together, so that the aligner magnifies them.
    """
    yaw = np.deg2rad(rng.uniform(15, 65)) * rng.choice([-1, 1])
    radius_px = rng.uniform(0.42, 0.6) * SIDE_PX
    zoom_x = 1 + rng.uniform(0, 0.8) * abs(np.sin(yaw))
    zoom_y = 1 + rng.uniform(0, 0.35) * abs(np.sin(yaw))
    centre = SIDE_PX / 2
    x = (np.arange(SIDE_PX) - centre) / zoom_x + radius_px * np.sin(yaw) * rng.uniform(0.3, 0.9)
    angle = np.arcsin(np.clip(x / radius_px, -1, 1)) - yaw
    # past the rim of the cylinder the background goes on in a straight line
    beyond = x - np.clip(x, -radius_px, radius_px)
    source_x = centre + radius_px * np.sin(angle) + beyond
    source_y = centre + (np.arange(SIDE_PX) - centre) / zoom_y
    map_x, map_y = np.meshgrid(source_x.astype(np.float32), source_y.astype(np.float32))
    return cv2.remap(image, map_x, map_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)


def frame(image: NDArray[Any], rng: np.random.Generator) -> NDArray[Any]:
    """Blacken what lies outside a tilted frame, as where the photograph ended before the crop."""
    left, top, right, bottom = rng.uniform((22, 40, 22, 40), (100, 100, 100, 100))
    tilt = np.deg2rad(rng.normal(0, 12))
    across = np.array([np.cos(tilt), np.sin(tilt)])
    down = np.array([-across[1], across[0]])
    corners = [(-left, -top), (right, -top), (right, bottom), (-left, bottom)]
    points = np.array([SIDE_PX / 2 + x * across + y * down for x, y in corners])
    inside = np.zeros((SIDE_PX, SIDE_PX, 1), np.uint8)
    cv2.fillConvexPoly(inside, np.round(points).astype(np.int32), (1,))
    return np.asarray(image * inside)


def blend(image: NDArray[Any], other: NDArray[Any], rng: np.random.Generator) -> NDArray[Any]:
    """Mix two aligned faces pixel by pixel: a new face that no identity owns."""
    weight = rng.uniform(0.3, 0.7)
    return cv2.addWeighted(image, weight, np.ascontiguousarray(other), 1 - weight, 0)


def swap_parts(image: NDArray[Any], other: NDArray[Any], rng: np.random.Generator) -> NDArray[Any]:
    """Take a part of the face (eyes, mouth, one half, the middle) from another aligned face."""
    mask = np.zeros((SIDE_PX, SIDE_PX), np.float32)
    kind = rng.integers(4)
    if kind == 0:  # between the nose and the mouth, where ArcFace's template has them
        mask[int(rng.integers(56, 84)) :] = 1
    elif kind == 1:
        mask[:, int(rng.integers(46, 66)) :] = 1
    elif kind == 2:
        top = int(rng.integers(34, 44))
        mask[top : top + int(rng.integers(16, 30))] = 1
    else:
        axes = (int(rng.integers(24, 40)), int(rng.integers(32, 50)))
        cv2.ellipse(mask, (SIDE_PX // 2, 66), axes, 0, 0, 360, (1.0,), -1)
    soft = np.asarray(cv2.GaussianBlur(mask, (0, 0), rng.uniform(2, 7)), np.float32)[..., None]
    return to_pixels(soft * other + (1 - soft) * image)


def reshape_face(image: NDArray[Any], rng: np.random.Generator) -> NDArray[Any]:
    """Bend the picture smoothly, by a few pixels: other proportions, another face."""
    cells = int(rng.integers(3, 6))
    shifts = rng.normal(0, rng.uniform(1.5, 4.5), (cells, cells, 2)).astype(np.float32)
    field = cv2.resize(shifts, (SIDE_PX, SIDE_PX), interpolation=cv2.INTER_CUBIC)
    rows, columns = np.mgrid[0:SIDE_PX, 0:SIDE_PX].astype(np.float32)
    return cv2.remap(
        image,
        columns + field[..., 0],
        rows + field[..., 1],
        cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REFLECT,
    )


def new_face(image: NDArray[Any], other: NDArray[Any], rng: np.random.Generator) -> NDArray[Any]:
    """Make a face that no identity owns, of two aligned faces: mixed, assembled, reshaped."""
    other = np.ascontiguousarray(other[:, ::-1] if rng.random() < 0.5 else other)
    mixed = blend(image, other, rng) if rng.random() < 0.5 else swap_parts(image, other, rng)
    return reshape_face(mixed, rng) if rng.random() < 0.6 else mixed


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
