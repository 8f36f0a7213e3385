"""Pictures in which no face is left: what a detector may let through by mistake."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from ood_face.imaging.degradations import to_pixels

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

__all__ = ["NONFACES", "draw_nonface"]

SIDE_PX = 112
Rng = np.random.Generator


def _noise(_image: NDArray[Any], rng: Rng) -> NDArray[Any]:
    colours = 3 if rng.random() < 0.6 else 1
    pixels = rng.normal(rng.uniform(60, 190), rng.uniform(20, 90), (SIDE_PX, SIDE_PX, colours))
    return to_pixels(np.broadcast_to(pixels, (SIDE_PX, SIDE_PX, 3)))


def _flat(_image: NDArray[Any], rng: Rng) -> NDArray[Any]:
    corners = rng.integers(0, 256, (2, 2, 3)).astype(np.float32)
    if rng.random() < 0.5:
        corners[:] = corners[0, 0]
    plane = cv2.resize(corners, (SIDE_PX, SIDE_PX), interpolation=cv2.INTER_LINEAR)
    return to_pixels(plane + rng.normal(0, rng.uniform(0, 6), plane.shape))


def _texture(_image: NDArray[Any], rng: Rng) -> NDArray[Any]:
    # octaves of smooth noise: cloth, foliage, stone
    total = np.zeros((SIDE_PX, SIDE_PX, 3), np.float32)
    for cells in (3, 7, 14, 28, 56):
        grid = rng.standard_normal((cells, cells, 3)).astype(np.float32)
        weight = rng.uniform(0, 1) / cells ** rng.uniform(0, 0.8)
        total += weight * cv2.resize(grid, (SIDE_PX, SIDE_PX), interpolation=cv2.INTER_CUBIC)
    total = total / (total.std() + 1e-6) * rng.uniform(15, 70) + rng.uniform(60, 190)
    return to_pixels(total)


def _stripes(_image: NDArray[Any], rng: Rng) -> NDArray[Any]:
    rows, columns = np.mgrid[0:SIDE_PX, 0:SIDE_PX].astype(np.float32)
    wave = np.zeros((SIDE_PX, SIDE_PX), np.float32)
    for _ in range(int(rng.integers(1, 4))):
        angle, period = rng.uniform(0, np.pi), rng.uniform(3, 40)
        along = columns * np.cos(angle) + rows * np.sin(angle)
        wave += np.sin(2 * np.pi * along / period + rng.uniform(0, 6))
    colours = rng.integers(0, 256, (2, 3)).astype(np.float32)
    mix = (wave > 0).astype(np.float32) if rng.random() < 0.5 else (np.tanh(wave) + 1) / 2
    picture = mix[..., None] * colours[0] + (1 - mix[..., None]) * colours[1]
    return to_pixels(picture)


def _shapes(_image: NDArray[Any], rng: Rng) -> NDArray[Any]:
    canvas = np.full((SIDE_PX, SIDE_PX, 3), rng.integers(0, 256, 3), np.uint8)
    for _ in range(int(rng.integers(3, 14))):
        colour = tuple(int(v) for v in rng.integers(0, 256, 3))
        centre = tuple(int(v) for v in rng.integers(0, SIDE_PX, 2))
        if rng.random() < 0.5:
            axes = tuple(int(v) for v in rng.integers(4, 50, 2))
            cv2.ellipse(canvas, centre, axes, float(rng.uniform(0, 180)), 0, 360, colour, -1)
        else:
            corners = rng.integers(0, SIDE_PX, (int(rng.integers(3, 6)), 2), np.int32)
            cv2.fillPoly(canvas, [corners], colour)
    return cv2.GaussianBlur(canvas, (0, 0), rng.uniform(0.3, 3))


def _shuffled(image: NDArray[Any], rng: Rng) -> NDArray[Any]:
    cells = int(rng.choice([2, 4, 7, 8]))
    side = SIDE_PX // cells
    patches = image.reshape(cells, side, cells, side, 3).swapaxes(1, 2).reshape(-1, side, side, 3)
    mixed = patches[rng.permutation(len(patches))]
    return mixed.reshape(cells, cells, side, side, 3).swapaxes(1, 2).reshape(image.shape)


def _phase(image: NDArray[Any], rng: Rng) -> NDArray[Any]:
    # the spectrum of a face without its phases: right statistics, no structure
    phases = np.angle(np.fft.fft2(rng.standard_normal((SIDE_PX, SIDE_PX))))[..., None]
    spectrum = np.fft.fft2(image.astype(np.float32), axes=(0, 1))
    mixed = np.fft.ifft2(np.abs(spectrum) * np.exp(1j * (np.angle(spectrum) + phases)), axes=(0, 1))
    return to_pixels(mixed.real)


def _patch(image: NDArray[Any], rng: Rng) -> NDArray[Any]:
    side = int(rng.integers(12, 34))
    top, left = rng.integers(0, SIDE_PX - side, 2)
    part = image[top : top + side, left : left + side]
    return cv2.resize(part, (SIDE_PX, SIDE_PX), interpolation=cv2.INTER_CUBIC)


def _upside_down(image: NDArray[Any], rng: Rng) -> NDArray[Any]:
    turned = image[::-1, ::-1] if rng.random() < 0.7 else image[::-1]
    return np.ascontiguousarray(turned)


def _turned(image: NDArray[Any], rng: Rng) -> NDArray[Any]:
    # further than any aligner leaves a face
    angle_deg = rng.uniform(75, 180) * rng.choice([-1, 1])
    matrix = cv2.getRotationMatrix2D((SIDE_PX / 2, SIDE_PX / 2), float(angle_deg), 1.0)
    return cv2.warpAffine(image, matrix, (SIDE_PX, SIDE_PX), borderMode=cv2.BORDER_REFLECT)


NONFACES: dict[str, Callable[[NDArray[Any], Rng], NDArray[Any]]] = {
    "noise": _noise,
    "flat": _flat,
    "texture": _texture,
    "stripes": _stripes,
    "shapes": _shapes,
    "shuffled": _shuffled,
    "phase": _phase,
    "patch": _patch,
    "upside_down": _upside_down,
    "turned": _turned,
}


def draw_nonface(image: NDArray[np.uint8], rng: Rng) -> NDArray[np.uint8]:
    """Return a picture that is no face, made from nothing or from the ruins of ``image``.

    Parameters
    ----------
    image : uint8 array of shape (112, 112, 3), RGB
    """
    kinds = list(NONFACES.values())
    return np.asarray(kinds[rng.integers(len(kinds))](image, rng), np.uint8)
