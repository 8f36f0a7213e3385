from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ood_face.errors import DuplicateFaceError, LowQualityError
from ood_face.matching.enrolment import (
    check_quality,
    choose_templates,
    likeness_reasons,
    near_duplicates,
)
from ood_face.types import NearDuplicate, Scenario, TemplateRecord

DEFAULT = Scenario("default")


def record(template_id: int, ood_score: float | None) -> TemplateRecord:
    return TemplateRecord(template_id, ood_score, "m-1", f"hash{template_id}", datetime.now(UTC))


def test_a_good_face_is_enrolled_without_a_word():
    assert check_quality(0.51, DEFAULT) == ()


@pytest.mark.parametrize("score", [0.0, 0.3, 0.5])
def test_a_face_at_or_below_the_threshold_is_refused_with_both_numbers(score):
    with pytest.raises(LowQualityError, match=rf"{score:.3f} does not exceed the 0\.500"):
        check_quality(score, DEFAULT)


def test_the_scenario_sets_the_threshold():
    strict = Scenario("finance", enroll_needs_score_above=0.65)
    with pytest.raises(LowQualityError) as caught:
        check_quality(0.6, strict)
    assert caught.value.values["scenario"] == "finance"
    assert check_quality(0.66, strict) == ()


def test_without_a_score_the_face_is_enrolled_and_that_is_said():
    assert [reason.key for reason in check_quality(None, DEFAULT)] == ["enroll.no_score"]


def test_a_face_of_another_subject_is_refused_and_the_most_similar_one_named():
    found = [("bob", 0.5), ("carol", 0.8), ("alice", 0.9)]
    with pytest.raises(DuplicateFaceError) as caught:
        near_duplicates(found, "alice", DEFAULT, force=False)
    assert caught.value.values["subject"] == "carol"
    assert caught.value.values["similarity"] == 0.8


def test_forced_near_duplicates_are_reported_once_each_best_first():
    found = [("bob", 0.5), ("carol", 0.7), ("bob", 0.6), ("dave", 0.45)]
    assert near_duplicates(found, "alice", DEFAULT, force=True) == (
        NearDuplicate("carol", 0.7),
        NearDuplicate("bob", 0.6),
    )


def test_the_subject_itself_and_strangers_are_no_near_duplicates():
    assert near_duplicates([("alice", 0.99), ("bob", 0.2)], "alice", DEFAULT, force=False) == ()


def test_a_better_picture_takes_the_place_of_the_worst():
    present = [record(1, 0.9), record(2, 0.6), record(3, 0.7)]
    assert choose_templates(present, [0.65], keep=3) == ([0], [2])


def test_a_worse_picture_is_not_kept():
    present = [record(1, 0.9), record(2, 0.6)]
    assert choose_templates(present, [0.55], keep=2) == ([], [])


def test_of_equal_scores_the_one_that_is_there_stays():
    assert choose_templates([record(1, 0.8)], [0.8, 0.8], keep=1) == ([], [])
    assert choose_templates([], [0.8, 0.8], keep=1) == ([0], [])


def test_without_scores_the_newest_are_kept():
    present = [record(1, None), record(2, None)]
    assert choose_templates(present, [None], keep=2) == ([0], [1])


def test_a_zero_score_is_a_score():
    # 0.0 is falsy: it must not be taken for "no score"
    assert choose_templates([record(1, 0.0), record(2, 0.9)], [0.1], keep=2) == ([0], [1])


@given(
    st.lists(st.floats(0, 1), max_size=6),
    st.lists(st.floats(0, 1), max_size=6),
    st.integers(1, 5),
)
def test_the_best_are_kept_whatever_comes(present, new, keep):
    records = [record(i + 1, score) for i, score in enumerate(present)]
    accepted, evicted = choose_templates(records, new, keep)
    kept = [r.ood_score for r in records if r.template_id not in evicted]
    kept += [new[i] for i in accepted]
    assert sorted(kept) == sorted([*present, *new])[-keep:]
    assert accepted == sorted(set(accepted))


def test_a_face_unlike_the_subjects_others_is_pointed_out():
    assert [r.key for r in likeness_reasons(0.1, DEFAULT)] == ["enroll.unlike"]
    assert likeness_reasons(0.35, DEFAULT) == ()
    assert likeness_reasons(None, DEFAULT) == ()
