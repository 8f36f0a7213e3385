"""What is no acceptable picture is refused with its own key, before any pixel is decoded."""

from __future__ import annotations

import struct
import time
import tracemalloc

import pytest
from PIL import Image

from ood_face.errors import ImageDecodeError, ImageTooLargeError
from ood_face.imaging import decode
from tests.unit.imaging.files import (
    encode,
    jpeg_segment,
    png_chunk,
    png_file,
    png_pixels,
    smooth_picture,
    webp_chunk,
    webp_file,
)

PICTURE = smooth_picture()
FILES = {
    "JPEG": encode(PICTURE, "JPEG"),
    "PNG": encode(PICTURE, "PNG"),
    "WebP": encode(PICTURE, "WEBP"),
    "BMP": encode(PICTURE, "BMP"),
}


def refusal(data: bytes, **limits: int) -> ImageDecodeError:
    with pytest.raises(ImageDecodeError) as caught:
        decode(data, **limits)
    return caught.value


def test_an_empty_file_is_refused():
    error = refusal(b"")
    assert error.key == "image.empty"
    assert str(error) == "the picture is empty (0 bytes)"


def test_bytes_are_limited_before_anything_is_read():
    with pytest.raises(ImageTooLargeError, match="101 bytes, the limit is 100") as caught:
        decode(b"\xff" * 101, max_bytes=100)
    assert caught.value.key == "image.too_many_bytes"
    assert refusal(b"\xff" * 100, max_bytes=100).key == "image.not_an_image"


@pytest.mark.parametrize("name", FILES)
def test_pixels_are_limited_to_the_very_limit(name):
    assert decode(FILES[name], max_pixels=4800).shape == (60, 80, 3)
    with pytest.raises(ImageTooLargeError, match="80x60 px, that is 4800 pixels") as caught:
        decode(FILES[name], max_pixels=4799)
    assert caught.value.key == "image.too_many_pixels"
    assert caught.value.values["limit"] == 4799


@pytest.mark.parametrize(
    "data",
    [
        png_file(20_000, 20_000, 1, 0, png_chunk(b"IDAT", b"\x00" * 100_000)),
        b"\xff\xd8"
        + jpeg_segment(0xC0, struct.pack(">BHHB", 8, 60_000, 60_000, 1) + b"\x01\x11\x00")
        + jpeg_segment(0xDA, b"\x01\x01\x00\x00\x3f\x00")
        + b"\x00" * 100_000
        + b"\xff\xd9",
        webp_file(webp_chunk(b"VP8X", b"\x00" * 4 + b"\xff\xff\xff" * 2)),
        webp_file(webp_chunk(b"VP8L", b"\x2f\xff\xff\xff\x0f" + b"\x00" * 10)),
        webp_file(webp_chunk(b"VP8 ", b"\x00\x00\x00\x9d\x01\x2a\xff\x3f\xff\x3f")),
        b"BM"
        + struct.pack("<IHHI", 54, 0, 0, 54)
        + struct.pack("<IiiHHIIiiII", 40, 40_000, 40_000, 1, 24, 0, 0, 0, 0, 0, 0),
    ],
    ids=["png", "jpeg", "webp-extended", "webp-lossless", "webp-lossy", "bmp"],
)
def test_a_bomb_is_refused_from_its_header(data):
    decode(FILES["PNG"])  # what is loaded once
    tracemalloc.start()
    began = time.process_time()
    try:
        with pytest.raises(ImageTooLargeError) as caught:
            decode(data)
        seconds = time.process_time() - began
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert caught.value.key == "image.too_many_pixels"
    assert seconds < 0.5  # decoding would take several; generous for a busy machine
    assert peak_bytes < 2**20


def test_a_second_png_header_does_not_get_past_the_limit():
    huge = png_chunk(b"IHDR", struct.pack(">IIBBBBB", 20_000, 20_000, 8, 2, 0, 0, 0))
    data = png_file(20, 20, 8, 2, huge, png_pixels(bytes(1200), 60))
    with pytest.raises(ImageTooLargeError):
        decode(data)


def test_a_jpeg_of_endless_scans_is_refused():
    data = FILES["JPEG"]
    start = data.index(b"\xff\xda")
    error = refusal(data[:-2] + data[start:-2] * 100 + b"\xff\xd9")
    assert error.key == "image.too_many_scans"
    assert error.values == {"scans": 101, "limit": 64}


