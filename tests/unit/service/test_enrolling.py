from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from ood_face.errors import (
    DuplicateFaceError,
    DuplicateSubjectError,
    GalleryNotFoundError,
    InputError,
    LowQualityError,
    MultipleFacesError,
    NoFaceError,
    SubjectNotFoundError,
    TemplateMismatchError,
    TokenReusedError,
    UnknownScenarioError,
    VersionConflictError,
)
from ood_face.service import GalleryService
from ood_face.types import EnrolmentStatus, Picture, Profile, QualityScore, RequestToken
from tests.fakes import FakeEmbedder, fake_service, picture
from tests.fakes.audit import RecordingAudit
from tests.fakes.galleries import FakeGalleryStore
from tests.unit.service.people import ANN, BEN, CAT, GALLERY, ask, dim, gallery_service, photo

TOKEN = RequestToken("key", "body")


def test_a_new_subject_is_there_afterwards():
    service = gallery_service()
    done = service.enroll(GALLERY, ask("ann", photo(ANN), profile=Profile("Ann", {"floor": 3})))
    assert done.created
    assert not done.replayed
    assert [p.status for p in done.pictures] == [EnrolmentStatus.ENROLLED]
    subject = service.subject(GALLERY, "ann")
    assert subject == done.subject
    assert (subject.profile.name, subject.profile.metadata["floor"]) == ("Ann", 3)
    (record,) = subject.templates
    assert record.source_hash == photo(ANN).source_hash
    assert record.ood_score == pytest.approx(2 / 3, abs=0.01)
    assert record.model_id == "fake-1"
    assert not record.has_crop


def test_a_subject_may_come_without_a_picture():
    service = gallery_service()
    assert service.enroll(GALLERY, ask("ann")).subject.templates == ()
    assert service.identify(GALLERY, photo(ANN).image).candidates == ()


@pytest.mark.parametrize(
    ("image", "error"),
    [(picture(), NoFaceError), (picture(40, 40), MultipleFacesError)],
)
def test_a_picture_without_exactly_one_face_is_refused(image, error):
    service = gallery_service()
    with pytest.raises(error):
        service.enroll(GALLERY, ask("ann", photo(ANN), Picture(image, "hash")))
    with pytest.raises(SubjectNotFoundError):
        service.subject(GALLERY, "ann")


def test_the_picture_to_blame_is_told():
    service = gallery_service()
    with pytest.raises(LowQualityError) as caught:
        service.enroll(GALLERY, ask("ann", photo(ANN), dim(ANN)))
    assert caught.value.picture == 1
    assert service.open(GALLERY).counts().subjects == 0


def test_the_scenario_decides_what_is_good_enough():
    service = gallery_service()
    with pytest.raises(LowQualityError):
        service.enroll(GALLERY, ask("ann", dim(ANN, 0.7)))
    done = service.enroll(GALLERY, ask("ann", dim(ANN, 0.7), scenario="attendance"))
    assert done.created


def test_the_gallerys_scenario_holds_where_the_request_names_none():
    service = gallery_service(scenario="attendance")
    assert service.enroll(GALLERY, ask("ann", dim(ANN, 0.7))).created
    with pytest.raises(LowQualityError):
        service.enroll(GALLERY, ask("ben", dim(BEN, 0.7), scenario="default"))


def test_a_model_without_scores_enrols_and_says_so():
    service = gallery_service(embedder=FakeEmbedder(quality_score=QualityScore.NONE))
    done = service.enroll(GALLERY, ask("ann", dim(ANN)))
    assert [r.key for r in done.pictures[0].reasons] == ["enroll.no_score"]
    assert done.subject.templates[0].ood_score is None


def test_a_face_that_another_subject_has_is_refused_unless_forced():
    service = gallery_service()
    service.enroll(GALLERY, ask("ann", photo(ANN)))
    with pytest.raises(DuplicateFaceError) as caught:
        service.enroll(GALLERY, ask("anna", photo(ANN, 60)))
    assert caught.value.values["subject"] == "ann"
    assert service.open(GALLERY).counts().subjects == 1
    forced = service.enroll(GALLERY, ask("anna", photo(ANN, 60), force=True))
    assert [one.subject_id for one in forced.near_duplicates] == ["ann"]


def test_the_same_face_sent_twice_at_once_becomes_one_subject():
    service = gallery_service()

    def attempt(name: str) -> bool:
        try:
            service.enroll(GALLERY, ask(name, photo(ANN)))
        except DuplicateFaceError:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        done = list(pool.map(attempt, [f"ann{i}" for i in range(8)]))
    assert sum(done) == 1
    assert service.open(GALLERY).counts().subjects == 1


def test_a_picture_that_is_enrolled_is_not_worked_on_again():
    service = gallery_service()
    service.enroll(GALLERY, ask("ann", photo(ANN)))
    again = service.enroll(GALLERY, ask("ann", photo(ANN), photo(ANN, 60)))
    assert [p.status for p in again.pictures] == ["unchanged", "enrolled"]
    assert not again.created
    assert len(again.subject.templates) == 2


def test_the_same_picture_twice_in_a_request_becomes_one_template():
    service = gallery_service()
    done = service.enroll(GALLERY, ask("ann", photo(ANN), photo(ANN)))
    assert len(done.subject.templates) == 1
    assert done.pictures[0].template == done.pictures[1].template


