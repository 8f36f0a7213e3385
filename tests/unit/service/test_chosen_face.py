"""Comparing a face that somebody chose among several."""

from __future__ import annotations

import pytest

from ood_face.errors import InputError, MultipleFacesError
from ood_face.matching import load_scenarios
from ood_face.service import Flagger, Policies, ReviewedFaceService
from ood_face.types import Verdict
from tests.fakes import CountingAdmission, FakeDetector, FakeEmbedder, fake_align, picture
from tests.fakes.review import FakeReviewQueue, everything

TWO = picture(60, 58)
ONE = picture(58)


def test_a_chosen_face_is_compared_where_none_stands_out(service):
    with pytest.raises(MultipleFacesError):
        service.compare(TWO, ONE)

    first = service.compare(TWO, ONE, numbers=(1, None))
    second = service.compare(TWO, ONE, numbers=(2, None))

    assert float(first.template_a.face.box_xyxy_px[0]) == 12
    assert float(second.template_a.face.box_xyxy_px[0]) == 84
    assert second.verdict is Verdict.SAME


def test_nothing_is_said_of_the_largest_face_where_one_was_chosen(service):
    large_and_small = picture(90, 20)
    by_itself = service.compare(large_and_small, ONE)
    chosen = service.compare(large_and_small, ONE, numbers=(1, None))

    assert "faces.largest_a" in {reason.key for reason in by_itself.reasons}
    assert "faces.largest_a" not in {reason.key for reason in chosen.reasons}


@pytest.mark.parametrize("number", [0, 3, -1])
def test_a_face_that_is_not_there_is_refused_with_the_count(service, number):
    with pytest.raises(InputError, match="shows 2 faces") as caught:
        service.compare(ONE, TWO, numbers=(None, number))

    assert caught.value.key == "face.number"


def test_a_doubtful_comparison_of_a_chosen_face_enters_the_review_queue():
    queue = FakeReviewQueue(keeps_crops=True)
    dim_pair = picture(60, 58, colour=(90, 80, 70))
    reviewed = ReviewedFaceService(
        Flagger(queue, 0.5),
        FakeDetector(),
        FakeEmbedder(),
        Policies(load_scenarios()),
        CountingAdmission(),
        fake_align,
        dominant_face_ratio=2.0,
    )

    found = reviewed.compare(dim_pair, ONE, numbers=(2, None))

    (item,) = everything(queue)
    assert found.verdict is Verdict.RECAPTURE
    assert item.case.verdict == "recapture"
    assert (queue.crops(item.item_id)[0] == reviewed.crop(dim_pair, found.template_a.face)).all()
