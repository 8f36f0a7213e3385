from __future__ import annotations

import pytest

from ood_face.service import ReviewService
from ood_face.types import Observation, ReviewLabel, Verdict
from tests.fakes import fake_gallery_service, fake_service
from tests.fakes.audit import RecordingAudit
from tests.fakes.review import FakeReviewQueue, case, everything, yes
from tests.unit.service.people import ANN, BEN, GALLERY, ask, image_of, photo


class RecordingObserver:
    def __init__(self) -> None:
        self.seen: list[Observation] = []
        self.labels: list[tuple[float, bool]] = []

    def observe(self, observation: Observation) -> None:
        self.seen.append(observation)

    def labelled(self, probability: float, same: bool) -> None:
        self.labels.append((probability, same))


@pytest.fixture
def observer() -> RecordingObserver:
    return RecordingObserver()


def test_every_kind_of_verdict_is_told_in_numbers(observer):
    faces = fake_service()
    faces.feed.attach(observer)
    galleries = fake_gallery_service(faces)
    galleries.create_gallery(GALLERY)
    galleries.enroll(GALLERY, ask("ann", photo(ANN)))
    assert observer.seen == []
    compared = faces.compare(image_of(ANN), image_of(BEN))
    sought = galleries.identify(GALLERY, image_of(ANN))
    verified = galleries.verify(GALLERY, "ann", image_of(ANN))
    assert observer.seen == [
        Observation(
            "compare",
            compared.similarity,
            (compared.template_a.ood_score, compared.template_b.ood_score),
            compared.verdict,
        ),
        Observation(
            "identify", sought.candidates[0].similarity, (sought.probe.ood_score,), Verdict.SAME
        ),
        Observation(
            "verify", verified.candidate.similarity, (verified.probe.ood_score,), verified.verdict
        ),
    ]


def test_a_search_that_finds_nobody_has_no_similarity(observer):
    faces = fake_service()
    faces.feed.attach(observer)
    galleries = fake_gallery_service(faces)
    galleries.create_gallery(GALLERY)
    galleries.identify(GALLERY, image_of(ANN))
    assert (observer.seen[0].similarity, observer.seen[0].verdict) == (None, Verdict.DIFFERENT)


def test_only_the_first_label_of_a_verdict_with_a_probability_is_told(observer):
    queue = FakeReviewQueue()
    for number, probability in enumerate((0.8, 0.3, None, 0.6), start=1):
        queue.offer(case(number, probability=probability), yes)
    review = ReviewService(queue, RecordingAudit())
    review.feed.attach(observer)
    first, second, third, fourth = sorted(item.item_id for item in everything(queue))
    review.label(first, ReviewLabel.SAME)
    review.label(first, ReviewLabel.DIFFERENT)
    review.label(second, ReviewLabel.DIFFERENT)
    review.label(third, ReviewLabel.SAME)
    review.label(fourth, ReviewLabel.UNUSABLE)
    assert observer.labels == [(0.8, True), (0.3, False)]
