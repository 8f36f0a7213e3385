from __future__ import annotations

import io
import re

import numpy as np
import pytest

from ood_face.errors import InputError, ReviewNotFoundError, StorageError
from ood_face.service import ReviewService
from ood_face.types import Caller, ReviewKind, ReviewLabel, ReviewOrder, ReviewState
from tests.fakes.audit import RecordingAudit
from tests.fakes.review import FakeReviewQueue, case, everything, yes
from webui.catalogue import texts
from webui.trust_review_outcomes import (
    CARDS_AT_ONCE,
    ReviewChoice,
    ReviewOutcome,
    Said,
    erased,
    exported,
    labelled,
    listed,
    read_choice,
    refused,
    taken_back,
    without_download,
)
from webui.views.trust_review import review_said, review_view

EN, ZH = texts("en"), texts("zh")
ANN = Caller("ann")
CROP = np.full((112, 112, 3), 90, np.uint8)


@pytest.fixture
def queue() -> FakeReviewQueue:
    return FakeReviewQueue(keeps_crops=True)


@pytest.fixture
def review(queue) -> ReviewService:
    return ReviewService(queue, RecordingAudit())


def offered(queue, *cases) -> list[str]:
    for one in cases:
        queue.offer(one, yes)
    return [str(item.item_id) for item in reversed(everything(queue))]


def shown(review, choice=None, said=None, faces_allowed=True) -> ReviewOutcome:
    return listed(review, ReviewChoice() if choice is None else choice, said, faces_allowed)


def label(review, item: str, told: str) -> Said:
    return labelled(review, {"item": item, "label": told}, ANN)


def test_an_empty_queue_says_where_cases_come_from(review):
    view = review_view(shown(review), EN)

    assert EN("review.title_nothing") in view
    assert "review-card" not in view


def test_each_case_is_a_card_with_its_numbers_its_reason_and_three_answers(queue, review):
    offered(queue, case(1, similarity=0.412, probability=0.63, ambiguity=0.74))
    view = review_view(shown(review), EN)

    for told in (
        "0.41",
        "63 %",
        "74 %",
        "too close to call",
        EN("review.counts", waiting=1, labelled=0),
    ):
        assert told in view
    assert re.findall(r'data-label="(\w+)"', view) == ["same", "different", "unusable"]
    assert "good, 75 of 100" in view
    assert "subject-1 in staff" in view


def test_the_same_card_in_chinese(queue, review):
    offered(queue, case(1))

    assert ZH("review.label_same") in review_view(shown(review), ZH)


def test_names_of_people_are_escaped(queue, review):
    offered(queue, case(1, subject_id="<b>ann</b>"))

    assert "<b>ann</b>" not in review_view(shown(review), EN)


def test_cases_are_chosen_by_kind_scenario_and_label(queue, review):
    first, second, third = offered(
        queue,
        case(1, scenario="gate"),
        case(2, kind=ReviewKind.IDENTIFY),
        case(3, kind=ReviewKind.IDENTIFY, scenario="gate"),
    )
    label(review, third, "same")

    def found(**choice):
        return [str(card.item.item_id) for card in shown(review, ReviewChoice(**choice)).cards]

    assert found() == [second, first]
    assert found(scenario="gate") == [first]
    assert found(kind="identify", state=ReviewState.ALL) == [third, second]
    assert found(state=ReviewState.LABELLED) == [third]
    outcome = shown(review)
    assert (outcome.waiting, outcome.labelled, outcome.scenarios) == (2, 1, ("default", "gate"))


def test_the_most_doubtful_come_first_if_wanted(queue, review):
    clear, doubtful = offered(queue, case(1, ambiguity=0.2), case(2, ambiguity=0.9))
    cards = shown(review, ReviewChoice(order=ReviewOrder.UNCERTAIN)).cards

    assert [str(card.item.item_id) for card in cards] == [doubtful, clear]


def test_more_cards_come_on_request(queue, review):
    offered(queue, *[case(number) for number in range(CARDS_AT_ONCE + 3)])
    outcome = shown(review)

    assert len(outcome.cards) == CARDS_AT_ONCE
    assert EN("review.more", count=3) in review_view(outcome, EN)
    more = read_choice({"do": "more"}, outcome.choice)
    assert len(shown(review, more).cards) == CARDS_AT_ONCE + 3


