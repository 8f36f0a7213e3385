"""Bytes of a picture file to RGB pixels, with every limit checked before decoding.

Ordinary JPEGs and WebPs go short ways (:mod:`ood_face.imaging.jpeg`, :mod:`ood_face.imaging.webp`);
Pillow decodes everything else, and says what is wrong with what is damaged.
"""

from __future__ import annotations

import io
import struct
import zlib
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from PIL import BmpImagePlugin, Image, JpegImagePlugin, PngImagePlugin, WebPImagePlugin

from ood_face.errors import ImageDecodeError, ImageTooLargeError
from ood_face.imaging.containers import damaged_error, read_container, truncated_error
from ood_face.imaging.exif import turn_upright
from ood_face.imaging.jpeg import ordinary_jpeg
from ood_face.imaging.webp import ordinary_webp

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray
    from PIL import ImageFile

    from ood_face.imaging.containers import Container, ImageFormat
    from ood_face.types import RgbImage

__all__ = ["MAX_IMAGE_BYTES", "MAX_IMAGE_PIXELS", "MIN_SIDE_PX", "decode"]

MAX_IMAGE_BYTES = 15 * 2**20
MAX_IMAGE_PIXELS = 50_000_000
MIN_SIDE_PX = 16
_BAND_BYTES = 2**17

# The plugins themselves, not Image.open: it would try other formats, and its bomb check works
# through a process-wide limit and a warning. Ours came before.
_OPENERS: dict[ImageFormat, Callable[[io.BytesIO], ImageFile.ImageFile]] = {
    "JPEG": JpegImagePlugin.JpegImageFile,
    "PNG": PngImagePlugin.PngImageFile,
    "WebP": WebPImagePlugin.WebPImageFile,
    "BMP": BmpImagePlugin.BmpImageFile,
}
# Fuzzing (10^5 broken files) found OSError, SyntaxError and ValueError; the others stand in
# Pillow's readers and are not caught there.
_PILLOW_ERRORS = (
    AssertionError,
    EOFError,
    LookupError,
    OSError,
    OverflowError,
    SyntaxError,
    TypeError,
    ValueError,
    struct.error,
    zlib.error,
)


def decode(
    data: bytes, *, max_bytes: int = MAX_IMAGE_BYTES, max_pixels: int = MAX_IMAGE_PIXELS
) -> RgbImage:
    """Decode a JPEG, PNG, WebP or BMP file, upright, onto a white ground.

    The format is told by content. EXIF orientation is applied, transparency is laid on white,
    16-bit values are scaled to 8, of an animation the first picture is taken. Colour profiles
    are not applied. Safe to call from several threads.

    Parameters
    ----------
    data : the file's bytes
    max_bytes, max_pixels : limits, checked before any pixel is decoded

    Returns
    -------
    uint8 array of shape (H, W, 3), RGB, at least 16 pixels on each side

    Raises
    ------
    ImageTooLargeError
        The file or the picture exceeds a limit.
    ImageDecodeError
        The bytes are empty, no picture, of another format, cut short, damaged or too small.
    """
    if not data:
        raise ImageDecodeError("image.empty", "the picture is empty (0 bytes)")
    if len(data) > max_bytes:
        raise ImageTooLargeError(
            "image.too_many_bytes",
            "the picture has {size} bytes, the limit is {limit}",
            size=len(data),
            limit=max_bytes,
        )
    container = read_container(data)
    if container.size_px is not None:
        _check_size(container.size_px, max_pixels)
    return turn_upright(_pixels(container, max_pixels), container.orientation)


def _check_size(size_px: tuple[int, int], max_pixels: int) -> None:
    width, height = size_px
    if width * height > max_pixels:
        raise ImageTooLargeError(
            "image.too_many_pixels",
            "the picture is {width}x{height} px, that is {pixels} pixels, the limit is {limit}",
            width=width,
            height=height,
            pixels=width * height,
            limit=max_pixels,
        )
    if min(width, height) < MIN_SIDE_PX:
        raise ImageDecodeError(
            "image.too_small",
            "the picture is {width}x{height} px, at least {limit}x{limit} px is needed",
            width=width,
            height=height,
            limit=MIN_SIDE_PX,
        )


def _pixels(container: Container, max_pixels: int) -> NDArray[np.uint8]:
    image_format = container.image_format
    pixels: NDArray[np.uint8] | None = None
    if image_format == "JPEG":
        pixels = ordinary_jpeg(container.payload, partial(_check_size, max_pixels=max_pixels))
    elif image_format == "WebP":
        pixels = ordinary_webp(container.payload)
    if pixels is not None:
        return pixels
    try:
        with _OPENERS[image_format](io.BytesIO(container.payload)) as picture:
            # what Pillow is going to decode counts, should it read the header differently
            _check_size(picture.size, max_pixels)
            picture.load()
            return _to_rgb(picture)
    except _PILLOW_ERRORS as exc:
        if "truncated" in str(exc).lower():
            raise truncated_error(image_format) from exc
        raise damaged_error(image_format) from exc


def _to_rgb(picture: Image.Image) -> NDArray[np.uint8]:
    if picture.mode.startswith("I"):
        return _from_16_bit_grey(picture)
    if picture.mode in ("LA", "PA", "RGBA") or "transparency" in picture.info:
        layered = picture.convert("RGBA")
        flat = Image.new("RGB", picture.size, "white")
        flat.paste(layered, mask=layered.getchannel("A"))
    else:
        flat = picture if picture.mode == "RGB" else picture.convert("RGB")
    return _array_of(flat)


def _array_of(picture: Image.Image) -> NDArray[np.uint8]:
    """Return the pixels of an RGB picture; in bands, for Pillow hands all out in many small parts.

    Of 12 megapixels that would be 36 MB in parts of 64 KiB, and twice as much again to join them.
    """
    width, height = picture.size
    pixels = np.empty((height, width, 3), np.uint8)
    rows = max(1, _BAND_BYTES // (3 * width))
    for top in range(0, height, rows):
        bottom = min(top + rows, height)
        pixels[top:bottom] = np.asarray(picture.crop((0, top, width, bottom)))
    return pixels


def _from_16_bit_grey(picture: Image.Image) -> NDArray[np.uint8]:
    values = np.asarray(picture).astype(np.uint32)
    grey = ((values * 255 + 32767) // 65535).astype(np.uint8)
    transparent = picture.info.get("transparency")
    if transparent is not None:
        grey[values == transparent] = 255
    return np.repeat(grey[..., np.newaxis], 3, axis=2)
