"""What comes between the steps of an enrolment."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from ood_face.errors import DuplicateFaceError, VersionConflictError
from ood_face.service import GalleryService
from ood_face.types import IdentifyVerdict, Profile, RequestToken
from tests.fakes import fake_service
from tests.fakes.audit import RecordingAudit
from tests.fakes.galleries import FakeGallery, FakeGalleryStore, Memory
from tests.unit.service.people import ANN, BEN, GALLERY, ask, dim, gallery_service, image_of, photo

if TYPE_CHECKING:
    from collections.abc import Callable

TOKEN = RequestToken("key", "body")


class InterruptedGallery(FakeGallery):
    """Lets something happen once, right after a call has found what it returns."""

    interruptions: dict[str, Callable[[], object]]

    def enrolled(self, *asked):
        found = super().enrolled(*asked)
        self.interruptions.pop("enrolled", lambda: None)()
        return found

    def find_token(self, *asked):
        found = super().find_token(*asked)
        self.interruptions.pop("find_token", lambda: None)()
        return found

    def search(self, *asked):
        found = super().search(*asked)
        self.interruptions.pop("search", lambda: None)()
        return found


class InterruptedStore(FakeGalleryStore):
    def __init__(self, memory: Memory) -> None:
        super().__init__(memory)
        self.interruptions: dict[str, Callable[[], object]] = {}

    def open(self, name: str) -> InterruptedGallery:
        opened = InterruptedGallery(self._memory, self._content(name))
        opened.interruptions = self.interruptions
        return opened


def two_services(**gallery: object) -> tuple[GalleryService, GalleryService, dict]:
    """Return a service that is interrupted, its rival over the same store, the interruptions."""
    memory = Memory()
    rival = gallery_service(FakeGalleryStore(memory), **gallery)
    store = InterruptedStore(memory)
    return GalleryService(fake_service(), store, RecordingAudit()), rival, store.interruptions


@pytest.mark.parametrize("moment", ["enrolled", "find_token"])
def test_a_request_whose_twin_was_just_carried_out_is_a_replay_and_no_duplicate(moment):
    service, rival, interruptions = two_services()
    request = ask("ann", photo(ANN), expect="new", token=TOKEN)
    interruptions[moment] = lambda: rival.enroll(GALLERY, request)
    done = service.enroll(GALLERY, request)
    assert (done.replayed, done.created) == (True, True)
    assert service.open(GALLERY).counts().subjects == 1


def test_a_picture_that_somebody_else_enrols_at_the_same_time_becomes_one_template():
    service, rival, interruptions = two_services()
    rival.enroll(GALLERY, ask("ann"))
    interruptions["enrolled"] = lambda: rival.enroll(GALLERY, ask("ann", photo(ANN)))
    done = service.enroll(GALLERY, ask("ann", photo(ANN), photo(ANN, 60)))
    assert [p.status for p in done.pictures] == ["unchanged", "enrolled"]
    assert len(service.subject(GALLERY, "ann").templates) == 2


def test_a_picture_whose_template_is_erased_at_the_same_time_is_enrolled_all_the_same():
    service, rival, interruptions = two_services()
    rival.enroll(GALLERY, ask("ann", photo(ANN)))
    interruptions["enrolled"] = lambda: rival.remove_subject(GALLERY, "ann")
    done = service.enroll(GALLERY, ask("ann", photo(ANN)))
    assert done.created
    assert [p.status for p in done.pictures] == ["enrolled"]
    found = service.identify(GALLERY, image_of(ANN))
    assert found.candidates[0].subject_id == "ann"


def test_a_name_that_is_changed_at_the_same_time_stands_in_no_ones_way():
    service, rival, interruptions = two_services()
    rival.enroll(GALLERY, ask("ann", photo(ANN)))
    interruptions["search"] = lambda: rival.update_subject(GALLERY, "ann", Profile("Ann"))
    done = service.enroll(GALLERY, ask("ann", photo(ANN, 60)))
    assert done.subject.profile.name == "Ann"
    assert len(done.subject.templates) == 2


def test_a_version_the_caller_demands_is_not_given_up_for_a_change_in_between():
    service, rival, interruptions = two_services()
    seen = rival.enroll(GALLERY, ask("ann", photo(ANN))).subject.version
    interruptions["search"] = lambda: rival.update_subject(GALLERY, "ann", Profile("Ann"))
    with pytest.raises(VersionConflictError):
        service.enroll(GALLERY, ask("ann", photo(ANN, 60), if_version=seen))
    assert len(service.subject(GALLERY, "ann").templates) == 1


def test_a_version_is_checked_also_where_there_is_nothing_to_add():
    service = gallery_service()
    seen = service.enroll(GALLERY, ask("ann", photo(ANN))).subject.version
    assert not service.enroll(GALLERY, ask("ann", photo(ANN), if_version=seen)).created
    service.update_subject(GALLERY, "ann", Profile("Ann"))
    with pytest.raises(VersionConflictError):
        service.enroll(GALLERY, ask("ann", photo(ANN), if_version=seen))


def with_more_templates_than_are_kept() -> GalleryService:
    """Return a service with ann's 20 templates, in a gallery that keeps one from now on."""
    service = gallery_service(max_templates=20)
    service.enroll(GALLERY, ask("ann", *(photo(ANN, 48 + i) for i in range(20))))
    service.update_gallery(replace(service.open(GALLERY).info, max_templates=1))
    return service


def test_a_gallery_that_keeps_fewer_takes_none_away_for_a_picture_it_has():
    service = with_more_templates_than_are_kept()
    done = service.enroll(GALLERY, ask("ann", photo(ANN), profile=Profile("Ann")))
    assert done.evicted == ()
    assert len(done.subject.templates) == 20
    assert done.subject.profile.name == "Ann"


def test_many_templates_of_one_subject_hide_no_other_from_a_search():
    service = with_more_templates_than_are_kept()
    service.enroll(GALLERY, ask("anna", dim(ANN, 0.95), force=True))
    found = service.identify(GALLERY, image_of(ANN), top_k=1)
    assert found.margin is not None
    assert found.verdict is IdentifyVerdict.REVIEW
    assert found.reasons[0].key == "identify.ambiguous"


def test_many_templates_of_one_subject_hide_no_other_that_has_the_face_already():
    service = with_more_templates_than_are_kept()
    service.enroll(GALLERY, ask("ben", dim(ANN, 0.95), force=True))
    with pytest.raises(DuplicateFaceError) as caught:
        service.enroll(GALLERY, ask("ann", photo(ANN, 80)))
    assert caught.value.values["subject"] == "ben"
    assert service.enroll(GALLERY, ask("carl", photo(BEN))).created