def test_a_choice_that_makes_no_sense_leaves_what_was_chosen():
    before = ReviewChoice(ReviewOrder.UNCERTAIN, ReviewState.ALL)

    assert read_choice({"order": "best", "state": 7, "kind": "x", "scenario": None}, before) == (
        ReviewChoice(ReviewOrder.UNCERTAIN, ReviewState.ALL)
    )


def test_faces_are_shown_only_to_who_may_see_them(queue, review):
    offered(queue, case(1, kind=ReviewKind.COMPARE, crops=(CROP, CROP)))

    allowed = review_view(shown(review), EN)
    assert allowed.count("data:image/png;base64,") == 2
    hidden = review_view(shown(review, faces_allowed=False), EN)
    assert "data:image" not in hidden
    assert EN("review.faces_hidden") in hidden


def test_where_no_faces_are_kept_it_says_how_to_keep_them():
    queue = FakeReviewQueue()
    offered(queue, case(1))

    view = review_view(shown(ReviewService(queue, RecordingAudit())), EN)
    assert "OOD_FACE_REVIEW_CROPS=true" in view


def test_a_label_is_noted_and_can_be_taken_back(queue, review):
    (item,) = offered(queue, case(1))
    said = label(review, item, "same")

    assert EN("review.said_same") in review_said(shown(review, said=said), EN)
    assert 'data-do="undo"' in review_said(shown(review, said=said), EN)
    back = taken_back(review, said, ANN)
    assert review.item(int(item)).mark is None
    assert 'data-do="undo"' not in review_said(shown(review, said=back), EN)


def test_taking_back_a_correction_brings_the_label_before_it(queue, review):
    (item,) = offered(queue, case(1))
    label(review, item, "same")
    taken_back(review, label(review, item, "unusable"), ANN)

    assert review.item(int(item)).mark.label is ReviewLabel.SAME


def test_a_labelled_case_says_by_whom(queue, review):
    (item,) = offered(queue, case(1))
    label(review, item, "different")
    view = review_view(shown(review, ReviewChoice(state=ReviewState.LABELLED)), EN)

    assert "Labelled “Different” by ann, 2026-03-01 12:00 UTC" in view
    assert 'data-label="different" data-item="1" aria-pressed="true"' in view


def test_an_erased_case_is_gone(queue, review):
    (item,) = offered(queue, case(1))

    assert erased(review, {"item": item}, ANN) == Said("erased")
    assert shown(review).cards == ()


def test_what_is_labelled_becomes_a_file_that_is_not_remembered(queue, review):
    first, second = offered(queue, case(1), case(2))
    label(review, first, "same")
    label(review, second, "different")
    said = exported(review, ANN)

    arrays = np.load(io.BytesIO(said.npz))
    assert sorted(arrays["labels"].tolist()) == [0, 1]
    outcome = shown(review, said=said)
    assert 'download="review.npz"' in review_said(outcome, EN)
    assert without_download(outcome).said is None


@pytest.mark.parametrize(
    "sent",
    [{}, {"item": 1, "label": "same"}, {"item": "x", "label": "same"}, {"item": "1", "label": "?"},
     {"item": "1" * 30, "label": "same"}, {"item": "1", "label": None}],
)  # fmt: skip
def test_what_no_page_of_ours_sends_is_refused(review, sent):
    with pytest.raises(InputError) as caught:
        labelled(review, sent, ANN)
    assert caught.value.key == "page.request"


def test_nothing_said_cannot_be_taken_back(review):
    for said in (None, Said("erased")):
        with pytest.raises(InputError):
            taken_back(review, said, ANN)


def test_a_problem_stands_beside_the_list_and_not_in_its_place(queue, review):
    offered(queue, case(1))
    error = ReviewNotFoundError("review.unknown", "the review queue has no item {number}", number=9)
    outcome = refused(shown(review), error)

    assert "no item 9" in review_said(outcome, EN)
    assert "review-card" in review_view(outcome, EN)


def test_a_queue_that_cannot_be_read_is_told():
    outcome = refused(ReviewOutcome(), StorageError("storage.failed", "the disk is gone"))

    assert "the disk is gone" in review_view(outcome, EN)
    assert review_said(outcome, EN) == ""


@pytest.mark.parametrize("kind", [[], {}, 3, "no such kind"])
def test_a_kind_that_is_none_asks_for_all_kinds(kind):
    assert read_choice({"kind": kind}, ReviewChoice(kind="compare")).kind == ""


def test_an_item_beyond_all_numbers_is_no_item(review):
    with pytest.raises(InputError):
        erased(review, {"item": str(2**63)}, ANN)
