"""The short way for ordinary JPEGs gives Pillow's pixels, and leaves the rest to Pillow."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from ood_face.errors import ImageTooLargeError
from ood_face.imaging import decode
from ood_face.imaging.jpeg import ordinary_jpeg
from tests.unit.imaging.files import encode

NOISE = np.random.default_rng(7).integers(0, 256, (75, 101, 3), np.uint8)
ORDINARY = {
    "no-subsampling": (NOISE, {"quality": 95, "subsampling": 0}),
    "half-wide": (NOISE, {"quality": 80, "subsampling": 1}),
    "half-wide-and-high": (NOISE, {"quality": 80, "subsampling": 2}),
    "progressive": (NOISE, {"quality": 80, "progressive": True}),
    "optimised": (NOISE, {"quality": 30, "optimize": True}),
    "restart-markers": (NOISE, {"quality": 80, "restart_marker_rows": 1}),
    "stored-as-rgb": (NOISE, {"quality": 80, "keep_rgb": True}),
    "grey": (NOISE[..., 0], {"quality": 80}),
}


def any_size(_size_px):
    """Accept every size."""


def by_pillow(data):
    with Image.open(io.BytesIO(data)) as picture:
        return np.array(picture.convert("RGB"))


@pytest.mark.parametrize(("pixels", "options"), ORDINARY.values(), ids=ORDINARY)
def test_the_pixels_are_those_of_pillow(pixels, options):
    data = encode(pixels, "JPEG", **options)
    found = ordinary_jpeg(data, any_size)
    assert found is not None
    assert np.array_equal(found, by_pillow(data))


def test_cmyk_is_left_to_pillow():
    data = encode(Image.fromarray(NOISE).convert("CMYK"), "JPEG", quality=90)
    assert ordinary_jpeg(data, any_size) is None
    assert np.array_equal(decode(data), by_pillow(data))


def test_damage_that_pillow_bears_is_left_to_it(capfd):
    data = encode(NOISE, "JPEG", quality=80, restart_marker_rows=1)
    data = data.replace(b"\xff\xd2", b"\xff\xd5")
    assert ordinary_jpeg(data, any_size) is None
    assert np.array_equal(decode(data), by_pillow(data))
    assert capfd.readouterr() == ("", "")


def test_what_is_no_jpeg_is_left_to_pillow():
    assert ordinary_jpeg(b"\xff\xd8\xff", any_size) is None


def test_the_size_is_checked_before_a_pixel_is_decoded():
    seen = []

    def refuse(size_px):
        seen.append(size_px)
        raise ImageTooLargeError("image.too_many_pixels", "too many")

    with pytest.raises(ImageTooLargeError, match="too many"):
        ordinary_jpeg(encode(NOISE, "JPEG"), refuse)
    assert seen == [(101, 75)]
