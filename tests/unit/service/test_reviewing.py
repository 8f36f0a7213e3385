from __future__ import annotations

import numpy as np
import pytest

from ood_face.config import Settings
from ood_face.errors import InputError, ReviewNotFoundError, StorageError, SubjectNotFoundError
from ood_face.matching import load_scenarios
from ood_face.service import (
    Flagger,
    GalleryService,
    Policies,
    ReviewedFaceService,
    ReviewService,
)
from ood_face.service.flagging import ambiguity
from ood_face.types import (
    EVIDENCE_TERMS,
    Caller,
    ReviewKind,
    ReviewLabel,
    SameModel,
    Scenario,
    Verdict,
)
from tests.fakes import CountingAdmission, FakeDetector, FakeEmbedder, fake_align, fake_service
from tests.fakes.audit import RecordingAudit
from tests.fakes.galleries import FakeGalleryStore
from tests.fakes.review import FakeReviewQueue, case, everything, yes
from tests.unit.service.people import ANN, BEN, GALLERY, ask, dim, image_of, photo

DESK = Caller("desk", "req-1")


@pytest.fixture
def queue() -> FakeReviewQueue:
    return FakeReviewQueue()


@pytest.fixture
def audit() -> RecordingAudit:
    return RecordingAudit()


@pytest.fixture
def review(queue, audit) -> ReviewService:
    return ReviewService(queue, audit)


def faces_over(queue, uncertain_above=0.5, same_model=None) -> ReviewedFaceService:
    return ReviewedFaceService(
        Flagger(queue, uncertain_above),
        FakeDetector(),
        FakeEmbedder(),
        Policies(load_scenarios(), same_model),
        CountingAdmission(),
        fake_align,
        dominant_face_ratio=2.0,
    )


def galleries_over(queue, faces=None) -> GalleryService:
    service = GalleryService(
        fake_service() if faces is None else faces,
        FakeGalleryStore(),
        RecordingAudit(),
        Flagger(queue, 0.5),
    )
    service.create_gallery(GALLERY)
    service.enroll(GALLERY, ask("ann", photo(ANN)))
    service.enroll(GALLERY, ask("ben", photo(BEN)))
    return service


class RecordingObserver:
    def __init__(self) -> None:
        self.labels: list[tuple[float, bool]] = []

    def observe(self, observation) -> None:
        pytest.fail(f"a label is no observation: {observation}")

    def labelled(self, probability: float, same: bool) -> None:
        self.labels.append((probability, same))


def offered(queue, *cases):
    for one in cases:
        queue.offer(one, yes)
    return [item.item_id for item in reversed(everything(queue))]


def test_a_clear_comparison_is_nobodys_business(queue):
    assert faces_over(queue).compare(image_of(ANN), image_of(ANN)).verdict is Verdict.SAME
    assert faces_over(queue).compare(image_of(ANN), image_of(BEN)).verdict is Verdict.DIFFERENT
    assert everything(queue) == []


def test_a_comparison_to_be_retaken_enters_the_queue_as_it_was_answered(queue):
    found = faces_over(queue).compare(image_of(ANN), dim(ANN, 0.5).image)
    (item,) = everything(queue)
    assert found.verdict is Verdict.RECAPTURE
    assert (item.case.kind, item.case.verdict) == (ReviewKind.COMPARE, "recapture")
    assert item.case.similarity == found.similarity
    assert item.case.score_a == found.template_a.ood_score
    assert item.case.score_b == found.template_b.ood_score
    assert item.case.reasons == found.reasons
    assert (item.case.scenario, item.case.model_id) == ("default", "fake-1")
    assert (item.case.gallery, item.case.subject_id) == (None, None)


def test_a_search_enters_with_its_first_candidate_and_a_verification_with_its_claim(queue):
    galleries = galleries_over(queue)
    sought = galleries.identify(GALLERY, dim(ANN, 0.5).image)
    galleries.verify(GALLERY, "ben", dim(ANN, 0.5).image)

    verified, identified = (item.case for item in everything(queue))
    assert (identified.kind, identified.subject_id) == (ReviewKind.IDENTIFY, "ann")
    assert identified.template_id == sought.candidates[0].template_id
    assert identified.score_a == sought.probe.ood_score
    assert identified.score_b == sought.candidates[0].ood_score
    assert (verified.kind, verified.subject_id, verified.gallery) == ("verify", "ben", GALLERY)


