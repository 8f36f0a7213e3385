from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from ood_face.errors import InputError
from ood_face.imaging import PictureFault, picture_faults
from ood_face.imaging.degradations import degrade
from ood_face.types import DetectedFace

if TYPE_CHECKING:
    from numpy.typing import NDArray

PORTRAIT = Path(__file__).parents[2] / "pictures" / "astronaut.jpg"


def face(width_px: float = 112, nose_x: float = 56) -> DetectedFace:
    points = np.array([[38, 51], [74, 51], [nose_x, 71], [41, 92], [70, 92]], np.float32)
    return DetectedFace(np.array([0, 0, width_px, 112], np.float32), 0.99, points)


@pytest.fixture(scope="module")
def crop() -> NDArray[np.uint8]:
    # the face of a portrait, cut out by hand
    picture = Image.open(PORTRAIT).convert("RGB")
    wide, _ = picture.size
    scale = wide / 512
    box = tuple(int(edge * scale) for edge in (165, 50, 285, 170))
    return np.array(picture.crop(box).resize((112, 112)))


def test_a_good_picture_has_no_fault(crop):
    assert picture_faults(crop, face()) == ()


@pytest.mark.parametrize("kind", ["blur", "low_resolution"])
def test_a_blurred_picture_is_told(crop, kind):
    poor = degrade(crop, kind, 3, np.random.default_rng(0))

    assert picture_faults(poor, face()) == (PictureFault.BLURRED,)


def test_darkness_and_glare_are_told_and_not_taken_for_blur(crop):
    assert picture_faults(crop // 6, face()) == (PictureFault.DARK,)
    glare = np.clip(crop.astype(int) * 3, 0, 255).astype(np.uint8)
    assert picture_faults(glare, face()) == (PictureFault.BRIGHT,)


def test_a_small_face_is_told(crop):
    assert picture_faults(crop, face(width_px=40)) == (PictureFault.SMALL,)


@pytest.mark.parametrize("nose_x", [40, 75, 90])
def test_a_turned_head_is_told(crop, nose_x):
    assert picture_faults(crop, face(nose_x=nose_x)) == (PictureFault.TURNED,)


def test_eyes_in_one_place_are_no_turned_head(crop):
    points = np.full((5, 2), 50, np.float32)
    alike = DetectedFace(np.array([0, 0, 112, 112], np.float32), 0.99, points)

    assert picture_faults(crop, alike) == ()


def test_several_faults_come_together(crop):
    found = picture_faults(crop // 6, face(width_px=40, nose_x=40))

    assert found == (PictureFault.SMALL, PictureFault.DARK, PictureFault.TURNED)


def test_what_is_no_crop_is_refused(crop):
    with pytest.raises(InputError):
        picture_faults(crop[:50], face())
