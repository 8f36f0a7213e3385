"""A place held while a picture is decoded, and handed on to the work on it."""

from __future__ import annotations

import threading

import pytest

from ood_face.errors import BusyError, NoFaceError
from ood_face.runtime import BoundedAdmission
from tests.fakes import (
    CountingAdmission,
    FullAdmission,
    fake_gallery_service,
    fake_service,
    picture,
)
from tests.fakes.work import RecordingWork

WITH_FACE, WITHOUT = picture(40), picture()


@pytest.fixture
def admission() -> CountingAdmission:
    return CountingAdmission()


def test_the_work_takes_the_place_over_that_was_reserved(admission):
    faces = fake_service(admission=admission)
    with faces.places.reserved():
        assert (admission.inside, admission.admitted) == (1, 1)
        faces.extract(WITH_FACE)
        # what comes after the work, such as a search, holds no place
        assert (admission.inside, admission.admitted) == (0, 1)
    assert (admission.inside, admission.admitted) == (0, 1)


def test_a_second_piece_of_work_takes_a_place_of_its_own(admission):
    faces = fake_service(admission=admission)
    with faces.places.reserved():
        faces.extract(WITH_FACE)
        faces.extract(WITH_FACE)
    assert (admission.inside, admission.admitted) == (0, 2)


def test_a_place_that_no_work_took_is_given_back(admission):
    faces = fake_service(admission=admission)
    with pytest.raises(ZeroDivisionError), faces.places.reserved():
        raise ZeroDivisionError
    assert admission.inside == 0
    faces.extract(WITH_FACE)
    assert (admission.inside, admission.admitted) == (0, 2)


def test_work_that_fails_gives_its_place_back(admission):
    faces = fake_service(admission=admission)
    with pytest.raises(NoFaceError), faces.places.reserved():
        faces.extract_one(WITHOUT)
    assert admission.inside == 0


def test_who_finds_the_queue_full_is_refused_before_anything_is_decoded():
    faces = fake_service(admission=FullAdmission())
    with pytest.raises(BusyError), faces.places.reserved():
        pytest.fail("nothing may be decoded")


def test_a_place_is_of_the_thread_that_reserved_it():
    faces = fake_service(admission=BoundedAdmission(workers=1, queue_size=0, timeout_s=1))
    refused = []

    def other() -> None:
        try:
            faces.extract(WITH_FACE)
        except BusyError as exc:
            refused.append(exc.key)

    with faces.places.reserved():
        thread = threading.Thread(target=other)
        thread.start()
        thread.join(30)
        assert refused == ["busy.queue_full"]
        assert len(faces.extract(WITH_FACE)) == 1


def test_one_wait_is_told_of_a_place_that_was_reserved():
    faces, work = fake_service(), RecordingWork()
    faces.work.attach(work)
    with faces.places.reserved():
        assert work.stages == ["wait"]
        faces.extract(WITH_FACE)
    assert work.stages.count("wait") == 1


def test_galleries_reserve_of_the_same_places(admission):
    galleries = fake_gallery_service(fake_service(admission=admission))
    with galleries.places.reserved():
        assert admission.inside == 1
    assert admission.inside == 0
