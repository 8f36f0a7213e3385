"""Every format, mode and orientation decodes to the pixels that went in."""

from __future__ import annotations

import concurrent.futures
import io

import cv2
import numpy as np
import pytest
from PIL import Image, ImageFile, ImageOps

from ood_face.imaging import decode
from tests.unit.imaging.files import (
    encode,
    exif,
    jpeg_segment,
    largest_difference,
    png_chunk,
    png_file,
    png_pixels,
    smooth_picture,
)

PICTURE = smooth_picture()
# lossless formats give the very pixels; the lossy ones stay within what their tables round away
FORMATS = {
    "jpeg": ("JPEG", {"quality": 95, "subsampling": 0}, 6),
    "jpeg-progressive": ("JPEG", {"quality": 95, "subsampling": 0, "progressive": True}, 6),
    "png": ("PNG", {}, 0),
    "webp-lossless": ("WEBP", {"lossless": True}, 0),
    "webp": ("WEBP", {"quality": 95}, 20),
    "bmp": ("BMP", {}, 0),
}


@pytest.mark.parametrize(("file_format", "options", "tolerance"), FORMATS.values(), ids=FORMATS)
def test_every_format_gives_the_picture_back(file_format, options, tolerance):
    found = decode(encode(PICTURE, file_format, **options))
    assert found.dtype == np.uint8
    assert found.flags.c_contiguous
    assert found.flags.writeable
    assert largest_difference(found, PICTURE) <= tolerance


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("file_format", ["JPEG", "PNG", "WEBP"])
def test_every_orientation_is_turned_as_pillow_does(file_format, orientation):
    options = {"quality": 95} if file_format == "JPEG" else {"lossless": True}
    data = encode(PICTURE, file_format, exif=exif(orientation), **options)
    stored = Image.fromarray(decode(encode(PICTURE, file_format, **options)))
    stored.getexif()[0x0112] = orientation
    expected = np.asarray(ImageOps.exif_transpose(stored))
    assert largest_difference(decode(data), expected) == 0


@pytest.mark.parametrize("size", [(1001, 131), (16, 9000), (50_000, 16)])
def test_a_large_picture_is_whole(size):
    width, height = size
    pixels = np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "BMP")
    assert np.array_equal(decode(stream.getvalue()), pixels)


@pytest.mark.parametrize("mode", ["1", "L", "P", "LA", "RGBA"])
def test_png_modes_match_their_rgb(mode):
    picture = Image.fromarray(PICTURE).convert(mode)
    expected = np.asarray(picture.convert("RGB"))
    assert largest_difference(decode(encode(picture, "PNG")), expected) == 0


@pytest.mark.parametrize("mode", ["1", "L", "P"])
def test_bmp_modes_match_their_rgb(mode):
    picture = Image.fromarray(PICTURE).convert(mode)
    expected = np.asarray(picture.convert("RGB"))
    assert largest_difference(decode(encode(picture, "BMP")), expected) == 0


def test_grey_jpeg_has_three_equal_channels():
    found = decode(encode(Image.fromarray(PICTURE).convert("L"), "JPEG"))
    assert found.shape == PICTURE.shape
    assert (found == found[..., :1]).all()


