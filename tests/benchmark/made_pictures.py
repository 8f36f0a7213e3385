"""The pictures that benchmarks use: those of the tests, and made of them, of fixed sizes."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image, ImageOps
from skimage import data

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["PICTURES", "group", "jpeg", "one_face", "one_face_pictures", "picture"]

PICTURES = Path(__file__).resolve().parents[1] / "pictures"
PORTRAITS = ("astronaut", "biden_1", "obama_2", "obama_3")
GROUP = (*PORTRAITS, "obama_1", "two_people")
GREY = (96, 112, 128)


def jpeg(image: Image.Image) -> bytes:
    """Return a picture as a JPEG file."""
    encoded = io.BytesIO()
    image.save(encoded, "JPEG", quality=92)
    return encoded.getvalue()


def portrait(name: str) -> Image.Image:
    """Return one of the tests' pictures."""
    with Image.open(PICTURES / f"{name}.jpg") as image:
        return image.convert("RGB")


def one_face(name: str) -> Image.Image:
    """Return a 640x480 picture: a portrait in its middle."""
    shown = ImageOps.contain(portrait(name), (640, 480))
    canvas = Image.new("RGB", (640, 480), GREY)
    canvas.paste(shown, ((640 - shown.width) // 2, (480 - shown.height) // 2))
    return canvas


def picture(shift_px: int = 0) -> bytes:
    """Return a 640x480 JPEG with one face: NASA's portrait of an astronaut, moved aside."""
    shown = Image.fromarray(data.astronaut()).crop((0, 0, 512, 480))
    canvas = Image.new("RGB", (640, 480), GREY)
    canvas.paste(shown, (64 + shift_px, 0))
    return jpeg(canvas)


def one_face_pictures() -> dict[str, Image.Image]:
    """Return a 640x480 picture of each portrait, by name."""
    return {f"one_{name}": one_face(name) for name in PORTRAITS}


def group(names: Sequence[str] = GROUP, columns: int = 3) -> Image.Image:
    """Return a picture of all portraits side by side, 320x320 each, in rows."""
    shown = [ImageOps.contain(portrait(name), (320, 320)) for name in names]
    rows = -(-len(shown) // columns)
    canvas = Image.new("RGB", (320 * columns, 320 * rows), GREY)
    for index, each in enumerate(shown):
        row, column = divmod(index, columns)
        canvas.paste(each, (320 * column, 320 * row))
    return canvas
