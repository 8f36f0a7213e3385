from __future__ import annotations

import logging

import pytest

from ood_face.errors import (
    DuplicateGalleryError,
    InputError,
    NoFaceError,
    SubjectNotFoundError,
    UnknownScenarioError,
)
from ood_face.service import BulkItem, GalleryService, enroll_each, migrate_gallery
from ood_face.types import Caller, IdentifyVerdict, Picture, Profile, RequestToken, Verdict
from tests.fakes import FakeEmbedder, fake_service, picture
from tests.fakes.audit import RecordingAudit
from tests.fakes.galleries import FakeGallery, FakeGalleryStore
from tests.unit.service.people import ANN, BEN, CAT, GALLERY, ask, gallery_service, image_of, photo


def with_ann_and_ben(**options: object) -> GalleryService:
    service = gallery_service(**options)
    service.enroll(GALLERY, ask("ann", photo(ANN), profile=Profile("Ann")))
    service.enroll(GALLERY, ask("ben", photo(BEN)))
    return service


def test_who_is_enrolled_is_identified_with_the_margin():
    found = with_ann_and_ben().identify(GALLERY, photo(ANN, 70).image)
    assert found.verdict is IdentifyVerdict.IDENTIFIED
    assert [one.subject_id for one in found.candidates] == ["ann", "ben"]
    assert found.candidates[0].name == "Ann"
    assert found.candidates[0].similarity == pytest.approx(1, abs=1e-5)
    assert found.margin == pytest.approx(
        found.candidates[0].similarity - found.candidates[1].similarity
    )
    assert (found.gallery, found.scenario.name) == (GALLERY, "default")


def test_who_is_not_enrolled_is_unknown():
    found = with_ann_and_ben().identify(GALLERY, image_of(CAT))
    assert found.verdict is IdentifyVerdict.UNKNOWN
    assert len(found.candidates) == 2


