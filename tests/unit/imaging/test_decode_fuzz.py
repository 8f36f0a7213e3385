"""Broken files end in an array or in one of two errors, and soon."""

from __future__ import annotations

import time

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from ood_face.errors import ImageDecodeError, ImageTooLargeError
from ood_face.imaging import decode
from ood_face.imaging.decode import MIN_SIDE_PX
from tests.unit.imaging.files import (
    PNG_SIGNATURE,
    encode,
    exif,
    png_chunk,
    smooth_picture,
    webp_chunk,
    webp_file,
)

MAX_PIXELS = 300_000
LONGEST_S = 5.0
PICTURE = smooth_picture(40, 30)
RGB = Image.fromarray(PICTURE)
OTHER = Image.fromarray(smooth_picture(40, 30, seed=1))
SEEDS = (
    encode(RGB, "JPEG"),
    encode(RGB, "JPEG", progressive=True, exif=exif(6)),
    encode(RGB.convert("L"), "JPEG"),
    encode(RGB.convert("CMYK"), "JPEG"),
    encode(RGB, "PNG", exif=exif(8)),
    encode(RGB.convert("P"), "PNG", transparency=3),
    encode(RGB.convert("1"), "PNG"),
    encode(RGB.convert("LA"), "PNG"),
    encode(PICTURE[..., 0].astype(np.uint16) * 257, "PNG"),
    encode(RGB, "PNG", save_all=True, append_images=[OTHER]),
    encode(RGB, "WEBP", exif=exif(3)),
    encode(RGB.convert("RGBA"), "WEBP", lossless=True),
    encode(RGB, "WEBP", save_all=True, append_images=[OTHER]),
    encode(RGB, "BMP"),
    encode(RGB.convert("P"), "BMP"),
    encode(RGB.convert("1"), "BMP"),
    encode(RGB.convert("RGBA"), "BMP"),
)
WEBP_BODIES = (
    encode(RGB, "WEBP")[20:],
    encode(RGB, "WEBP", lossless=True)[20:],
    bytes(4) + (39).to_bytes(3, "little") + (29).to_bytes(3, "little"),
)
HEADER_BYTES = 140
FUZZ = settings(
    max_examples=400,
    # assert_decoded_or_refused() counts processor time, which other programs do not stretch
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)


def assert_decoded_or_refused(data: bytes) -> None:
    """Fail unless there is an array within the limits or one of the two errors, and soon."""
    began = time.process_time()
    try:
        found = decode(data, max_pixels=MAX_PIXELS)
    except (ImageDecodeError, ImageTooLargeError):
        pass
    else:
        assert found.dtype == np.uint8
        assert found.shape[2:] == (3,)
        assert min(found.shape[:2]) >= MIN_SIDE_PX
        assert found.shape[0] * found.shape[1] <= MAX_PIXELS
    assert time.process_time() - began < LONGEST_S


def with_right_checksums(data: bytes) -> bytes:
    """Return a PNG whose changed chunks pass the checksum, so that its content is tried."""
    chunks, position = [PNG_SIGNATURE], len(PNG_SIGNATURE)
    while position + 12 <= len(data):
        length = int.from_bytes(data[position : position + 4])
        body = data[position + 8 : position + 8 + length]
        chunks.append(png_chunk(data[position + 4 : position + 8], body))
        position += 12 + length
    return b"".join(chunks)


@st.composite
def broken_files(draw: st.DrawFn) -> bytes:
    data = bytearray(draw(st.sampled_from(SEEDS)))
    reach = min(len(data), HEADER_BYTES) if draw(st.booleans()) else len(data)
    for _ in range(draw(st.integers(1, 8))):
        place = draw(st.integers(0, reach - 1))
        data[place] ^= draw(st.integers(1, 255))
    if data.startswith(PNG_SIGNATURE) and draw(st.booleans()):
        data = bytearray(with_right_checksums(bytes(data)))
    if draw(st.integers(0, 3)) == 0:
        del data[draw(st.integers(0, len(data))) :]
    return bytes(data)


@FUZZ
@given(broken_files())
def test_changed_bytes_and_truncations(data):
    assert_decoded_or_refused(data)


@FUZZ
@given(st.sampled_from(SEEDS), st.sampled_from(SEEDS), st.data())
def test_spliced_files(head, tail, data):
    cut = data.draw(st.integers(0, len(head)))
    resume = data.draw(st.integers(0, len(tail)))
    assert_decoded_or_refused(head[:cut] + tail[resume:])


@FUZZ
@given(st.sampled_from(SEEDS), st.data())
def test_repeated_parts(seed, data):
    start = data.draw(st.integers(0, len(seed)))
    part = seed[start : start + data.draw(st.integers(1, 200))]
    place = data.draw(st.integers(0, len(seed)))
    assert_decoded_or_refused(seed[:place] + part * data.draw(st.integers(1, 50)) + seed[place:])


@FUZZ
@given(
    st.sampled_from([seed[:length] for seed in SEEDS for length in (2, 8, 12, 30, 60)]),
    st.binary(max_size=300),
)
def test_valid_beginnings_of_noise(head, noise):
    assert_decoded_or_refused(head + noise)


@st.composite
def webp_chunks(draw: st.DrawFn) -> bytes:
    kind = draw(st.sampled_from([b"VP8X", b"VP8 ", b"VP8L", b"ALPH", b"ANMF", b"EXIF"]))
    body = bytearray(draw(st.sampled_from(WEBP_BODIES)))
    if body and draw(st.booleans()):
        body[draw(st.integers(0, min(len(body), 12) - 1))] ^= draw(st.integers(1, 255))
    return webp_chunk(kind, bytes(body[: draw(st.sampled_from([None, 0, 4, 9, 10]))]))


@settings(FUZZ, max_examples=1000)
@given(st.lists(webp_chunks(), min_size=1, max_size=3))
def test_webps_of_chunks_that_do_not_fit(chunks):
    assert_decoded_or_refused(webp_file(*chunks))


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=400))
def test_noise(data):
    assert_decoded_or_refused(data)
