"""The camera, through Chromium's fake device, which shows a film of a face."""

from __future__ import annotations

from base64 import b64encode
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import expect

from tests.e2e.page_actions import EN, PORTRAIT, SPEECH, choose

if TYPE_CHECKING:
    from pathlib import Path

SIDES_PX = (640, 480)
FRAMES = 3


def write_film(path: Path, picture: Path) -> None:
    """Write a YUV4MPEG2 film that shows one picture, 4:2:0."""
    frame = Image.new("RGB", SIDES_PX, "grey")
    shown = Image.open(picture).convert("RGB")
    shown.thumbnail(SIDES_PX)
    frame.paste(shown, ((SIDES_PX[0] - shown.width) // 2, 0))
    luma, *chroma = (np.asarray(band) for band in frame.convert("YCbCr").split())
    planes = [luma, *[band[::2, ::2] for band in chroma]]
    data = b"".join(plane.tobytes() for plane in planes)
    width, height = SIDES_PX
    with path.open("wb") as film:
        film.write(f"YUV4MPEG2 W{width} H{height} F10:1 Ip A1:1 C420jpeg\n".encode())
        for _ in range(FRAMES):
            film.write(b"FRAME\n" + data)


@pytest.fixture(scope="module")
def browser_arguments(tmp_path_factory) -> list[str]:
    film = tmp_path_factory.mktemp("camera") / "face.y4m"
    write_film(film, PORTRAIT)
    return [f"--use-file-for-fake-video-capture={film}"]


def test_a_picture_from_the_camera_is_compared(visit):
    page = visit()
    page.locator("#picker-left .picker-webcam").click()
    page.wait_for_function("document.querySelector('#picker-left video')?.videoWidth > 0")
    page.locator("#picker-left .picker-shoot").click()
    expect(page.locator("#picker-left figcaption")).to_have_text(EN("picker.shot"))
    # the camera is let go as soon as the picture is taken
    expect(page.locator("#picker-left video")).to_have_count(0)

    choose(page, "right", SPEECH)

    expect(page.locator("#verdict .card-same")).to_have_count(1)
    expect(page.locator("#picker-left .mark-chosen rect")).to_have_count(2)


def test_the_clipboard_fills_the_first_free_place(visit):
    page = visit()
    choose(page, "left", PORTRAIT)
    page.locator("#picker-left .picker-tile").wait_for()
    # nothing is awaited in the page: a promise there may be collected before it is kept
    page.evaluate(
        """(base64) => {
            const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
            const data = new DataTransfer();
            data.items.add(new File([bytes], 'pasted.jpg', { type: 'image/jpeg' }));
            document.dispatchEvent(new ClipboardEvent('paste', { clipboardData: data }));
        }""",
        b64encode(SPEECH.read_bytes()).decode(),
    )

    expect(page.locator("#picker-right figcaption")).to_have_text("pasted.jpg")
    expect(page.locator("#verdict .card-same")).to_have_count(1)


def test_a_camera_that_is_cancelled_takes_nothing(visit):
    page = visit()
    page.locator("#picker-left .picker-webcam").click()
    page.wait_for_function("document.querySelector('#picker-left video')?.videoWidth > 0")
    page.locator("#picker-left .picker-cancel").click()

    expect(page.locator("#picker-left video")).to_have_count(0)
    expect(page.locator("#picker-left .picker-empty")).to_have_count(1)
