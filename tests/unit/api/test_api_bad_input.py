from __future__ import annotations

import base64
import io
import json
import struct
import zlib

import pytest
from PIL import Image

from ood_face.errors import BusyError
from tests.fakes import PNG_SIGNATURE, FullAdmission, fake_service, picture, png

GOOD = png(picture(40))
GOOD_64 = base64.b64encode(GOOD).decode()


def encoded(side_px: int, image_format: str) -> bytes:
    buffer = io.BytesIO()
    Image.effect_noise((side_px, side_px), 80).convert("RGB").save(buffer, image_format)
    return buffer.getvalue()


def bomb() -> bytes:
    """Return a PNG of a few hundred bytes that says it is 20,000 x 20,000."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    header = struct.pack(">IIBBBBB", 20_000, 20_000, 8, 2, 0, 0, 0)
    pixels = zlib.compress(bytes(100_000))
    return PNG_SIGNATURE + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    ("data", "status", "words"),
    [
        (b"", 422, ["empty", "0 bytes"]),
        (b"this is no picture at all", 422, ["text", "JPEG"]),
        (encoded(200, "JPEG")[:3000], 422, ["JPEG", "whole file"]),
        (encoded(1, "PNG"), 422, ["1x1", "16x16"]),
        (bomb(), 413, ["20000x20000", "1000000"]),
        (encoded(300, "PNG"), 413, ["200000"]),
        (b"\x00\x01\x02\x03" * 100, 422, []),
    ],
    ids=["empty", "text", "truncated", "1x1", "bomb", "too many bytes", "binary"],
)
@pytest.mark.parametrize("as_json", [False, True])
def test_each_kind_of_bad_picture_has_its_own_answer(client, data, status, words, as_json):
    if as_json:
        answer = client.post("/v1/extract", json={"image": base64.b64encode(data).decode()})
    else:
        answer = client.post("/v1/extract", files={"image": ("photo.jpg", data)})
    problem = answer.json()
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert problem["field"] == "image"
    for word in words:
        assert word in problem["detail"]


def test_the_codes_differ(client):
    pictures = [b"", b"this is no picture at all", encoded(1, "PNG"), bomb(), encoded(300, "PNG")]
    codes = [
        client.post("/v1/extract", files={"image": ("a.jpg", data)}).json()["code"]
        for data in [*pictures, encoded(200, "JPEG")[:3000], png(picture(9)[:, :16] * 0)]
    ]
    assert len(set(codes)) == 7, codes


@pytest.mark.parametrize(
    ("sent", "status", "code", "words"),
    [
        ({"json": {"image": "@@@"}}, 422, "request.bad_base64", ["image"]),
        ({"json": {"image": "abc"}}, 422, "request.bad_base64", ["image"]),
        ({"json": {"image": "脸"}}, 422, "request.bad_base64", ["image"]),
        ({"json": {"image": 5}}, 422, "request.bad_base64", ["image"]),
        ({"json": {"image": None}}, 422, "request.bad_base64", ["image"]),
        ({"json": {"img": GOOD_64}}, 422, "request.fields", ["must be image", "'img'"]),
        ({"json": {}}, 422, "request.fields", ["must be image", "none"]),
        ({"json": {"image": GOOD_64, "x": 1}}, 422, "request.fields", ["'image', 'x'"]),
        ({"json": ["image"]}, 422, "request.not_object", []),
        ({"files": {"file": ("a.png", GOOD)}}, 422, "request.fields", ["must be image", "'file'"]),
        (
            {"files": [("image", ("a.png", GOOD)), ("image", ("b.png", GOOD))]},
            422,
            "request.fields",
            ["each once"],
        ),
        ({"files": {"image": (None, "text")}}, 422, "request.not_file", ["image"]),
        ({"content": GOOD}, 415, "request.content_type", ["multipart/form-data"]),
        (
            {"content": GOOD, "headers": {"Content-Type": "image/png"}},
            415,
            "request.content_type",
            ["'image/png'"],
        ),
        ({"data": {"image": GOOD_64}}, 415, "request.content_type", ["urlencoded"]),
    ],
)
def test_badly_formed_requests(client, sent, status, code, words):
    answer = client.post("/v1/extract", **sent)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.headers["content-type"] == "application/problem+json"
    for word in words:
        assert word in answer.json()["detail"]


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"\xff\xfe", b'{"image": ' + b"9" * 5000 + b"}", b"{'image': 1}"],
    ids=["empty", "open", "no text", "long number", "quotes"],
)
def test_bad_json(client, content):
    answer = client.post(
        "/v1/extract", content=content, headers={"Content-Type": "application/json"}
    )
    assert (answer.status_code, answer.json()["code"]) == (422, "request.bad_json")


def test_a_name_twice_in_json(client):
    content = json.dumps({"image": GOOD_64})[:-1] + f', "image": "{GOOD_64}"}}'
    answer = client.post(
        "/v1/extract", content=content, headers={"Content-Type": "application/json"}
    )
    assert answer.json()["code"] == "request.fields"


@pytest.mark.parametrize(
    "content",
    [b"", b"garbage", b"--x\r\n\r\nno disposition\r\n--x--", b"--x\r\nContent-Disp", b"--y\r\n"],
)
@pytest.mark.parametrize("boundary", ["; boundary=x", "", "; boundary="])
def test_bad_forms(client, content, boundary):
    answer = client.post(
        "/v1/extract", content=content, headers={"Content-Type": f"multipart/form-data{boundary}"}
    )
    assert answer.status_code == 422
    assert answer.json()["code"] in ("request.bad_form", "request.fields")


def test_names_that_are_no_text_come_back_readable(client):
    content = json.dumps({"\ud800": 1, "\x1b[31m": 2, "脸" * 1000: 3})
    answer = client.post(
        "/v1/extract", content=content, headers={"Content-Type": "application/json"}
    )
    assert answer.status_code == 422
    assert r"'\ud800', '\x1b[31m'" in answer.json()["detail"]
    assert len(answer.content) < 2000


@pytest.mark.parametrize("scenario", ["", "\ud800", "\x00", "x" * 100_000, 7, None, ["gate"]])
def test_odd_scenarios(client, scenario):
    content = json.dumps({"image_a": GOOD_64, "image_b": GOOD_64, "scenario": scenario})
    answer = client.post(
        "/v1/compare", content=content, headers={"Content-Type": "application/json"}
    )
    expected = 404 if isinstance(scenario, str) else 422
    assert answer.status_code == expected
    assert len(answer.content) < 2000


def test_a_compare_that_lacks_a_picture(client):
    answer = client.post("/v1/compare", files={"image_a": ("a.png", GOOD)})
    assert answer.status_code == 422
    assert "must be image_a, image_b, scenario (optional)" in answer.json()["detail"]


def test_a_wrong_parameter(client):
    answer = client.post("/v1/extract?allow_empty=perhaps", files={"image": ("a.png", GOOD)})
    assert (answer.status_code, answer.json()["code"]) == (422, "request.parameter")
    assert "allow_empty" in answer.json()["detail"]


@pytest.mark.parametrize("path", ["/v1/nothing", "/v1/", "/nothing", "/v1/extract/"])
def test_unknown_addresses(client, path):
    answer = client.get(path)
    assert (answer.status_code, answer.json()["code"]) == (404, "request.not_found")
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "TRACE", "PROPFIND", "X"])
def test_wrong_methods(client, method):
    answer = client.request(method, "/v1/extract")
    assert (answer.status_code, answer.json()["code"]) == (405, "request.method")
    assert answer.headers["allow"] == "POST"


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics", "/openapi.json"])
@pytest.mark.parametrize("method", ["POST", "TRACE", "X"])
def test_wrong_methods_beside_the_api(client, path, method):
    answer = client.request(method, path)
    assert (answer.status_code, answer.json()["code"]) == (405, "request.method")
    assert answer.headers["allow"].split(", ")[0] == "GET"


def test_busy(client_of):
    with client_of(fake_service(admission=FullAdmission())) as client:
        answer = client.post("/v1/extract", files={"image": ("a.png", GOOD)})
    assert (answer.status_code, answer.json()["code"]) == (503, "runtime.busy")
    assert int(answer.headers["retry-after"]) >= 1
    assert BusyError.__name__ not in answer.text


def test_problems_speak_chinese(client):
    answer = client.post(
        "/v1/extract", files={"image": ("a.png", b"")}, headers={"Accept-Language": "zh"}
    )
    assert "图片为空" in answer.json()["detail"]