@pytest.mark.parametrize("size", [(1, 1), (15, 400), (400, 15)])
def test_a_tiny_picture_is_refused(size):
    error = refusal(encode(Image.new("RGB", size), "PNG"))
    assert error.key == "image.too_small"
    assert str(error) == f"the picture is {size[0]}x{size[1]} px, at least 16x16 px is needed"


def test_the_smallest_picture_is_accepted():
    assert decode(encode(Image.new("RGB", (16, 16)), "PNG")).shape == (16, 16, 3)


@pytest.mark.parametrize("share", [0.3, 0.6, 0.9, 0.999])
@pytest.mark.parametrize("name", FILES)
def test_a_file_cut_short_is_refused(name, share):
    data = FILES[name]
    error = refusal(data[: int(len(data) * share)])
    assert error.key == "image.truncated"
    assert error.values == {"format": name}


@pytest.mark.parametrize("name", ["JPEG", "PNG", "WebP"])
def test_no_beginning_of_a_file_is_taken_for_the_whole(name):
    data = FILES[name]
    for length in range(1, len(data)):
        assert refusal(data[:length]).key in {
            "image.truncated",
            "image.not_an_image",
            "image.is_text",
        }


@pytest.mark.parametrize(
    "data",
    [
        FILES["PNG"][:50] + b"\x55" + FILES["PNG"][51:],
        png_file(20, 20, 8, 2),
        png_file(20, 20, 8, 2, png_chunk(b"IDAT", b"no zlib stream")),
        FILES["PNG"][:8] + png_chunk(b"IDAT", b"") + FILES["PNG"][8:],
        b"\xff\xd8\xff\xfe\x00\x04ab\xff\xd9",
        webp_file(webp_chunk(b"VP9 ", bytes(20))),
        webp_file(webp_chunk(b"VP8 ", b"\x00\x00\x00\x9d\x01\x2a\x40\x00\x40\x00" + bytes(20))),
        FILES["BMP"][:14] + b"\x07" + FILES["BMP"][15:],
    ],
    ids=[
        "png-checksum",
        "png-empty",
        "png-zlib",
        "png-no-header",
        "jpeg-empty",
        "webp-kind",
        "webp-body",
        "bmp",
    ],
)
def test_a_damaged_file_is_refused(data):
    assert refusal(data).key == "image.damaged"


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (encode(PICTURE, "GIF"), "GIF"),
        (encode(PICTURE, "TIFF"), "TIFF"),
        (encode(PICTURE, "ICO"), "ICO"),
        (b"MM\x00*" + bytes(40), "TIFF"),
        (b"\x00\x00\x00\x20ftypheic" + bytes(40), "HEIC"),
        (b"\x00\x00\x00\x1cftypmif1" + bytes(40), "HEIC"),
        (b"\x00\x00\x00\x20ftypavif" + bytes(40), "AVIF"),
        (b'<svg xmlns="http://www.w3.org/2000/svg"/>', "SVG"),
        (b'\xef\xbb\xbf<?xml version="1.0"?>\n<!-- by hand -->\n<svg width="9">', "SVG"),
        (b"%PDF-1.7\n", "PDF"),
        (b"8BPS\x00\x01" + bytes(40), "PSD"),
        (b"\x00\x00\x00\x0cjP  \r\n\x87\n", "JPEG 2000"),
        (b"\xff\x0a" + bytes(40), "JPEG XL"),
    ],
)
def test_other_formats_are_named(data, name):
    error = refusal(data)
    assert error.key == "image.unsupported_format"
    assert str(error) == f"{name} files are not accepted; send one of: JPEG, PNG, WebP, BMP"


@pytest.mark.parametrize(
    "text", ["hello\n", "a,b\r\n1,2\r\n", "<html><body>404</body></html>", "你好" * 300]
)
def test_text_with_a_picture_name_is_called_text(text):
    assert refusal(text.encode()).key == "image.is_text"


@pytest.mark.parametrize("data", [b"\x00", b"\x7fELF" + bytes(60), b"RIFF\x10\x00\x00\x00WAVEfmt "])
def test_other_bytes_are_called_no_picture(data):
    assert refusal(data).key == "image.not_an_image"


def test_hostile_xml_is_looked_at_in_no_time():
    began = time.process_time()
    assert refusal(b"<!--" * 100_000).key == "image.is_text"
    assert time.process_time() - began < 0.5
