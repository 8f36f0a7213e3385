from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ood_face.calibration.same_file import write_same_model
from ood_face.errors import ArtifactError, CalibrationMissingError, InputError
from ood_face.matching import compare_templates, decide
from ood_face.matching.identification import decide_identity, decide_verification
from ood_face.matching.probability import load_same_model, with_probabilities
from ood_face.messages import LANGUAGES, reason_sentence
from ood_face.types import (
    Candidate,
    DetectedFace,
    FaceTemplate,
    IdentifyVerdict,
    Policy,
    SameModel,
    Scenario,
    Verdict,
)

MODEL = SameModel("m-1", np.array([8.0, -5.0, 40.0]), np.diag([1, 0.1, 4]), (-8.0, 10.0))
ODDS = Scenario("odds", policy=Policy.PROBABILITY, recapture_below=0.4)
ALL_ODDS = replace(ODDS, recapture_below=0.0)
probabilities = st.floats(0, 1)
scores = st.floats(0, 1)


def candidate(subject_id: str, similarity: float, ood_score: float | None = 0.9) -> Candidate:
    return Candidate(subject_id, None, similarity, similarity, 1, ood_score)


@pytest.mark.parametrize(
    ("probability", "score_a", "scenario", "verdict", "keys"),
    [
        (0.995, 0.9, ODDS, "same", ["probability.above"]),
        (0.99, 0.9, ODDS, "review", ["probability.between"]),
        (0.05, 0.9, ODDS, "review", ["probability.between"]),
        (0.04, 0.9, ODDS, "different", ["probability.below"]),
        (None, 0.9, ODDS, "review", ["probability.none"]),
        (None, 0.1, ODDS, "recapture", ["quality.poor_a"]),
        (0.995, 0.1, ODDS, "recapture", ["quality.poor_a"]),
        (0.995, 0.1, ALL_ODDS, "same", ["probability.above"]),
        (0.5, 0.1, ALL_ODDS, "review", ["probability.between"]),
        (
            0.995,
            0.1,
            replace(ODDS, similarity_alone=True),
            "same",
            ["probability.above", "quality.poor_counted_a"],
        ),
        (
            0.995,
            0.6,
            replace(ODDS, same_needs_score_above=0.65),
            "recapture",
            ["quality.insufficient_a", "probability.above"],
        ),
    ],
)
def test_by_probability(probability, score_a, scenario, verdict, keys):
    # the similarity says the contrary, and is not asked
    similarity = 0.9 if verdict == "different" else 0.0
    decided, reasons = decide(similarity, score_a, 0.9, scenario, probability)
    assert decided == verdict
    assert [reason.key for reason in reasons] == keys
    for language in LANGUAGES:
        for reason in reasons:
            assert "{" not in reason_sentence(reason, language)


def test_a_model_without_scores_decides_nothing_by_probability():
    verdict, reasons = decide(0.9, None, 0.9, ODDS, None)
    assert verdict is Verdict.REVIEW
    assert [reason.key for reason in reasons] == ["quality.none", "probability.none"]


@given(probabilities, probabilities, st.floats(0.4, 1), st.floats(0.4, 1))
def test_more_probable_is_never_less_the_same(first, second, score_a, score_b):
    low, high = sorted((first, second))
    rank = {Verdict.DIFFERENT: 0, Verdict.REVIEW: 1, Verdict.SAME: 2}
    verdict_low, _ = decide(0.1, score_a, score_b, ODDS, low)
    verdict_high, _ = decide(0.1, score_a, score_b, ODDS, high)
    assert rank[verdict_low] <= rank[verdict_high]


def test_a_probability_that_is_no_number_is_refused():
    with pytest.raises(InputError, match="must be a finite number"):
        decide(0.5, 0.5, 0.5, ODDS, math.nan)


def _template(cosine: float, score: float | None) -> FaceTemplate:
    feature = np.zeros(512, np.float32)
    feature[:2] = cosine, math.sqrt(1 - cosine**2)
    face = DetectedFace(np.array([0, 0, 100, 100]), 0.999, np.ones((5, 2)))
    return FaceTemplate(feature, score, "m-1", face)


def test_a_comparison_carries_its_probability_and_the_interval():
    pair = _template(1.0, 0.9), _template(0.3, 0.4)
    found = compare_templates(*pair, Scenario("s", same_prior=0.2), same_model=MODEL)
    expected = MODEL.probability(found.similarity, 0.9, pair[1].ood_score, 0.2)
    assert found.probability == pytest.approx(expected.value)
    assert found.probability_interval == pytest.approx((expected.low, expected.high))
    assert compare_templates(*pair, Scenario("s")).probability is None
    unscored = _template(1.0, None), _template(0.3, 0.4)
    assert compare_templates(*unscored, Scenario("s"), same_model=MODEL).probability is None


def test_candidates_share_what_is_certain():
    twins = [candidate("a", 0.8), candidate("b", 0.8)]
    first, second = with_probabilities(twins, 0.9, MODEL, 2, 0.5)
    assert first.probability == pytest.approx(second.probability)
    assert 0.49 < first.probability <= 0.5
    (alone,) = with_probabilities(twins[:1], 0.9, MODEL, 1, 0.5)
    assert alone.probability == pytest.approx(MODEL.probability(0.8, 0.9, 0.9, 0.5).value)