def test_a_search_in_an_empty_gallery_has_nothing_to_label(queue):
    galleries = galleries_over(queue)
    galleries.create_gallery("empty")
    galleries.identify("empty", dim(ANN, 0.5).image)
    assert everything(queue) == []


@pytest.mark.parametrize(("limit", "count"), [(0.0, 1), (1.0, 0)])
def test_a_clear_verdict_enters_if_its_probability_is_uncertain_enough(queue, limit, count):
    terms = len(EVIDENCE_TERMS)
    weights = 0.1 * (np.arange(terms) == 0)  # whatever the pictures are
    model = SameModel("fake-1", weights, np.zeros((terms, terms)), (-5, 5))
    found = faces_over(queue, limit, model).compare(image_of(ANN), image_of(ANN))
    assert found.verdict is Verdict.SAME
    assert found.probability == pytest.approx(0.525, abs=0.001)
    assert len(everything(queue)) == count


@pytest.mark.parametrize(("term", "weight", "count"), [(1, -4.0, 1), (0, 4.0, 0)])
def test_a_verdict_that_its_probability_contradicts_enters_however_sure_that_is(
    queue, term, weight, count
):
    terms = len(EVIDENCE_TERMS)
    weights = weight * (np.arange(terms) == term)
    model = SameModel("fake-1", weights, np.zeros((terms, terms)), (-5, 5))
    found = faces_over(queue, 1.0, model).compare(image_of(ANN), image_of(ANN))
    assert found.verdict is Verdict.SAME
    assert found.probability < 0.1 if count else found.probability > 0.9
    assert len(everything(queue)) == count


def test_aligned_faces_are_cut_out_only_if_they_are_kept():
    keeping, not_keeping = FakeReviewQueue(keeps_crops=True), FakeReviewQueue()
    dark = dim(ANN, 0.5).image
    for queue in (keeping, not_keeping):
        faces = faces_over(queue)
        faces.compare(image_of(ANN), dark)
        galleries_over(queue, faces).identify(GALLERY, dark)
    assert [item.crop_count for item in everything(keeping)] == [1, 2]
    assert [item.crop_count for item in everything(not_keeping)] == [0, 0]
    (face,) = faces_over(keeping).extract(dark)
    (probe,) = keeping.crops(everything(keeping)[0].item_id)
    assert np.array_equal(probe, fake_align(dark, face.face))


@pytest.mark.parametrize(
    ("similarity", "expected"),
    # halfway, at each threshold, twice as far as they are
    [(0.4, 1.0), (0.45, 0.5), (0.35, 0.5), (0.5, 0.2), (0.3, 0.2)],
)
def test_without_a_probability_doubt_falls_with_the_distance_from_the_middle(similarity, expected):
    assert ambiguity(similarity, None, Scenario("x")) == pytest.approx(expected)


@pytest.mark.parametrize(("probability", "expected"), [(0.5, 1), (0.75, 0.5), (0, 0), (1, 0)])
def test_with_a_probability_doubt_is_how_near_it_is_to_a_half(probability, expected):
    assert ambiguity(0.9, probability, Scenario("x")) == pytest.approx(expected)


def test_thresholds_that_are_one_give_a_finite_doubt():
    assert 0 < ambiguity(0.9, None, Scenario("x", same_above=0.4, different_below=0.4)) < 0.05


def test_erasing_a_subject_says_so_where_its_items_cannot_be_erased_and_can_be_repeated(queue):
    galleries = galleries_over(queue)
    galleries.identify(GALLERY, dim(ANN, 0.5).image)
    queue.broken = True
    with pytest.raises(StorageError):
        galleries.remove_subject(GALLERY, "ann")
    assert [one.subject_id for one in galleries.subjects(GALLERY)] == ["ben"]
    queue.broken = False
    with pytest.raises(SubjectNotFoundError):
        galleries.remove_subject(GALLERY, "ann")
    assert everything(queue) == []


