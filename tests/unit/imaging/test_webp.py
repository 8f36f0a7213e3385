"""The short way for ordinary WebPs gives Pillow's pixels, and leaves the rest to Pillow."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from ood_face.errors import ImageDecodeError
from ood_face.imaging import decode
from ood_face.imaging.containers import read_container
from ood_face.imaging.webp import ordinary_webp
from tests.unit.imaging.files import encode, exif, smooth_picture, webp_chunk, webp_file

NOISE = np.random.default_rng(7).integers(0, 256, (75, 101, 3), np.uint8)
ORDINARY = {
    "lossy": (NOISE, {"quality": 80}),
    "coarse": (NOISE, {"quality": 10, "method": 6}),
    "lossless": (NOISE, {"lossless": True}),
    "few-colours": (NOISE // 128 * 128, {"lossless": True}),
    "smooth": (smooth_picture(), {"quality": 90}),
    "with-profile": (NOISE, {"quality": 80, "icc_profile": b"profile"}),
    "with-exif": (NOISE, {"lossless": True, "exif": exif(1)}),
}
LOSSY, LOSSLESS = encode(NOISE, "WEBP", quality=80), encode(NOISE, "WEBP", lossless=True)
HALF = np.dstack([NOISE, np.full(NOISE.shape[:2], 128, np.uint8)])
LAYERED = {
    "lossy-alpha": encode(HALF, "WEBP", quality=80),
    "lossless-alpha": encode(HALF, "WEBP", lossless=True),
    "animation": encode(
        Image.fromarray(NOISE), "WEBP", save_all=True, append_images=[Image.fromarray(255 - NOISE)]
    ),
}


def in_short(data):
    return ordinary_webp(read_container(data).payload)


def by_pillow(data):
    with Image.open(io.BytesIO(data)) as picture:
        return np.array(picture.convert("RGB"))


def extended(flags, *chunks, size_px=(101, 75)):
    """Return a file with an extended header before these chunks."""
    width, height = ((side - 1).to_bytes(3, "little") for side in size_px)
    return webp_file(webp_chunk(b"VP8X", bytes([flags, 0, 0, 0]) + width + height), *chunks)


@pytest.mark.parametrize(("pixels", "options"), ORDINARY.values(), ids=ORDINARY)
def test_the_pixels_are_those_of_pillow(pixels, options):
    data = encode(pixels, "WEBP", **options)
    found = in_short(data)
    assert found is not None
    assert found.flags.writeable
    assert found.flags.c_contiguous
    assert np.array_equal(found, by_pillow(data))
    assert np.array_equal(decode(data), found)


@pytest.mark.parametrize("data", LAYERED.values(), ids=LAYERED)
def test_layers_and_animations_are_left_to_pillow(data):
    assert in_short(data) is None
    assert decode(data).shape == NOISE.shape


@pytest.mark.parametrize(
    "data",
    [
        extended(0x10, LOSSY[12:]),
        extended(0, LOSSY[12:], LOSSY[12:]),
        extended(0, webp_chunk(b"ALPH", b"\x00" * 9), LOSSY[12:]),
        extended(0, LOSSY[12:], size_px=(102, 75)),
        extended(0),
        webp_file(webp_chunk(b"VP8X", b""), LOSSY[12:]),
        webp_file(webp_chunk(b"VP8L", LOSSLESS[20:24]), LOSSY[12:]),
    ],
    ids=[
        "flag-of-alpha",
        "two-pictures",
        "alpha-without-flag",
        "other-size",
        "no-picture",
        "no-header",
        "cut",
    ],
)
def test_a_file_that_contradicts_itself_is_left_to_pillow(data):
    assert in_short(data) is None


def test_what_lies_around_the_picture_does_not_matter():
    data = extended(0x04, webp_chunk(b"junk", b"abc"), LOSSLESS[12:], webp_chunk(b"XMP ", b"<x/>"))
    assert len(LOSSLESS) % 2 == 0
    assert read_container(data).payload == LOSSLESS
    assert np.array_equal(decode(data), NOISE)


def test_an_odd_chunk_without_its_padding_is_read():
    rng = np.random.default_rng(0)
    for side in range(40, 80):
        pixels = rng.integers(0, 256, (side, 48, 3), np.uint8)
        data = encode(pixels, "WEBP", lossless=True)
        if data[16] % 2:
            break
    else:
        pytest.fail("no picture with an odd length")
    cut = data[:4] + (len(data) - 9).to_bytes(4, "little") + data[8:-1]
    assert np.array_equal(decode(cut), pixels)


def broken(data, at, value):
    return data[:at] + bytes([value]) + data[at + 1 :]


@pytest.mark.parametrize(
    "data",
    [
        broken(LOSSY, 20, LOSSY[20] | 1),
        broken(LOSSY, 20, LOSSY[20] | 0x0E),
        broken(LOSSY, 20, LOSSY[20] & ~0x10),
        broken(LOSSY, 22, 0xFF),
        broken(LOSSLESS, 24, LOSSLESS[24] | 0x80),
        webp_file(webp_chunk(b"VP8 ", LOSSY[20:400])),
        webp_file(webp_chunk(b"VP8L", LOSSLESS[20:400])),
    ],
    ids=["inter-frame", "profile", "hidden", "first-part", "version", "lossy-cut", "lossless-cut"],
)
def test_damage_is_told_by_pillow_and_nothing_is_printed(data, capfd):
    assert in_short(data) is None
    with pytest.raises(ImageDecodeError) as caught:
        decode(data)
    assert caught.value.key == "image.damaged"
    assert capfd.readouterr() == ("", "")


def test_damage_that_pillow_bears_is_borne():
    data = LOSSY[:4000] + b"\x00" * (len(LOSSY) - 4000)
    assert np.array_equal(decode(data), by_pillow(data))


@pytest.mark.parametrize(
    "data", [b"", LOSSY[:31], b"\xff\xd8\xff" * 20], ids=["empty", "short", "jpeg"]
)
def test_what_is_no_webp_is_left_to_pillow(data):
    assert ordinary_webp(data) is None