def test_the_best_templates_are_kept():
    service = gallery_service(max_templates=2)
    service.enroll(GALLERY, ask("ann", dim(ANN, 0.8), dim(ANN, 0.9)))
    worst = min(service.subject(GALLERY, "ann").templates, key=lambda r: r.ood_score)
    done = service.enroll(GALLERY, ask("ann", photo(ANN)))
    assert done.evicted == (worst.template_id,)
    poor = service.enroll(GALLERY, ask("ann", dim(ANN, 0.85)))
    assert [p.status for p in poor.pictures] == ["not_kept"]
    assert poor.pictures[0].template is None
    assert poor.subject == done.subject


def test_a_face_unlike_the_others_of_the_subject_is_pointed_out():
    service = gallery_service()
    service.enroll(GALLERY, ask("ann", photo(ANN)))
    done = service.enroll(GALLERY, ask("ann", photo(BEN)))
    assert [r.key for r in done.pictures[0].reasons] == ["enroll.unlike"]


def test_what_the_caller_expects_is_checked_before_any_work():
    service = gallery_service()
    service.enroll(GALLERY, ask("ann", photo(ANN)))
    with pytest.raises(DuplicateSubjectError):
        service.enroll(GALLERY, ask("ann", Picture(picture(), "no face"), expect="new"))
    with pytest.raises(SubjectNotFoundError):
        service.enroll(GALLERY, ask("ben", Picture(picture(), "no face"), expect="known"))


def test_a_request_sent_again_changes_nothing_and_is_told_so():
    service = gallery_service()
    first = service.enroll(GALLERY, ask("ann", photo(ANN), expect="new", token=TOKEN))
    again = service.enroll(GALLERY, ask("ann", photo(ANN), expect="new", token=TOKEN))
    assert (again.replayed, again.created, again.subject) == (True, True, first.subject)


def test_a_key_that_came_with_another_request_is_refused():
    service = gallery_service()
    service.enroll(GALLERY, ask("ann", photo(ANN), token=TOKEN))
    with pytest.raises(TokenReusedError):
        service.enroll(GALLERY, ask("ben", photo(BEN), token=RequestToken("key", "other")))


def test_requests_with_one_key_at_once_enrol_once():
    service = gallery_service()
    request = ask("ann", photo(ANN), expect="new", token=TOKEN)
    with ThreadPoolExecutor(8) as pool:
        done = list(pool.map(lambda _: service.enroll(GALLERY, request), range(8)))
    assert sorted(one.replayed for one in done) == [False] + 7 * [True]


def test_a_version_seen_before_a_change_is_refused():
    service = gallery_service()
    seen = service.enroll(GALLERY, ask("ann", photo(ANN))).subject.version
    service.update_subject(GALLERY, "ann", Profile("Ann"))
    with pytest.raises(VersionConflictError):
        service.enroll(GALLERY, ask("ann", photo(ANN, 60), if_version=seen))


def test_a_profile_given_with_a_picture_replaces_the_old_one():
    service = gallery_service()
    service.enroll(GALLERY, ask("ann", photo(ANN), profile=Profile("Ann")))
    done = service.enroll(GALLERY, ask("ann", photo(ANN, 60), profile=Profile("Dr Ann")))
    assert done.subject.profile.name == "Dr Ann"
    assert service.enroll(GALLERY, ask("ann", photo(ANN, 70))).subject.profile.name == "Dr Ann"


def test_crops_are_kept_only_where_the_gallery_says_so():
    service = gallery_service(keep_crops=True)
    done = service.enroll(GALLERY, ask("ann", photo(ANN)))
    crop = service.open(GALLERY).crop(done.subject.templates[0].template_id)
    assert crop is not None
    assert crop.shape == (112, 112, 3)
    plain = gallery_service()
    done = plain.enroll(GALLERY, ask("ann", photo(ANN)))
    assert plain.open(GALLERY).crop(done.subject.templates[0].template_id) is None


def test_a_gallery_of_another_model_is_refused_with_both_names():
    store = FakeGalleryStore()
    gallery_service(store, embedder=FakeEmbedder("old-1"))
    service = GalleryService(fake_service(), store, RecordingAudit())
    with pytest.raises(TemplateMismatchError, match=r"old-1.*fake-1"):
        service.enroll(GALLERY, ask("ann", photo(ANN)))
    with pytest.raises(TemplateMismatchError):
        service.identify(GALLERY, photo(ANN).image)
    with pytest.raises(TemplateMismatchError):
        service.verify(GALLERY, "ann", photo(ANN).image)


@pytest.mark.parametrize("subject_id", ["", "a/b", "a:b", ".hidden", "x" * 129, "a b", "a\n"])
def test_a_malformed_id_is_refused(subject_id):
    with pytest.raises(InputError, match="1 to 128"):
        gallery_service().enroll(GALLERY, ask(subject_id))


@pytest.mark.parametrize("subject_id", ["张伟", "a.b@c", "E-1042", "x" * 128])
def test_ids_of_any_script_are_taken(subject_id):
    service = gallery_service()
    service.enroll(GALLERY, ask(subject_id, photo(CAT)))
    assert service.subject(GALLERY, subject_id).subject_id == subject_id


def test_unknown_names_are_told():
    service = gallery_service()
    with pytest.raises(GalleryNotFoundError):
        service.enroll("nowhere", ask("ann"))
    with pytest.raises(UnknownScenarioError):
        service.enroll(GALLERY, ask("ann", scenario="nowhere"))
