"""What every ``Detector`` keeps, whoever it is: the fake, ours, facenet-pytorch."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ood_face.artifacts import Manifest
from ood_face.detection import MtcnnSettings, open_facenet, open_mtcnn
from ood_face.errors import InputError
from tests.fakes.detector import FakeDetector

ROOT = Path(__file__).resolve().parents[2]
PICTURES = ROOT / "tests" / "pictures"
SETTINGS = MtcnnSettings(min_face_px=30)


def photo(name):
    with Image.open(PICTURES / f"{name}.jpg") as image:
        return np.asarray(image.convert("RGB"))


def two_blocks():
    image = np.zeros((60, 200, 3), dtype=np.uint8)
    image[:, 20:60] = 200
    image[:, 90:170] = 200
    return image


@pytest.fixture(
    scope="module",
    params=["fake", "mtcnn", pytest.param("facenet", marks=pytest.mark.facenet)],
)
def kind(request):
    return request.param


@pytest.fixture(scope="module")
def detector(kind):
    if kind == "fake":
        return FakeDetector()
    if kind == "facenet":
        return open_facenet(settings=SETTINGS)
    return open_mtcnn(Manifest.load(ROOT / "weights"), workers=2, settings=SETTINGS)


@pytest.fixture(scope="module")
def two_faces(kind):
    """Return a picture with exactly two faces."""
    return two_blocks() if kind == "fake" else photo("two_people")


@pytest.fixture(scope="module")
def empty_scenes(kind):
    black = np.zeros((120, 160, 3), dtype=np.uint8)
    return [black] if kind == "fake" else [black, photo("cat"), photo("coffee"), photo("rocket")]


def same(faces, others):
    return len(faces) == len(others) and all(
        np.array_equal(a.box_xyxy_px, b.box_xyxy_px)
        and np.array_equal(a.landmarks_px, b.landmarks_px)
        and a.probability == b.probability
        for a, b in zip(faces, others, strict=True)
    )


def test_two_faces_are_two_largest_first(detector, two_faces):
    faces = detector.detect(two_faces)
    assert len(faces) == 2
    assert faces[0].area_px2 > faces[1].area_px2


def test_a_face_is_well_formed(detector, two_faces):
    height, width = two_faces.shape[:2]
    for face in detector.detect(two_faces):
        left, top, right, bottom = face.box_xyxy_px
        assert 0 <= left < right <= width
        assert 0 <= top < bottom <= height
        assert 0.9 <= face.probability <= 1
        assert ((face.landmarks_px > (left, top)) & (face.landmarks_px < (right, bottom))).all()
        for array in (face.box_xyxy_px, face.landmarks_px):
            assert array.dtype == np.float32
            assert not array.flags.writeable


def test_landmarks_are_eyes_nose_mouth_as_seen_in_the_image(detector, two_faces):
    for face in detector.detect(two_faces):
        left_eye, right_eye, nose, left_mouth, right_mouth = face.landmarks_px
        assert left_eye[0] < nose[0] < right_eye[0]
        assert left_mouth[0] < right_mouth[0]
        assert max(left_eye[1], right_eye[1]) < nose[1] < min(left_mouth[1], right_mouth[1])


def test_no_face_no_entry(detector, empty_scenes):
    for scene in empty_scenes:
        assert detector.detect(scene) == []


@pytest.mark.parametrize("size", [(1, 1), (2, 300), (19, 19)])
def test_a_tiny_picture_has_no_face(detector, size):
    assert detector.detect(np.zeros((*size, 3), dtype=np.uint8)) == []


def test_the_same_picture_gives_the_same_faces(detector, two_faces):
    first = detector.detect(two_faces)
    detector.detect(two_faces[: len(two_faces) // 2])
    assert same(first, detector.detect(two_faces))


def test_the_picture_is_read_only_for_it_and_may_be_a_view(detector, two_faces):
    copy = two_faces.copy()
    faces = detector.detect(copy)
    assert np.array_equal(copy, two_faces)
    view = np.ascontiguousarray(two_faces[:, :, ::-1])[:, :, ::-1]
    assert not view.flags.c_contiguous
    assert same(faces, detector.detect(view))


def test_threads_do_not_mix_up_pictures(detector, two_faces):
    width = two_faces.shape[1]
    pictures = [two_faces, two_faces[:, : width // 2 - 10], two_faces[:, ::-1].copy()]
    alone = [detector.detect(picture) for picture in pictures]
    assert len({len(faces) for faces in alone}) == 2
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(detector.detect, pictures * 4))
    for index, faces in enumerate(together):
        assert same(faces, alone[index % len(pictures)])


@pytest.mark.parametrize(
    "bad",
    [
        None,
        "a picture",
        np.zeros((50, 50), np.uint8),
        np.zeros((50, 50, 4), np.uint8),
        np.zeros((50, 50, 3), np.float32),
        np.zeros((0, 50, 3), np.uint8),
        np.zeros((50, 0, 3), np.uint8),
    ],
)
def test_what_is_no_picture_is_an_input_error(detector, bad):
    with pytest.raises(InputError, match="uint8 array of shape"):
        detector.detect(bad)
