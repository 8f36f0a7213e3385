"""Enrolment in the background: one picture after the other, one refused stops no other."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from ood_face.config import Settings
from ood_face.errors import DuplicateFaceError, ImageDecodeError, NoFaceError, StorageFullError
from ood_face.types import LOCAL, Profile
from tests.fakes import fake_gallery_service, picture, png
from tests.fakes.audit import RecordingAudit
from tests.fakes.galleries import FakeGalleryStore
from webui.bundle import BundledFile
from webui.bundle_people import by_person
from webui.job_progress import Progress, Step
from webui.search_enrolment import EnrolTask, plan_of
from webui.uploads import Limits

if TYPE_CHECKING:
    from ood_face.service import GalleryService

LIMITS = Limits.of(Settings(), max_files=1)
PINK, GREEN = (250, 130, 130), (130, 250, 130)
ANNA, ANNA_AGAIN = png(picture(60, colour=PINK)), png(picture(58, colour=PINK))
BOB = png(picture(60, colour=GREEN))
NOBODY = png(np.zeros((48, 80, 3), np.uint8))


@pytest.fixture
def galleries() -> GalleryService:
    galleries = fake_gallery_service()
    galleries.create_gallery("staff")
    return galleries


def task(galleries, force: bool = False, name: str | None = None, **files: bytes) -> EnrolTask:
    pictures = by_person(
        [BundledFile(path, lambda data=data: data) for path, data in files.items()], "folders"
    )
    return EnrolTask(galleries, "staff", pictures, LIMITS, LOCAL, force, name)


def test_each_picture_has_its_row_and_a_refused_one_stops_no_other(galleries):
    report = task(
        galleries,
        **{"anna/1.png": ANNA, "bob/1.png": NOBODY, "bob/2.txt": b"text", "bob/3.png": BOB},
    )(Progress())

    assert [row.status for row in report.rows] == ["enrolled", "refused", "refused", "enrolled"]
    assert isinstance(report.rows[1].error, NoFaceError)
    assert isinstance(report.rows[2].error, ImageDecodeError)
    assert (report.total, report.created, report.people) == (4, 2, 2)
    assert galleries.open("staff").counts().templates == 2


def test_sent_again_nothing_is_enrolled_twice(galleries):
    again = task(galleries, **{"anna/1.png": ANNA})
    again(Progress())
    report = again(Progress())

    assert [row.status for row in report.rows] == ["unchanged"]
    assert report.created == 0


def test_a_face_of_somebody_else_is_refused_unless_forced(galleries):
    task(galleries, **{"anna/1.png": ANNA})(Progress())
    files = {"carla/1.png": ANNA_AGAIN}
    refused = task(galleries, **files)(Progress())
    forced = task(galleries, force=True, **files)(Progress())

    assert isinstance(refused.rows[0].error, DuplicateFaceError)
    assert forced.rows[0].status == "enrolled"
    assert [other.subject_id for other in forced.rows[0].near] == ["anna"]


def test_a_full_name_is_kept_where_the_id_cannot_have_it(galleries):
    task(galleries, **{"Anna Schmidt/1.png": ANNA, "bob/1.png": BOB})(Progress())

    assert galleries.subject("staff", "Anna_Schmidt").profile.name == "Anna Schmidt"
    assert galleries.subject("staff", "bob").profile.name is None


def test_more_pictures_leave_name_and_metadata_as_they_are(galleries):
    task(galleries, **{"Anna Schmidt/1.png": ANNA})(Progress())
    galleries.update_subject("staff", "Anna_Schmidt", Profile("Dr. Anna", {"desk": 4}))
    task(galleries, **{"Anna Schmidt/2.png": ANNA_AGAIN})(Progress())

    profile = galleries.subject("staff", "Anna_Schmidt").profile
    assert (profile.name, dict(profile.metadata)) == ("Dr. Anna", {"desk": 4})


def test_a_name_that_the_visitor_gives_replaces_the_one_that_is_there(galleries):
    task(galleries, **{"e1/1.png": ANNA})(Progress())
    galleries.update_subject("staff", "e1", Profile("Ann", {"desk": 4}))
    task(galleries, name="Anna", **{"e1/2.png": ANNA_AGAIN})(Progress())

    profile = galleries.subject("staff", "e1").profile
    assert (profile.name, dict(profile.metadata)) == ("Anna", {"desk": 4})


def test_two_names_that_would_become_one_id_are_not_mixed_up(galleries):
    report = task(galleries, **{"Anna Schmidt/1.png": ANNA, "Anna_Schmidt/1.png": ANNA_AGAIN})(
        Progress()
    )

    assert [row.status for row in report.rows] == ["enrolled", "refused"]
    assert report.rows[1].error.key == "enroll.two_names"


def test_a_name_that_is_too_long_refuses_its_pictures_only(galleries):
    report = task(galleries, **{f"{'x ' * 101}/1.png": ANNA, "bob/1.png": BOB})(Progress())

    assert [row.status for row in report.rows] == ["refused", "enrolled"]
    assert report.rows[0].error.key == "subject.name"


def test_cancelled_it_ends_after_the_picture_in_hand_and_tells_what_it_did(galleries):
    progress = Progress()

    def last() -> bytes:
        progress.cancel()
        return ANNA

    first = BundledFile("anna/1.png", last)
    second = BundledFile("bob/1.png", lambda: BOB)
    pictures = by_person([first, second], "folders")
    report = EnrolTask(galleries, "staff", pictures, LIMITS, LOCAL)(progress)

    assert [row.subject_id for row in report.rows] == ["anna"]
    assert report.total == 2
    assert progress.step == Step(0, 2, "anna/1.png")


def test_a_full_disk_ends_it_with_what_was_done():
    class FullStore(FakeGalleryStore):
        """Takes one subject, then no more."""

        def open(self, name: str):
            gallery = super().open(name)
            if gallery.counts().subjects:
                gallery.create_subject = self._refuse  # type: ignore[method-assign]
            return gallery

        def _refuse(self, *_: object) -> None:
            raise StorageFullError("storage.full", "the disk is full")

    galleries = fake_gallery_service(store=FullStore())
    galleries.create_gallery("staff")
    report = task(galleries, **{"anna/1.png": ANNA, "bob/1.png": BOB})(Progress())

    assert [row.status for row in report.rows] == ["enrolled"]
    assert report.error.key == "storage.full"


def test_who_enrolled_stands_in_the_audit_log():
    audit = RecordingAudit()
    galleries = fake_gallery_service(audit=audit)
    galleries.create_gallery("staff")
    one = replace(task(galleries, **{"anna/1.png": ANNA}), caller=replace(LOCAL, name="desk"))
    one(Progress())

    assert audit.noted[-1][0].name == "desk"


def test_a_plan_counts_people_and_pictures():
    names = ("p/anna/1.jpg", "p/anna/2.jpg", "p/bob/1.jpg", "p/lost.jpg")
    files = [BundledFile(name, bytes) for name in names]
    plan = plan_of("0" * 32, "folders", by_person(files, "folders"))

    assert plan.people == (("anna", 2), ("bob", 1))
    assert (plan.pictures, plan.loose) == (3, 1)