def test_a_poor_probe_is_to_be_retaken():
    dark = tuple(value // 2 for value in ANN)
    found = with_ann_and_ben().identify(GALLERY, image_of(dark))
    assert found.verdict is IdentifyVerdict.RECAPTURE


def test_two_subjects_with_one_face_are_ambiguous():
    service = with_ann_and_ben()
    service.enroll(GALLERY, ask("anna", photo(ANN, 60), force=True))
    found = service.identify(GALLERY, image_of(ANN), top_k=1)
    assert found.verdict is IdentifyVerdict.REVIEW
    assert found.reasons[0].key == "identify.ambiguous"
    # the margin is known although one candidate was asked for
    assert len(found.candidates) == 1
    assert found.margin == pytest.approx(0, abs=1e-5)


def test_a_subject_with_many_templates_hides_no_other():
    service = gallery_service(max_templates=5)
    service.enroll(GALLERY, ask("ann", *(photo(ANN, 50 + i) for i in range(5))))
    service.enroll(GALLERY, ask("ben", photo(BEN)))
    assert len(service.identify(GALLERY, image_of(ANN), top_k=2).candidates) == 2


@pytest.mark.parametrize("top_k", [0, -1, 101])
def test_the_number_of_candidates_has_limits(top_k):
    with pytest.raises(InputError, match=r"1\.\.100"):
        with_ann_and_ben().identify(GALLERY, image_of(ANN), top_k=top_k)


def test_a_claimed_identity_is_verified():
    service = with_ann_and_ben()
    assert service.verify(GALLERY, "ann", image_of(ANN)).verdict is Verdict.SAME
    assert service.verify(GALLERY, "ben", image_of(ANN)).verdict is Verdict.DIFFERENT


def test_a_claim_to_be_somebody_unknown_is_an_error():
    service = with_ann_and_ben()
    service.enroll(GALLERY, ask("empty"))
    with pytest.raises(SubjectNotFoundError, match="no subject nobody"):
        service.verify(GALLERY, "nobody", image_of(ANN))
    with pytest.raises(SubjectNotFoundError, match="no template"):
        service.verify(GALLERY, "empty", image_of(ANN))


def test_who_was_removed_is_not_found_any_more():
    service = with_ann_and_ben()
    service.remove_subject(GALLERY, "ann")
    found = service.identify(GALLERY, image_of(ANN))
    assert [one.subject_id for one in found.candidates] == ["ben"]
    assert found.verdict is IdentifyVerdict.UNKNOWN


def test_a_template_can_go_while_its_subject_stays():
    service = with_ann_and_ben()
    (record,) = service.subject(GALLERY, "ann").templates
    assert service.remove_template(GALLERY, "ann", record.template_id).templates == ()


def test_a_page_has_limits():
    service = with_ann_and_ben()
    assert [s.subject_id for s in service.subjects(GALLERY, limit=1)] == ["ann"]
    assert [s.subject_id for s in service.subjects(GALLERY, after="ann")] == ["ben"]
    for limit in (0, 1001, 1_000_000):
        with pytest.raises(InputError, match="1 to 1000"):
            service.subjects(GALLERY, limit=limit)


def test_a_gallery_made_twice_by_one_request_is_one():
    service = gallery_service()
    with pytest.raises(DuplicateGalleryError):
        service.create_gallery(GALLERY)
    token = RequestToken("key", "body")
    first = service.create_gallery("guests", token=token)
    assert service.create_gallery("guests", token=token) == first
    with pytest.raises(UnknownScenarioError):
        service.create_gallery("other", scenario="nowhere")


def test_every_call_is_noted_with_its_outcome_and_nothing_personal():
    audit = RecordingAudit()
    service = with_ann_and_ben(audit=audit)
    caller = Caller("gate-1", "request-7")
    service.identify(GALLERY, image_of(ANN), caller=caller)
    service.identify(GALLERY, image_of(CAT), caller=caller)
    with pytest.raises(NoFaceError):
        service.enroll(GALLERY, ask("cat", Picture(picture(), "hash")), caller)
    service.remove_subject(GALLERY, "ann", caller=caller)
    assert audit.outcomes() == [
        ("create_gallery", "ok"),
        ("enroll", "enrolled"),
        ("enroll", "enrolled"),
        ("identify", "identified"),
        ("identify", "unknown"),
        ("enroll", "face.none"),
        ("delete", "ok"),
    ]
    assert {who for who, _ in audit.noted[3:]} == {caller}
    identified, unknown = audit.noted[3][1], audit.noted[4][1]
    assert identified.subject_id == "ann"
    assert set(identified.values) == {"similarity", "margin"}
    # a stranger is not put down as whoever is nearest
    assert unknown.subject_id is None


def test_a_call_that_meets_a_defect_is_not_noted_as_done():
    class BrokenEmbedder(FakeEmbedder):
        def embed(self, crops):
            raise ZeroDivisionError(len(crops))

    audit = RecordingAudit()
    service = gallery_service(audit=audit, embedder=BrokenEmbedder())
    with pytest.raises(ZeroDivisionError):
        service.identify(GALLERY, image_of(ANN))
    assert audit.outcomes()[-1] == ("identify", "request.failed")


def test_a_broken_audit_log_is_told_and_undoes_nothing(caplog):
    service = gallery_service(audit=RecordingAudit(broken=True))
    with caplog.at_level(logging.ERROR):
        service.enroll(GALLERY, ask("ann", photo(ANN)))
    assert "not in the audit log" in caplog.text
    assert service.subject(GALLERY, "ann").subject_id == "ann"


def test_in_bulk_one_that_is_refused_stops_no_other():
    service = gallery_service()
    items = [
        BulkItem("ann", (lambda: photo(ANN),), Profile("Ann"), "ann.jpg"),
        BulkItem("nobody", (lambda: Picture(picture(), "dark"),)),
        BulkItem("ben", (lambda: photo(BEN),)),
    ]
    results = list(enroll_each(service, GALLERY, items))
    assert [r.error is None for r in results] == [True, False, True]
    assert isinstance(results[1].error, NoFaceError)
    again = list(enroll_each(service, GALLERY, items))
    assert [p.status for p in again[0].enrolment.pictures] == ["unchanged"]
    assert service.open(GALLERY).counts().subjects == 2


def test_bulk_reads_a_picture_only_when_its_turn_comes():
    service, read = gallery_service(), []

    def reader(name, colour):
        def load():
            read.append(name)
            return photo(colour)

        return load

    items = (BulkItem(name, (reader(name, c),)) for name, c in (("ann", ANN), ("ben", BEN)))
    results = enroll_each(service, GALLERY, items)
    next(results)
    assert read == ["ann"]


def test_a_gallery_is_migrated_to_another_model_from_its_crops():
    store = FakeGalleryStore()
    old = with_ann_and_ben(store=store, embedder=FakeEmbedder("old-1"), keep_crops=True)
    old.enroll(GALLERY, ask("empty", profile=Profile("No picture")))
    faces = fake_service()
    service = GalleryService(faces, store, RecordingAudit())
    service.create_gallery("staff-2", keep_crops=True)
    progress: list[int] = []
    report = migrate_gallery(service.open(GALLERY), service.open("staff-2"), faces, progress.append)
    assert (report.subjects, report.templates, report.skipped) == (3, 2, 0)
    assert report.to_enroll_again == ("empty",)
    assert progress == [1, 2, 3]
    found = service.identify("staff-2", image_of(ANN))
    assert (found.candidates[0].subject_id, found.candidates[0].name) == ("ann", "Ann")
    assert found.candidates[0].similarity == pytest.approx(1, abs=1e-3)
    again = migrate_gallery(service.open(GALLERY), service.open("staff-2"), faces)
    assert (again.subjects, again.skipped) == (0, 3)
    # the old gallery is as it was
    assert old.open(GALLERY).counts().templates == 2


def test_closing_lets_go_of_store_and_log():
    audit = RecordingAudit()
    service = gallery_service(audit=audit)
    service.close()
    assert audit.closed


def test_who_looks_at_a_kept_face_is_noted():
    audit = RecordingAudit()
    service = with_ann_and_ben(audit=audit, keep_crops=True)
    (record,) = service.subject(GALLERY, "ann").templates
    assert service.crop(GALLERY, "ann", record.template_id, Caller("desk")).shape == (112, 112, 3)
    who, event = audit.noted[-1]
    assert (who.name, event.action, event.subject_id) == ("desk", "read_crop", "ann")


def test_warming_up_asks_every_gallery():
    asked: list[str] = []

    class CountingGallery(FakeGallery):
        def search(self, features, count):
            asked.append(self.info.name)
            return super().search(features, count)

    class CountingStore(FakeGalleryStore):
        def open(self, name):
            opened = super().open(name)
            return CountingGallery(opened._memory, opened._content)

    service = gallery_service(CountingStore())
    service.create_gallery("guests")
    service.warm_up()
    assert asked == ["guests", "staff"]
