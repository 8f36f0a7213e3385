"""Pictures for the fakes, made of bright blocks."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

if TYPE_CHECKING:
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
