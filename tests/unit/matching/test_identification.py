from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest

from ood_face.matching.identification import (
    decide_identity,
    decide_verification,
    rank,
    subject_ids_of,
)
from ood_face.messages import LANGUAGES, reason_sentence
from ood_face.types import (
    Candidate,
    EnrolledSubject,
    IdentifyVerdict,
    Profile,
    Reason,
    Scenario,
    Subject,
    TemplateRecord,
    Verdict,
)

DEFAULT = Scenario("default")
GATE = Scenario("gate", same_needs_score_above=0.5)
NOW = datetime.now(UTC)


def unit(*components: float) -> np.ndarray:
    feature = np.zeros(512, np.float32)
    feature[: len(components)] = components
    return feature / np.linalg.norm(feature)


def enrolled(subject_id: str, *templates: tuple[np.ndarray, float | None]) -> EnrolledSubject:
    records = tuple(
        TemplateRecord(100 * len(subject_id) + i, score, "m-1", "hash", NOW)
        for i, (_, score) in enumerate(templates)
    )
    features = np.array([feature for feature, _ in templates], np.float32).reshape(-1, 512)
    subject = Subject(subject_id, Profile(name=subject_id.title()), records, NOW, 1)
    return EnrolledSubject(subject, features)


def candidate(subject_id: str, similarity: float, ood_score: float | None = 0.9) -> Candidate:
    return Candidate(subject_id, None, similarity, similarity, 1, ood_score)


def keys(reasons: tuple[Reason, ...]) -> list[str]:
    return [reason.key for reason in reasons]


def test_subjects_come_once_each_best_first():
    hits = [("bob", 0.3), ("alice", 0.9), ("bob", 0.8), ("carol", 0.1)]
    assert subject_ids_of(hits, 5) == ["alice", "bob", "carol"]
    assert subject_ids_of(hits, 2) == ["alice", "bob"]


def test_a_subject_is_as_similar_as_its_best_template():
    alice = enrolled("alice", (unit(1, 1), 0.7), (unit(1, 0), 0.8))
    (found,) = rank(unit(1, 0), [alice])
    assert found.similarity == pytest.approx(1)
    assert found.template_id == alice.subject.templates[1].template_id
    assert (found.ood_score, found.name) == (0.8, "Alice")


def test_the_fused_similarity_weighs_by_score():
    # by hand: mean of (1,0) weighted 0.9 and (0,1) weighted 0.3 is (0.9, 0.3) / sqrt(0.9)
    mixed = enrolled("mixed", (unit(1, 0), 0.9), (unit(0, 1), 0.3))
    (found,) = rank(unit(1, 0), [mixed])
    assert found.fused_similarity == pytest.approx(0.9 / np.sqrt(0.9**2 + 0.3**2), abs=1e-6)


def test_without_scores_all_templates_weigh_the_same():
    plain = enrolled("plain", (unit(1, 0), None), (unit(0, 1), None))
    (found,) = rank(unit(1, 0), [plain])
    assert found.fused_similarity == pytest.approx(np.sqrt(0.5), abs=1e-6)


def test_templates_that_cancel_out_leave_the_best_similarity():
    torn = enrolled("torn", (unit(1), 0.5), (-unit(1), 0.5))
    (found,) = rank(unit(1), [torn])
    assert found.fused_similarity == found.similarity == pytest.approx(1)


def test_subjects_are_ranked_by_similarity_then_id_and_the_empty_left_out():
    found = rank(
        unit(1, 0),
        [
            enrolled("zoe", (unit(1, 1), 0.9)),
            enrolled("bob", (unit(1, 1), 0.9)),
            enrolled("nobody"),
            enrolled("alice", (unit(1, 0), 0.9)),
        ],
    )
    assert [one.subject_id for one in found] == ["alice", "bob", "zoe"]


def test_a_clear_lead_is_identified():
    candidates = [candidate("alice", 0.8), candidate("bob", 0.3)]
    verdict, reasons, margin = decide_identity(0.9, candidates, DEFAULT)
    assert verdict is IdentifyVerdict.IDENTIFIED
    assert keys(reasons) == ["identify.above"]
    assert margin == pytest.approx(0.5)


def test_one_subject_alone_has_no_margin_and_is_identified():
    verdict, _, margin = decide_identity(0.9, [candidate("alice", 0.8)], DEFAULT)
    assert (verdict, margin) == (IdentifyVerdict.IDENTIFIED, None)


@pytest.mark.parametrize(("margin", "verdict"), [(0.0625, "review"), (0.125, "identified")])
def test_the_second_may_come_too_close(margin, verdict):
    # sixteenths have no rounding: the first margin is exactly the threshold
    scenario = Scenario("exact", identify_needs_margin_above=0.0625)
    candidates = [candidate("a", 0.75 + margin), candidate("b", 0.75)]
    found, reasons, _ = decide_identity(0.9, candidates, scenario)
    assert found == verdict
    assert (keys(reasons)[0] == "identify.ambiguous") == (verdict == "review")


