"""Corrupted files and bodies through the API: always an answer, never a defect."""

from __future__ import annotations

import base64
import io

import numpy as np
import pytest
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from ood_face.api import create_app
from ood_face.api.served import Served
from ood_face.config import Settings
from tests.fakes import fake_service, picture


def _file(image_format: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    noise = np.random.default_rng(1).integers(0, 60, picture(40).shape, np.uint8)
    Image.fromarray(picture(40) // 2 + noise).save(buffer, image_format, **options)
    return buffer.getvalue()


EXIF = b"Exif\x00\x00MM\x00*\x00\x00\x00\x08\x00\x00"
FILES = {name: _file(name, exif=EXIF) for name in ("JPEG", "PNG", "WEBP")} | {"BMP": _file("BMP")}


@pytest.fixture(scope="module")
def sound_client():
    # defects are raised, so that hypothesis shows them
    app = create_app(
        Served(fake_service(), Settings(max_image_bytes=200_000, max_image_pixels=1_000_000))
    )
    with TestClient(app) as client:
        yield client


@st.composite
def corrupted(draw: st.DrawFn) -> bytes:
    data = bytearray(FILES[draw(st.sampled_from(sorted(FILES)))])
    for _ in range(draw(st.integers(1, 6))):
        place = draw(st.integers(0, len(data) - 1))
        match draw(st.sampled_from(["set", "cut", "insert", "remove", "repeat"])):
            case "set":
                data[place] = draw(st.integers(0, 255))
            case "cut":
                del data[max(place, 1) :]
            case "insert":
                data[place:place] = draw(st.binary(min_size=1, max_size=8))
            case "remove" if len(data) > 20:
                del data[place : place + 8]
            case _:
                data[place:place] = data[place : place + 16]
    return bytes(data)


def check(answer) -> None:
    assert answer.status_code in (200, 413, 422), answer.text
    if answer.status_code == 200:
        assert answer.json()["model_id"] == "fake-1"
    else:
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["detail"]


fuzz = settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@fuzz
@given(corrupted())
def test_a_corrupted_file_in_a_form(sound_client, data):
    check(sound_client.post("/v1/extract", files={"image": ("photo.jpg", data)}))


@fuzz
@given(corrupted(), st.booleans())
def test_a_corrupted_file_in_json(sound_client, data, first):
    broken, whole = (base64.b64encode(d).decode() for d in (data, FILES["PNG"]))
    pair = (broken, whole) if first else (whole, broken)
    check(
        sound_client.post("/v1/compare", json=dict(zip(("image_a", "image_b"), pair, strict=True)))
    )


@fuzz
@given(
    st.binary(max_size=200),
    st.sampled_from(["application/json", "multipart/form-data; boundary=x"]),
)
def test_any_bytes_as_a_body(sound_client, content, content_type):
    check(sound_client.post("/v1/extract", content=content, headers={"Content-Type": content_type}))


@fuzz
@given(st.binary(max_size=60), st.binary(max_size=60), st.binary(max_size=60))
def test_any_bytes_inside_a_form(sound_client, headers, value, end):
    content = b"--x\r\n" + headers + b"\r\n\r\n" + value + b"\r\n--x" + end
    header = {"Content-Type": "multipart/form-data; boundary=x"}
    check(sound_client.post("/v1/extract", content=content, headers=header))


@fuzz
@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text() | st.integers(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_any_json(sound_client, value):
    import json  # noqa: PLC0415

    content = json.dumps({"image_a": value, "image_b": value, "scenario": value})
    header = {"Content-Type": "application/json"}
    check(sound_client.post("/v1/compare", content=content, headers=header))
    check(sound_client.post("/v1/compare", content=json.dumps(value), headers=header))
