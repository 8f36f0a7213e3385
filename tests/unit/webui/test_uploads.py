from __future__ import annotations

import base64

import pytest

from ood_face.config import Settings
from ood_face.errors import ImageTooLargeError, InputError
from ood_face.service import WorkFeed
from tests.fakes import picture, png
from webui.uploads import Limits, Upload, read_uploads

LIMITS = Limits.of(Settings(max_image_bytes=100_000, max_image_pixels=10_000), max_files=2)


def sent(data: bytes, name: str = "a.png") -> dict[str, str]:
    return {"name": name, "data": base64.b64encode(data).decode()}


def test_files_come_as_they_were_sent():
    assert read_uploads([sent(b"one"), sent(b"", "b")], LIMITS) == [
        Upload("a.png", b"one"),
        Upload("b", b""),
    ]


@pytest.mark.parametrize("payload", [None, []])
def test_nothing_chosen_is_no_file(payload):
    assert read_uploads(payload, LIMITS) == []


@pytest.mark.parametrize(
    "payload",
    [
        "text",
        {"name": "a", "data": "AAAA"},
        [None],
        [{"name": "a"}],
        [{"name": 1, "data": "AAAA"}],
        [{"name": "a", "data": "not base64!"}],
        [{"name": "a", "data": "AAA"}],
        [{"name": "a", "data": "é"}],
    ],
)
def test_another_form_is_refused(payload):
    with pytest.raises(InputError) as caught:
        read_uploads(payload, LIMITS)
    assert caught.value.key == "page.upload"


def test_too_many_files_are_refused_with_the_limit():
    with pytest.raises(InputError, match="3 files were sent, the limit is 2"):
        read_uploads([sent(b"x")] * 3, LIMITS)


def test_a_long_name_is_cut():
    (upload,) = read_uploads([sent(b"x", "n" * 500)], LIMITS)

    assert upload.name == "n" * 80


def test_the_settings_limits_hold():
    with pytest.raises(ImageTooLargeError, match="100001 bytes"):
        Upload("a", b"x" * 100_001).image(LIMITS, WorkFeed())
    with pytest.raises(ImageTooLargeError, match="10000"):
        Upload("a", png(picture(400, height_px=100))).image(LIMITS, WorkFeed())


def test_two_full_pictures_fit_the_apis_limit_on_a_body():
    many = Limits.of(Settings(max_image_bytes=1000), max_files=20)

    assert many.max_total_bytes == 2000
    assert Limits.of(Settings(max_image_bytes=1000), max_files=1).max_total_bytes == 1000