def test_a_candidate_among_many_worked_out_by_hand():
    model = SameModel("m-1", np.array([10.0, 0, 0]), np.zeros((3, 3)), (-9, 9))
    found = with_probabilities([candidate("a", 0.5), candidate("b", -0.1)], 1.0, model, 1000, 0.6)
    each = 0.6 / 1000
    share, other, rest = each * math.exp(5), each * math.exp(-1), each * 998 * math.exp(-1)
    total = 0.4 + share + other + rest
    assert [one.probability for one in found] == pytest.approx([share / total, other / total])


def test_the_larger_the_gallery_the_less_probable_is_the_same_candidate():
    found = [
        with_probabilities([candidate("a", 0.4)], 0.9, MODEL, subjects, 0.5)[0].probability
        for subjects in (1, 100, 10_000)
    ]
    assert found == sorted(found, reverse=True)
    assert found[0] > 0.99
    assert found[2] < 0.6


def test_where_a_score_or_the_calibration_lacks_no_probability_is_made_up():
    mixed = [candidate("a", 0.8, None), candidate("b", 0.3)]
    assert [one.probability for one in with_probabilities(mixed, 0.9, None, 2, 0.5)] == [None] * 2
    assert [one.probability for one in with_probabilities(mixed, None, MODEL, 2, 0.5)] == [None] * 2
    assert with_probabilities([], 0.9, MODEL, 0, 0.5) == []


def test_no_candidate_takes_the_certainty_of_a_likelier_one_without_a_score():
    best = [candidate("a", 0.9, None), candidate("b", 0.6), candidate("c", 0.1)]
    assert [one.probability for one in with_probabilities(best, 0.9, MODEL, 3, 0.5)] == [None] * 3
    last = [candidate("a", 0.9), candidate("b", 0.6), candidate("c", 0.1, None)]
    found = with_probabilities(last, 0.9, MODEL, 3, 0.5)
    # as if the third were one of those that are no candidates
    expected = with_probabilities(last[:2], 0.9, MODEL, 3, 0.5)
    assert found == [*expected, last[2]]
    assert found[0].probability_interval is not None


def test_a_search_by_probability():
    (sure,) = with_probabilities([candidate("a", 0.7)], 0.9, MODEL, 1, 0.5)
    verdict, reasons, _ = decide_identity(0.9, [sure], ODDS)
    assert verdict is IdentifyVerdict.IDENTIFIED
    assert [reason.key for reason in reasons] == ["identify.probability_above"]
    (doubtful,) = with_probabilities([candidate("a", 0.3)], 0.9, MODEL, 100_000, 0.5)
    assert decide_identity(0.9, [doubtful], ODDS)[0] is IdentifyVerdict.UNKNOWN
    # of one claimed subject, the same similarity is enough
    (claimed,) = with_probabilities([candidate("a", 0.3)], 0.9, MODEL, 1, 0.5)
    assert decide_verification(0.9, claimed, ODDS)[0] is Verdict.SAME


def test_a_file_gives_back_what_was_written(tmp_path: Path):
    path = tmp_path / "probability.toml"
    write_same_model(path, MODEL, {"data": "made up", "people": 20})
    found = load_same_model(path, "m-1")
    np.testing.assert_array_equal(found.weights, MODEL.weights)
    np.testing.assert_array_equal(found.covariance, MODEL.covariance)
    assert found.limits == MODEL.limits


def test_the_file_of_another_model_is_refused(tmp_path: Path):
    path = tmp_path / "probability.toml"
    write_same_model(path, MODEL, {})
    with pytest.raises(CalibrationMissingError, match="belongs to model m-1, not to m-2"):
        load_same_model(path, "m-2")
    with pytest.raises(CalibrationMissingError, match="cannot be read"):
        load_same_model(tmp_path / "none.toml", "m-1")


@pytest.mark.parametrize(
    ("old", "new", "key"),
    [
        ("format = 1", "format = 2", "probability.format"),
        ("[same]", "[other]", "probability.format"),
        ("quality = -5.0", 'quality = "x"', "probability.numbers"),
        ("quality = -5.0", "", "probability.numbers"),
        ("limits = [-8.0, 10.0]", "limits = [1.0]", "probability.numbers"),
        ("quality = -5.0", "quality = 5.0", "probability.sign"),
        ("similarity = 8.0", "similarity = nan", "probability.shape"),
        ("quality = -5.0", "quality = " + 400 * "9", "probability.numbers"),
        ("[same]", "[same", "probability.not_toml"),
        ("[same]", "x = " + 5000 * "[", "probability.not_toml"),
    ],
)
def test_a_file_edited_by_hand_is_refused(tmp_path: Path, old, new, key):
    path = tmp_path / "probability.toml"
    write_same_model(path, MODEL, {})
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(ArtifactError) as caught:
        load_same_model(path, "m-1")
    assert caught.value.key == key
