"""Pictures for load: portraits on a noisy ground, of any size, as JPEG, PNG or WebP."""

from __future__ import annotations

import io
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from PIL import Image

__all__ = ["PEOPLE", "SHAPES", "Shape", "load_picture", "random_shapes"]

PICTURES = Path(__file__).resolve().parents[1] / "pictures"
# file and the square with the head, left, top, side in pixels
PEOPLE = {
    "astronaut": ("astronaut.jpg", (60, 0, 400)),
    "obama": ("obama_1.jpg", (60, 20, 620)),
    "biden": ("biden_1.jpg", (0, 0, 440)),
}


@dataclass(frozen=True, slots=True)
class Shape:
    """A size and a format, and how often it comes among all."""

    width_px: int
    height_px: int
    encoding: str
    weight: float = 1.0


# Small and middling pictures come from gates and web cameras, large ones from telephones.
SHAPES = (
    Shape(160, 120, "JPEG", 10),
    Shape(320, 240, "JPEG", 12),
    Shape(320, 240, "PNG", 3),
    Shape(640, 480, "JPEG", 30),
    Shape(640, 480, "PNG", 5),
    Shape(640, 480, "WEBP", 5),
    Shape(1280, 720, "JPEG", 12),
    Shape(1280, 720, "WEBP", 3),
    Shape(1920, 1080, "JPEG", 12),
    Shape(1920, 1080, "PNG", 3),
    Shape(4000, 3000, "JPEG", 4),
    Shape(4000, 3000, "WEBP", 1),
)


def random_shapes(count: int, seed: int) -> list[Shape]:
    """Return shapes between 160x120 and 12 megapixels, upright and lying, in all formats.

    Areas are spread evenly over their logarithm. PNG stays below 2 megapixels: a noisy picture
    of more exceeds what a request may bring.
    """
    rng = np.random.default_rng(seed)
    areas_px2 = np.exp(rng.uniform(np.log(160 * 120), np.log(12e6), count))
    ratios = np.exp(rng.uniform(np.log(0.6), np.log(1.8), count))
    shapes = []
    for area_px2, ratio in zip(areas_px2, ratios, strict=True):
        encodings = ("JPEG", "JPEG", "WEBP", "PNG" if area_px2 < 2e6 else "JPEG")
        encoding = encodings[int(rng.integers(len(encodings)))]
        width_px = round(float(np.sqrt(area_px2 * ratio)))
        shapes.append(Shape(width_px, round(float(area_px2) / width_px), encoding))
    return shapes


def load_picture(person: str, shape: Shape) -> bytes:
    """Return the file of a picture in which one person fills most of the shorter side."""
    width_px, height_px = shape.width_px, shape.height_px
    side_px = min(width_px, height_px)
    rng = np.random.default_rng(width_px * height_px)
    ground = np.linspace(90, 150, width_px, dtype=np.float32)[None, :, None]
    pixels = np.broadcast_to(ground, (height_px, width_px, 3)).astype(np.uint8)
    top, left = (height_px - side_px) // 2, (width_px - side_px) // 2
    head = _head(person).resize((side_px, side_px), Image.Resampling.BICUBIC)
    pixels[top : top + side_px, left : left + side_px] = np.asarray(head)
    # as a sensor's: without it, an enlarged portrait is a far smaller file than a photograph
    noise = rng.integers(0, 6, (height_px, width_px, 1), dtype=np.uint8)
    pixels = np.minimum(pixels, 249) + noise
    encoded = io.BytesIO()
    options = {"quality": 88} if shape.encoding != "PNG" else {"compress_level": 1}
    if shape.encoding == "WEBP":
        options["method"] = 0
    Image.fromarray(pixels).save(encoded, shape.encoding, **options)
    return encoded.getvalue()


@cache
def _head(person: str) -> Image.Image:
    name, (left, top, side_px) = PEOPLE[person]
    with Image.open(PICTURES / name) as picture:
        return picture.convert("RGB").crop((left, top, left + side_px, top + side_px))
