"""Pictures for the fakes, made of blocks."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from pathlib import Path

    from ood_face.types import RgbImage

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"


def picture(
    *widths_px: int, colour: tuple[int, int, int] = (250, 200, 150), height_px: int = 48
) -> RgbImage:
    """Return a dark picture with one bright block, 12 px apart, of each width."""
    image = np.zeros((height_px, 12 + sum(width + 12 for width in widths_px), 3), dtype=np.uint8)
    left = 12
    for width in widths_px:
        image[:, left : left + width] = colour
        left += width + 12
    return image


def png(image: RgbImage) -> bytes:
    """Return a picture as the bytes of a PNG file."""
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "PNG")
    return buffer.getvalue()


def write_people(folder: Path, noise: float) -> Path:
    """Write four aligned faces of each of 24 people, made of 7x7 blocks; return the folder.

    Parameters
    ----------
    folder : gets a folder for each person
    noise : standard deviation of what parts the pictures of a person, grey levels
    """
    rng = np.random.default_rng(1)
    for person in range(24):
        base = rng.integers(60, 200, (7, 7, 3))
        place = folder / f"p{person:02}"
        place.mkdir(parents=True)
        for i in range(4):
            image = np.clip(base + rng.normal(0, noise, (7, 7, 3)), 0, 255).astype(np.uint8)
            (place / f"{i}.png").write_bytes(png(image.repeat(16, axis=0).repeat(16, axis=1)))
    return folder
