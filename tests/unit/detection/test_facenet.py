"""The adapter, over a stand-in for facenet-pytorch's ``MTCNN``."""

from __future__ import annotations

import numpy as np
import pytest

from ood_face.detection import FacenetDetector, MtcnnSettings, open_facenet
from ood_face.errors import BackendError

BOXES = np.array([[10, 20, 50, 70], [0, 0, 90, 90], [5, 5, 25, 30]], dtype=np.float32)
POINTS = np.arange(30, dtype=np.float32).reshape(3, 5, 2)


class StandIn:
    def __init__(self, found):
        self._found = found
        self.pictures = []

    def detect(self, img, *, landmarks):
        assert landmarks
        self.pictures.append(img.shape)
        if isinstance(self._found, Exception):
            raise self._found
        return self._found


def detector(found, **settings):
    stand_in, asked = StandIn(found), []

    def build(min_face_px):
        asked.append(min_face_px)
        return stand_in

    return FacenetDetector(build, MtcnnSettings(**settings)), stand_in, asked


def picture(height=200, width=300):
    return np.zeros((height, width, 3), dtype=np.uint8)


def test_faces_are_ours_largest_first_without_the_doubtful():
    # facenet-pytorch hands out object arrays
    found = tuple(
        np.array(part, dtype=object) for part in (BOXES, np.array([0.95, 0.99, 0.5]), POINTS)
    )
    faces = detector(found)[0].detect(picture())
    assert [face.box_xyxy_px.tolist() for face in faces] == [[0, 0, 90, 90], [10, 20, 50, 70]]
    assert [face.probability for face in faces] == pytest.approx([0.99, 0.95])
    assert np.array_equal(faces[0].landmarks_px, POINTS[1])


def test_no_face_is_an_empty_list():
    assert detector((None, [None], None))[0].detect(picture()) == []


def test_a_picture_without_a_single_window_is_never_shown_to_it():
    subject, stand_in, _ = detector(RuntimeError("expected a non-empty list of Tensors"))
    assert subject.detect(picture(23, 500)) == []
    assert stand_in.pictures == []


def test_the_smallest_face_and_the_coordinates_follow_the_scale():
    subject, stand_in, asked = detector(
        (BOXES, np.ones(3), POINTS), max_side_px=400, min_face_share=0.25, min_face_px=30
    )
    faces = subject.detect(picture(600, 800))
    assert stand_in.pictures == [(300, 400, 3)]
    assert asked == [75.0]
    assert faces[0].box_xyxy_px.tolist() == [0, 0, 180, 180]


@pytest.mark.parametrize("error", [RuntimeError, ValueError, IndexError])
def test_its_errors_become_ours(error):
    with pytest.raises(BackendError, match="facenet-pytorch failed: odd"):
        detector(error("odd"))[0].detect(picture())


def test_where_it_is_missing_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "facenet_pytorch", None)
    with pytest.raises(BackendError, match=r"pip install 'ood-face\[facenet\]'"):
        open_facenet()
