"""Reading a picture file's container: what it is, how large, which way up, whether complete.

Only the container is walked here, no pixel is decoded, so that every limit can be checked
first. What the pixel decoder does not need (EXIF, colour profiles, texts, previews, animation)
is left out of the payload it gets.
"""

from __future__ import annotations

import re
import struct
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from ood_face.errors import ImageDecodeError
from ood_face.imaging.exif import UPRIGHT, read_orientation

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = [
    "ACCEPTED",
    "MAX_JPEG_SCANS",
    "Container",
    "ImageFormat",
    "damaged_error",
    "read_container",
    "truncated_error",
]

ImageFormat = Literal["JPEG", "PNG", "WebP", "BMP"]
ACCEPTED = "JPEG, PNG, WebP, BMP"

# Encoders write about 10 scans. Every scan of a progressive JPEG costs a pass over all its
# coefficients however few bytes it has, so that a small file could take hours.
MAX_JPEG_SCANS = 64

_PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_PNG_PIXEL_CHUNKS = {b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND"}

_WEBP_PIXEL_CHUNKS = {b"VP8X", b"VP8 ", b"VP8L", b"ALPH", b"ANIM", b"ANMF"}
_WEBP_ALPHA_OR_ANIMATION = 0x12

_SOI, _EOI, _SOS, _APP0, _APP1, _APP14, _COM = 0xD8, 0xD9, 0xDA, 0xE0, 0xE1, 0xEE, 0xFE
_JPEG_STANDALONE = {0x01, *range(0xD0, 0xD8), _SOI, _EOI}
_JPEG_FRAMES = set(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
# JFIF (APP0) and Adobe (APP14) say what the colours mean; the other APPn are metadata
_JPEG_METADATA = {_COM, *range(_APP0, _APP0 + 16)} - {_APP0, _APP14}
_JPEG_MARKER = re.compile(rb"\xff[^\x00\xff]", re.DOTALL)
_JPEG_MARKER_AFTER_PIXELS = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]", re.DOTALL)

_UNSUPPORTED = (
    (re.compile(rb"GIF8[79]a"), "GIF"),
    (re.compile(rb"II[*+]\x00|MM\x00[*+]"), "TIFF"),
    (re.compile(rb"(?s).{4}ftypavi[fs]"), "AVIF"),
    (re.compile(rb"(?s).{4}ftyp(?:hei|hev|mif1|msf1)"), "HEIC"),
    (re.compile(rb"\xff\x0a|\x00{3}\x0cJXL \r\n\x87\n"), "JPEG XL"),
    (re.compile(rb"\x00{3}\x0cjP  \r\n\x87\n|\xff\x4f\xff\x51"), "JPEG 2000"),
    (re.compile(rb"%PDF-"), "PDF"),
    (re.compile(rb"8BPS"), "PSD"),
    (re.compile(rb"\x00\x00\x01\x00"), "ICO"),
    (
        re.compile(rb"(?s)(?:\xef\xbb\xbf)?\s*(?=<(?:svg|\?xml|!--|!DOCTYPE svg)).*?<svg[\s>]"),
        "SVG",
    ),
)
_SNIFFED_BYTES = 1024


@dataclass(frozen=True, slots=True)
class Container:
    """A picture file taken apart.

    Attributes
    ----------
    image_format : what it is, by content
    size_px : width and height as stored, where the header was read here; None: BMP
    orientation : EXIF orientation, 1..8
    payload : a file of the same format with only what the pixels need
    """

    image_format: ImageFormat
    size_px: tuple[int, int] | None
    orientation: int
    payload: bytes


def read_container(data: bytes) -> Container:
    """Take a picture file apart without decoding it.

    Raises
    ------
    ImageDecodeError
        The bytes are no picture of an accepted format, are cut short, or are damaged.
    """
    if data.startswith(b"\xff\xd8\xff"):
        return _read_jpeg(data)
    if data.startswith(_PNG_SIGNATURE):
        return _read_png(data)
    if data.startswith(b"RIFF") and data[8:12] == b"WEBP":
        return _read_webp(data)
    if data.startswith(b"BM"):
        return Container("BMP", None, UPRIGHT, data)
    raise _refusal(data)


def truncated_error(image_format: ImageFormat) -> ImageDecodeError:
    """Return the error for a file that was cut short."""
    return ImageDecodeError(
        "image.truncated",
        "the {format} file ends before the picture is complete; send the whole file",
        format=image_format,
    )


def damaged_error(image_format: ImageFormat) -> ImageDecodeError:
    """Return the error for a file whose content is broken or of a kind nobody writes."""
    return ImageDecodeError(
        "image.damaged",
        "the {format} file is damaged or of an unusual kind and can't be read",
        format=image_format,
    )


def _refusal(data: bytes) -> ImageDecodeError:
    head = data[:_SNIFFED_BYTES]
    for pattern, name in _UNSUPPORTED:
        if pattern.match(head):
            return ImageDecodeError(
                "image.unsupported_format",
                "{format} files are not accepted; send one of: {accepted}",
                format=name,
                accepted=ACCEPTED,
            )
    if _is_text(head):
        return ImageDecodeError(
            "image.is_text",
            "the file holds text, not a picture; send one of: {accepted}",
            accepted=ACCEPTED,
        )
    return ImageDecodeError(
        "image.not_an_image",
        "the file is not a picture that can be recognised; send one of: {accepted}",
        accepted=ACCEPTED,
    )


def _is_text(head: bytes) -> bool:
    # a multi-byte character may be cut at the end of the head: up to 3 bytes are forgiven
    text = head.decode("utf-8", errors="replace").rstrip("\N{REPLACEMENT CHARACTER}")
    return (
        bool(text)
        and all(char.isprintable() or char in "\t\r\n\f\ufeff" for char in text)
        and ("\N{REPLACEMENT CHARACTER}" not in text)
    )


def _jpeg_segments(data: bytes) -> Iterator[tuple[int, int, int, int]]:
    # marker code, and where the segment (with what lies before it), its body, the next begin
    position, after_pixels, code = 2, False, _SOI
    while code != _EOI:
        pattern = _JPEG_MARKER_AFTER_PIXELS if after_pixels else _JPEG_MARKER
        marker = pattern.search(data, position)
        if marker is None:
            raise truncated_error("JPEG")
        code, body = data[marker.start() + 1], marker.end()
        length = 0 if code in _JPEG_STANDALONE else int.from_bytes(data[body : body + 2])
        end = body + length
        if end > len(data):
            raise truncated_error("JPEG")
        yield code, position, body, end
        position, after_pixels = end, after_pixels or code == _SOS


def _read_jpeg(data: bytes) -> Container:
    kept = [data[:2]]
    size_px: tuple[int, int] | None = None
    orientation, scans = UPRIGHT, 0
    for code, begin, body, end in _jpeg_segments(data):
        if code in _JPEG_FRAMES and end - body >= 8:
            height, width = struct.unpack_from(">HH", data, body + 3)
            size_px = (width, height)
        elif code == _APP1 and orientation == UPRIGHT:
            orientation = read_orientation(data[body + 2 : end])
        elif code == _SOS:
            scans += 1
        if code not in _JPEG_METADATA:
            kept.append(data[begin:end])
    if scans > MAX_JPEG_SCANS:
        raise ImageDecodeError(
            "image.too_many_scans",
            "the JPEG file has {scans} scans, the limit is {limit}",
            scans=scans,
            limit=MAX_JPEG_SCANS,
        )
    if size_px is None or not scans:
        raise damaged_error("JPEG")
    return Container("JPEG", size_px, orientation, b"".join(kept))


def _read_png(data: bytes) -> Container:
    kept = [_PNG_SIGNATURE]
    orientation, position = UPRIGHT, len(_PNG_SIGNATURE)
    kind = b""
    while kind != b"IEND":
        if position + 12 > len(data):
            raise truncated_error("PNG")
        (length,) = struct.unpack_from(">I", data, position)
        kind = data[position + 4 : position + 8]
        end = position + 12 + length
        if end > len(data):
            raise truncated_error("PNG")
        if kind in _PNG_PIXEL_CHUNKS:
            checksum = zlib.crc32(memoryview(data)[position + 4 : end - 4])
            if checksum != int.from_bytes(data[end - 4 : end]):
                raise damaged_error("PNG")
            kept.append(data[position:end])
        elif kind == b"eXIf":
            orientation = read_orientation(data[position + 8 : end - 4])
        position = end
    if len(kept) == 1 or kept[1][4:8] != b"IHDR" or len(kept[1]) != 25:
        raise damaged_error("PNG")
    width, height = struct.unpack_from(">II", kept[1], 8)
    return Container("PNG", (width, height), orientation, b"".join(kept))


def _read_webp(data: bytes) -> Container:
    if len(data) < 30:  # shorter than any header with a size in it
        raise truncated_error("WebP")
    end = 8 + int.from_bytes(data[4:8], "little")
    if end > len(data):
        raise truncated_error("WebP")
    orientation, position = UPRIGHT, 12
    chunks: list[bytes] = []
    while position + 8 <= end:
        kind = data[position : position + 4]
        length = int.from_bytes(data[position + 4 : position + 8], "little")
        if position + 8 + length > end:
            raise truncated_error("WebP")
        if kind == b"EXIF":
            orientation = read_orientation(data[position + 8 : position + 8 + length])
        elif kind in _WEBP_PIXEL_CHUNKS:
            chunks.append(data[position : position + 8 + length])
        position += 8 + length + length % 2
    size_px = _webp_size_px(data[12:30])
    alone = _lone_picture(chunks, size_px)
    return Container("WebP", size_px, orientation, data if alone is None else alone)


def _lone_picture(chunks: list[bytes], size_px: tuple[int, int]) -> bytes | None:
    # a file with the picture's chunk alone, where there is one picture and no layer of alpha
    if chunks and chunks[0][:4] == b"VP8X":
        flags = int.from_bytes(chunks[0][8:9])
        chunks = [] if flags & _WEBP_ALPHA_OR_ANIMATION else chunks[1:]
    if len(chunks) != 1 or chunks[0][:4] not in (b"VP8 ", b"VP8L"):
        return None
    picture = chunks[0] + b"\x00" * (len(chunks[0]) % 2)
    if len(picture) < 18 or _webp_size_px(picture) != size_px:
        return None
    return b"RIFF" + (4 + len(picture)).to_bytes(4, "little") + b"WEBP" + picture


def _webp_size_px(chunk: bytes) -> tuple[int, int]:
    # RFC 9649: the first chunk holds the size, in a different way in each of its three kinds
    kind, body = chunk[:4], chunk[8:18]
    if kind == b"VP8X":
        return 1 + int.from_bytes(body[4:7], "little"), 1 + int.from_bytes(body[7:10], "little")
    if kind == b"VP8L" and body[0] == 0x2F:
        bits = int.from_bytes(body[1:5], "little")
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    if kind == b"VP8 " and body[3:6] == b"\x9d\x01\x2a":
        width, height = struct.unpack_from("<HH", body, 6)
        return width & 0x3FFF, height & 0x3FFF
    raise damaged_error("WebP")
