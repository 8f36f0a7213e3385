from __future__ import annotations

import time
from contextlib import contextmanager

import numpy as np
import pytest

from ood_face.errors import BackendError, BusyError, NoFaceError
from ood_face.service import WorkFeed
from ood_face.types import AdmissionLoad
from tests.fakes import FakeDetector, FullAdmission, fake_gallery_service, fake_service
from tests.fakes.work import RecordingWork
from tests.unit.service.people import ANN, BEN, GALLERY, ask, image_of, photo


class LateAdmission:
    """Lets everyone in, a moment later."""

    load = AdmissionLoad()

    def check_room(self):
        pass

    @contextmanager
    def admit(self):
        time.sleep(0.02)
        yield


class BrokenDetector(FakeDetector):
    def detect(self, image):  # noqa: ARG002 - it looks at nothing
        raise BackendError("runtime.failed", "the network failed")


@pytest.fixture
def work() -> RecordingWork:
    return RecordingWork()


def watched(work: RecordingWork, **parts):
    faces = fake_service(**parts)
    faces.work.attach(work)
    return faces


def test_an_extraction_tells_its_stages_faces_batch_and_scores(work):
    (template,) = watched(work).extract(image_of(ANN))
    assert work.stages == ["wait", "detect", "align", "embed"]
    assert (work.faces, work.batches, work.scores) == ([1], [1], [template.ood_score])


def test_a_picture_without_a_face_is_told_as_one_with_none(work):
    watched(work).extract(np.zeros((200, 300, 3), np.uint8))
    assert work.stages == ["wait", "detect"]
    assert (work.faces, work.batches, work.scores) == ([0], [], [])


def test_a_comparison_detects_twice_and_decides_once(work):
    watched(work).compare(image_of(ANN), image_of(BEN))
    counts = {stage: work.stages.count(stage) for stage in set(work.stages)}
    assert counts == {"wait": 1, "detect": 2, "align": 2, "embed": 2, "decide": 1}
    assert (len(work.faces), work.batches, len(work.scores)) == (2, [1, 1], 2)


def test_searches_and_enrolments_tell_how_long_they_sought(work):
    galleries = fake_gallery_service(watched(work))
    galleries.create_gallery(GALLERY)
    galleries.enroll(GALLERY, ask("ann", photo(ANN)))
    assert work.stages == ["wait", "detect", "align", "embed", "search"]
    for ask_for in (
        lambda: galleries.identify(GALLERY, image_of(ANN)),
        lambda: galleries.verify(GALLERY, "ann", image_of(ANN)),
    ):
        work.times.clear()
        ask_for()
        assert work.stages == ["wait", "detect", "align", "embed", "search", "decide"]


def test_the_wait_lasts_until_one_is_let_in(work):
    watched(work, admission=LateAdmission()).detect(image_of(ANN))
    assert dict(work.times)["wait"] >= 0.02


def test_of_who_is_refused_and_of_what_failed_no_time_is_told(work):
    with pytest.raises(BusyError):
        watched(work, admission=FullAdmission()).detect(image_of(ANN))
    assert work.stages == []
    with pytest.raises(BackendError):
        watched(work, detector=BrokenDetector()).detect(image_of(ANN))
    assert work.stages == ["wait"]


def test_every_observer_is_told_and_one_attached_later_only_of_what_follows(work):
    faces, later = watched(work), RecordingWork()
    faces.extract(image_of(ANN))
    faces.work.attach(later)
    with pytest.raises(NoFaceError):
        faces.extract_one(np.zeros((200, 300, 3), np.uint8))
    assert work.faces == [1, 0]
    assert later.faces == [0]


def test_a_feed_that_nobody_watches_lets_errors_through():
    with pytest.raises(ZeroDivisionError), WorkFeed().stage("detect"):
        raise ZeroDivisionError


def test_crops_are_told_as_a_batch_without_scores(work):
    watched(work).embed_crops(np.zeros((3, 112, 112, 3), np.uint8))
    assert (work.batches, work.scores, work.stages) == ([3], [], ["wait", "embed"])