def test_closing_the_galleries_closes_the_queue(queue):
    galleries_over(queue).close()
    assert queue.closed


def test_labels_and_erasures_are_noted_with_who_and_what(review, queue, audit):
    first, second = offered(queue, case(1), case(2))
    labelled = review.label(first, ReviewLabel.DIFFERENT, DESK)
    review.delete(second, DESK)

    assert (labelled.mark.label, labelled.mark.by) == (ReviewLabel.DIFFERENT, "desk")
    assert audit.outcomes() == [("label_review", "different"), ("delete_review", "ok")]
    for (caller, event), item_id in zip(audit.noted, (first, second), strict=True):
        assert (caller, event.gallery, event.values["item"]) == (DESK, "staff", item_id)
        assert event.subject_id.startswith("subject-")


def test_what_was_said_can_be_taken_back_and_is_told_to_observers_once(review, queue, audit):
    observer = RecordingObserver()
    review.feed.attach(observer)
    (item_id,) = offered(queue, case(probability=0.4))
    review.label(item_id, ReviewLabel.SAME, DESK)

    assert review.take_back(item_id, DESK).mark is None
    assert review.label(item_id, ReviewLabel.DIFFERENT, DESK).mark.label is ReviewLabel.DIFFERENT
    assert observer.labels == [(0.4, True)]
    outcomes = [outcome for _, outcome in audit.outcomes()]
    assert outcomes == ["same", "taken_back", "different"]


def test_a_face_that_was_not_kept_is_told(review, queue):
    (item_id,) = offered(queue, case())
    for index in (-1, 0, 1):
        with pytest.raises(ReviewNotFoundError) as caught:
            review.crop(item_id, index)
        assert caught.value.key == "review.no_crop"


def test_what_is_labelled_same_or_different_is_exported(review, queue, audit):
    nobody = {"gallery": None, "subject_id": None, "template_id": None}
    ids = offered(
        queue,
        case(1, similarity=0.41),
        case(1, similarity=0.42, score_b=None),
        case(2, similarity=0.43),
        case(2, similarity=0.44),
        case(3, similarity=0.45, **nobody),
        case(4, similarity=0.46, **nobody),
        case(2, similarity=0.47, gallery="visitors"),
    )
    labels = ["same", "different", "unusable", "same", "same", "different", "same"]
    for item_id, label in zip(ids, labels, strict=True):
        review.label(item_id, ReviewLabel(label))

    found = review.export(caller=DESK)

    assert found["scores"].tolist() == [0.41, 0.42, 0.44, 0.45, 0.46, 0.47]
    assert found["labels"].tolist() == [1, 0, 1, 1, 0, 1]
    # one subject is one group; who was compared, or is in another gallery, may be anybody
    assert found["groups"].tolist() == [0, 0, 1, 2, 3, 4]
    assert found["ood_score_a"].tolist() == [0.5] * 6
    assert np.isnan(found["ood_score_b"]).tolist() == [False, True, False, False, False, False]
    assert str(found["model_id"]) == "fake-1"
    assert audit.outcomes()[-1] == ("export_review", "ok")
    assert audit.noted[-1][1].values == {"items": 6}


def test_items_of_several_models_are_not_mixed(review, queue):
    for item_id in offered(queue, case(1), case(2, model_id="other-2")):
        review.label(item_id, ReviewLabel.SAME)
    with pytest.raises(InputError, match="fake-1, other-2"):
        review.export()
    assert len(review.export("other-2")["scores"]) == 1


def test_nothing_labelled_is_told(review, queue, audit):
    (item_id,) = offered(queue, case())
    review.label(item_id, ReviewLabel.UNUSABLE)
    with pytest.raises(InputError) as caught:
        review.export()
    assert caught.value.key == "review.nothing_labelled"
    assert audit.outcomes()[-1] == ("export_review", "review.nothing_labelled")


def test_pictures_are_kept_only_if_that_was_switched_on():
    assert not Settings().review_crops