@pytest.mark.parametrize("depth", [1, 2, 4])
def test_grey_of_few_bits_reaches_black_and_white(depth):
    width, levels = 16, 2**depth
    values = np.tile(np.arange(width) % levels, (16, 1))
    bits = "".join(f"{value:0{depth}b}" for value in values.ravel())
    rows = int(bits, 2).to_bytes(len(bits) // 8)
    found = decode(png_file(width, 16, depth, 0, png_pixels(rows, width * depth // 8)))
    assert largest_difference(found[..., 0], (values * 255 // (levels - 1)).astype(np.uint8)) == 0


def test_16_bit_grey_is_scaled_not_clipped():
    values = np.linspace(0, 65535, 80 * 60).round().astype(np.uint16).reshape(60, 80)
    found = decode(encode(Image.fromarray(values), "PNG"))
    assert np.abs(found[..., 0] - values / 257).max() <= 0.5
    assert (found == found[..., :1]).all()


@pytest.mark.parametrize("channels", [3, 4])
def test_16_bit_colour_is_scaled_not_clipped(channels):
    values = np.random.default_rng(0).integers(0, 65536, (32, 40, channels), np.uint16)
    values[..., 3:] = 65535
    bgr = values[..., [2, 1, 0, 3][:channels]]
    written, data = cv2.imencode(".png", bgr)
    assert written
    assert np.abs(decode(data.tobytes()) - values[..., :3] / 257).max() < 1


@pytest.mark.parametrize("file_format", ["PNG", "WEBP"])
def test_alpha_lies_on_white(file_format):
    layered = np.dstack([PICTURE, np.full(PICTURE.shape[:2], 128, np.uint8)])
    layered[:20, :, 3] = 0
    layered[40:, :, 3] = 255
    found = decode(encode(layered, file_format, lossless=True, exact=True))
    alpha = layered[..., 3:] / 255
    assert np.abs(found - (alpha * PICTURE + (1 - alpha) * 255)).max() <= 1
    assert (found[:20] == 255).all()


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB"])
def test_a_transparent_colour_lies_on_white(mode):
    picture = Image.new(mode, (20, 20))
    data = encode(picture, "PNG", transparency=(0, 0, 0) if mode == "RGB" else 0)
    assert (decode(data) == 255).all()


@pytest.mark.parametrize(("colour", "channels"), [(0, 1), (2, 3)])
def test_a_transparent_16_bit_colour_is_accepted(colour, channels):
    pixels = png_pixels(b"\x12\x34" * channels * 400, 40 * channels)
    found = decode(png_file(20, 20, 16, colour, png_chunk(b"tRNS", b"\x12\x34" * channels), pixels))
    assert found.shape == (20, 20, 3)
    assert len(np.unique(found)) == 1


def test_cmyk_jpeg_by_adobe_is_not_a_negative():
    cmyk = Image.fromarray(PICTURE).convert("CMYK")
    data = encode(cmyk, "JPEG", quality=95)
    assert b"Adobe" in data
    assert largest_difference(decode(data), PICTURE) <= 8


def test_ycck_jpeg_gives_its_colours():
    # the same planes, declared YCCK in the Adobe marker: it must reach the decoder
    cmyk = encode(Image.new("CMYK", (32, 32), (40, 80, 120, 30)), "JPEG", quality=95)
    ycck = cmyk.replace(b"Adobe\x00\x64\x00\x00\x00\x00\x00", b"Adobe\x00\x64\x00\x00\x00\x00\x02")
    assert ycck != cmyk
    with Image.open(io.BytesIO(ycck)) as picture:
        expected = np.asarray(picture.convert("RGB"))
    assert largest_difference(decode(ycck), expected) == 0
    assert largest_difference(decode(ycck), decode(cmyk)) > 20


@pytest.mark.parametrize("file_format", ["WEBP", "PNG"])
def test_of_an_animation_the_first_picture_is_taken(file_format):
    frames = [Image.fromarray(smooth_picture(seed=seed)) for seed in range(3)]
    data = encode(
        frames[0], file_format, save_all=True, append_images=frames[1:], lossless=True, duration=50
    )
    assert data.count(b"ANMF") == 3 or data.count(b"fcTL") == 3
    assert largest_difference(decode(data), np.asarray(frames[0])) == 0


def test_metadata_does_not_matter():
    plain = encode(PICTURE, "JPEG")
    noise = b"".join(
        jpeg_segment(code, b"\xff\xd9junk\xff\xda" * 20) for code in (0xE1, 0xE2, 0xED, 0xFE)
    )
    assert (decode(plain[:2] + noise + plain[2:]) == decode(plain)).all()


def test_a_second_picture_after_the_end_does_not_matter():
    first, second = encode(PICTURE, "JPEG"), encode(smooth_picture(seed=9), "JPEG")
    assert (decode(first + second) == decode(first)).all()


@pytest.mark.parametrize(
    "block",
    [
        b"",
        b"II*\x00",
        b"MM\x00*\xff\xff\xff\xff",
        b"II*\x00\x08\x00\x00\x00\xff\xff",
        b"xx",
        b"II+\x00\x08\x00\x00\x00\x00\x00",
    ],
)
def test_unreadable_exif_leaves_the_picture_as_stored(block):
    plain = encode(PICTURE, "JPEG")
    data = plain[:2] + jpeg_segment(0xE1, b"Exif\x00\x00" + block) + plain[2:]
    assert (decode(data) == decode(plain)).all()


def test_orientation_outside_1_to_8_is_ignored():
    assert (decode(encode(PICTURE, "PNG", exif=exif(9))) == PICTURE).all()


def test_threads_do_not_disturb_each_other():
    pictures = [smooth_picture(40 + index, 30, seed=index) for index in range(8)]
    files = [encode(picture, "PNG") for picture in pictures]
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        found = list(pool.map(decode, files * 10))
    for index, picture in enumerate(found):
        assert (picture == pictures[index % 8]).all()


def test_pillows_global_limits_stay_as_they_are():
    before = (Image.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES)
    decode(encode(PICTURE, "PNG"))
    assert before == (Image.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES)
    assert before[1] is False