def test_nobody_similar_enough_is_unknown_however_close_the_two_are():
    candidates = [candidate("alice", 0.2), candidate("bob", 0.2)]
    verdict, reasons, margin = decide_identity(0.9, candidates, DEFAULT)
    assert (verdict, keys(reasons), margin) == (IdentifyVerdict.UNKNOWN, ["identify.below"], 0.0)


@pytest.mark.parametrize(
    ("similarity", "probability", "last"),
    [(0.3, 0.9, "identify.likelier_enrolled"), (0.5, 0.3, "identify.likelier_another")],
)
def test_a_search_against_its_probability_says_so(similarity, probability, last):
    first = replace(candidate("alice", similarity), probability=probability)
    _, reasons, _ = decide_identity(0.9, [first], DEFAULT)
    assert keys(reasons)[-1] == last
    for language in LANGUAGES:
        assert f"{probability:.3f}" in reason_sentence(reasons[-1], language)
    _, reasons = decide_verification(0.9, first, DEFAULT)
    assert keys(reasons)[-1].startswith("probability.likelier")


def test_between_the_thresholds_a_person_looks():
    verdict, reasons, _ = decide_identity(0.9, [candidate("alice", 0.4)], DEFAULT)
    assert (verdict, keys(reasons)) == (IdentifyVerdict.REVIEW, ["identify.between"])


@pytest.mark.parametrize("similarity", [0.1, 0.4, 0.9])
def test_a_poor_probe_is_retaken_whatever_it_resembles(similarity):
    verdict, reasons, _ = decide_identity(0.39, [candidate("alice", similarity)], DEFAULT)
    assert (verdict, keys(reasons)) == (IdentifyVerdict.RECAPTURE, ["quality.poor_probe"])


def test_a_poor_probe_is_retaken_in_an_empty_gallery_as_well():
    assert decide_identity(0.39, [], DEFAULT)[0] is IdentifyVerdict.RECAPTURE
    assert decide_identity(0.0, [], DEFAULT)[0] is IdentifyVerdict.RECAPTURE


def test_an_empty_gallery_knows_nobody():
    verdict, reasons, margin = decide_identity(0.9, [], DEFAULT)
    assert (verdict, keys(reasons), margin) == (IdentifyVerdict.UNKNOWN, ["identify.empty"], None)
    assert decide_identity(None, [], DEFAULT)[0] is IdentifyVerdict.UNKNOWN


def test_a_poor_template_is_no_reason_to_retake_the_probe():
    verdict, reasons, _ = decide_identity(0.9, [candidate("alice", 0.9, 0.2)], DEFAULT)
    assert (verdict, keys(reasons)) == (IdentifyVerdict.REVIEW, ["quality.poor_template"])


def test_a_probe_not_good_enough_for_the_gate_is_retaken():
    verdict, reasons, _ = decide_identity(0.45, [candidate("alice", 0.9)], GATE)
    assert verdict is IdentifyVerdict.RECAPTURE
    assert keys(reasons)[0] == "quality.insufficient_probe"


def test_without_scores_a_person_looks():
    verdict, reasons, _ = decide_identity(None, [candidate("alice", 0.9, None)], DEFAULT)
    assert (verdict, keys(reasons)[0]) == (IdentifyVerdict.REVIEW, "quality.none")


def test_attendance_passes_on_similarity_alone():
    attendance = Scenario("attendance", similarity_alone=True)
    verdict, reasons, _ = decide_identity(0.1, [candidate("alice", 0.9)], attendance)
    assert verdict is IdentifyVerdict.IDENTIFIED
    assert "quality.poor_accepted_probe" in keys(reasons)


@pytest.mark.parametrize(
    ("score", "similarity", "template", "verdict", "key"),
    [
        (0.9, 0.9, 0.9, Verdict.SAME, "similarity.above"),
        (0.9, 0.1, 0.9, Verdict.DIFFERENT, "similarity.below"),
        (0.9, 0.4, 0.9, Verdict.REVIEW, "similarity.between"),
        (0.1, 0.9, 0.9, Verdict.RECAPTURE, "quality.poor_probe"),
        (0.9, 0.9, 0.1, Verdict.REVIEW, "quality.poor_template"),
        (0.1, 0.9, 0.1, Verdict.RECAPTURE, "quality.poor_probe"),
    ],
)
def test_a_claimed_identity(score, similarity, template, verdict, key):
    found, reasons = decide_verification(score, candidate("a", similarity, template), DEFAULT)
    assert (found, keys(reasons)[0]) == (verdict, key)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("probe", [None, 0.1, 0.45, 0.9])
@pytest.mark.parametrize("template", [None, 0.1, 0.45, 0.9])
@pytest.mark.parametrize("scenario", [DEFAULT, GATE, Scenario("a", similarity_alone=True)])
def test_every_reason_has_its_sentence(language, probe, template, scenario):
    for similarity in (0.1, 0.4, 0.9):
        candidates = [candidate("a", similarity, template), candidate("b", similarity)]
        _, identified, _ = decide_identity(probe, candidates, scenario)
        _, verified = decide_verification(probe, candidates[0], scenario)
        for reason in (*identified, *verified):
            assert reason_sentence(reason, language) != reason.key
