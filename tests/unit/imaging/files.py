"""Picture files made on the fly."""

from __future__ import annotations

import io
import struct
import zlib
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from ood_face.types import RgbImage

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
ORIENTATION_TAG = 0x0112


def smooth_picture(width: int = 80, height: int = 60, seed: int = 0) -> RgbImage:
    """Return a picture without fine detail, so that lossy formats keep it."""
    blocks = np.random.default_rng(seed).integers(30, 226, (4, 5, 3), np.uint8)
    return np.asarray(cv2.resize(blocks, (width, height), interpolation=cv2.INTER_LINEAR), np.uint8)


def encode(picture: Image.Image | RgbImage, file_format: str, **options: Any) -> bytes:
    """Return a picture as the bytes of a file written by Pillow."""
    buffer = io.BytesIO()
    image = picture if isinstance(picture, Image.Image) else Image.fromarray(picture)
    image.save(buffer, file_format, **options)
    return buffer.getvalue()


def exif(orientation: int) -> Image.Exif:
    """Return an EXIF block with only the orientation."""
    block = Image.Exif()
    block[ORIENTATION_TAG] = orientation
    return block


def png_chunk(kind: bytes, body: bytes) -> bytes:
    """Return one PNG chunk with its checksum."""
    checked = kind + body
    return struct.pack(">I", len(body)) + checked + struct.pack(">I", zlib.crc32(checked))


def png_file(width: int, height: int, depth: int, colour: int, *chunks: bytes) -> bytes:
    """Return a PNG file of an own header and the given chunks."""
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    return PNG_SIGNATURE + png_chunk(b"IHDR", header) + b"".join(chunks) + png_chunk(b"IEND", b"")


def png_pixels(rows: bytes, row_bytes: int) -> bytes:
    """Return the IDAT chunk of unfiltered rows."""
    lines = (rows[at : at + row_bytes] for at in range(0, len(rows), row_bytes))
    return png_chunk(b"IDAT", zlib.compress(b"".join(b"\x00" + line for line in lines)))


def webp_chunk(kind: bytes, body: bytes) -> bytes:
    """Return one WebP chunk, padded to an even length."""
    return kind + struct.pack("<I", len(body)) + body + b"\x00" * (len(body) % 2)


def webp_file(*chunks: bytes) -> bytes:
    """Return a WebP file of these chunks."""
    content = b"WEBP" + b"".join(chunks)
    return b"RIFF" + struct.pack("<I", len(content)) + content


def jpeg_segment(code: int, body: bytes) -> bytes:
    """Return one JPEG segment."""
    return bytes([0xFF, code]) + struct.pack(">H", len(body) + 2) + body


def largest_difference(found: RgbImage, expected: RgbImage) -> int:
    """Return the largest difference of two pictures of one shape."""
    assert found.shape == expected.shape
    return int(np.abs(found.astype(int) - expected.astype(int)).max())
