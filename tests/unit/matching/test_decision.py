from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from ood_face.errors import InputError
from ood_face.matching import compare_templates, decide, load_scenarios
from ood_face.types import DetectedFace, FaceTemplate, Policy, Scenario, Verdict

SCENARIOS = load_scenarios()
similarities = st.floats(-1, 1)
scores = st.floats(0, 1)
named = st.sampled_from(sorted(SCENARIOS))


@st.composite
def any_scenario(draw: st.DrawFn) -> Scenario:
    low, high = sorted((draw(similarities), draw(similarities)))
    return Scenario(
        name="any",
        same_above=high,
        different_below=low,
        recapture_below=draw(scores),
        same_needs_score_above=draw(st.none() | scores),
        similarity_alone=draw(st.booleans()),
    )


@pytest.mark.parametrize(
    ("scenario", "similarity", "score_a", "score_b", "verdict", "keys"),
    [
        ("default", 0.46, 0.4, 0.4, "same", ["similarity.above"]),
        ("default", 0.45, 0.9, 0.9, "review", ["similarity.between"]),
        ("default", 0.35, 0.9, 0.9, "review", ["similarity.between"]),
        ("default", 0.34, 0.9, 0.9, "different", ["similarity.below"]),
        ("default", 0.99, 0.39, 0.9, "recapture", ["quality.poor_a"]),
        ("default", -0.5, 0.9, 0.39, "recapture", ["quality.poor_b"]),
        ("default", 0.4, 0.0, 0.1, "recapture", ["quality.poor_a", "quality.poor_b"]),
        ("attendance", 0.46, 0.1, 0.9, "same", ["similarity.above", "quality.poor_accepted_a"]),
        ("attendance", 0.46, 0.9, 0.1, "same", ["similarity.above", "quality.poor_accepted_b"]),
        ("attendance", 0.45, 0.1, 0.9, "recapture", ["quality.poor_a"]),
        ("attendance", 0.1, 0.1, 0.9, "recapture", ["quality.poor_a"]),
        ("gate", 0.46, 0.51, 0.51, "same", ["similarity.above"]),
        ("gate", 0.46, 0.5, 0.51, "recapture", ["quality.insufficient_a", "similarity.above"]),
        ("gate", 0.40, 0.45, 0.45, "review", ["similarity.between"]),
        ("finance", 0.46, 0.66, 0.65, "recapture", ["quality.insufficient_b", "similarity.above"]),
        ("finance", 0.46, 0.66, 0.66, "same", ["similarity.above"]),
        ("finance", 0.10, 0.45, 0.45, "different", ["similarity.below"]),
    ],
)
def test_table(scenario, similarity, score_a, score_b, verdict, keys):
    decided, reasons = decide(similarity, score_a, score_b, SCENARIOS[scenario])
    assert decided == verdict
    assert [reason.key for reason in reasons] == keys


@pytest.mark.parametrize(
    ("similarity", "probability", "keys"),
    [
        (0.3, 0.97, ["similarity.below", "probability.likelier_same"]),
        (0.3, 0.5, ["similarity.below"]),
        (0.3, 0.02, ["similarity.below"]),
        (0.5, 0.3, ["similarity.above", "probability.likelier_different"]),
        (0.5, 0.97, ["similarity.above"]),
        (0.4, 0.97, ["similarity.between"]),
        (0.3, None, ["similarity.below"]),
    ],
)
def test_a_verdict_against_the_probability_says_so(similarity, probability, keys):
    _, reasons = decide(similarity, 0.9, 0.9, SCENARIOS["default"], probability)
    assert [reason.key for reason in reasons] == keys
    by_probability = replace(SCENARIOS["default"], policy=Policy.PROBABILITY)
    _, reasons = decide(similarity, 0.9, 0.9, by_probability, probability)
    assert not any("likelier" in reason.key for reason in reasons)


def test_reasons_carry_the_numbers():
    _, (between,) = decide(0.4, 0.9, 0.9, SCENARIOS["default"])
    assert between.values == {"similarity": 0.4, "low": 0.35, "high": 0.45}
    _, (lacking, above) = decide(0.5, 0.6, 0.9, SCENARIOS["finance"])
    assert lacking.values == {"score": 0.6, "threshold": 0.65}
    assert above.values == {"similarity": 0.5, "threshold": 0.45}
    _, (_, against) = decide(0.3, 0.9, 0.9, SCENARIOS["default"], 0.9)
    assert against.values == {"probability": 0.9, "prior": 0.5}


@given(any_scenario(), similarities, similarities, scores, scores)
def test_more_similar_is_never_less_the_same(scenario, first, second, score_a, score_b):
    low, high = sorted((first, second))
    rank = {Verdict.DIFFERENT: 0, Verdict.REVIEW: 1, Verdict.SAME: 2}
    verdict_low, _ = decide(low, score_a, score_b, scenario)
    verdict_high, _ = decide(high, score_a, score_b, scenario)
    assume(Verdict.RECAPTURE not in (verdict_low, verdict_high))
    assert rank[verdict_low] <= rank[verdict_high]


@given(any_scenario(), similarities, scores, scores, scores)
def test_a_better_picture_never_asks_for_another(scenario, similarity, first, second, other):
    low, high = sorted((first, second))
    verdict_low, _ = decide(similarity, low, other, scenario)
    verdict_high, _ = decide(similarity, high, other, scenario)
    if verdict_high == Verdict.RECAPTURE:
        assert verdict_low == Verdict.RECAPTURE


@given(any_scenario(), similarities, scores, scores)
def test_a_poor_score_overrides_the_similarity(scenario, similarity, score_a, score_b):
    assume(min(score_a, score_b) < scenario.recapture_below)
    verdict, _ = decide(similarity, score_a, score_b, scenario)
    accepted = scenario.similarity_alone and similarity > scenario.same_above
    assert verdict == (Verdict.SAME if accepted else Verdict.RECAPTURE)


@given(any_scenario(), similarities, scores, scores)
def test_exchanging_the_faces_exchanges_only_the_sides(scenario, similarity, score_a, score_b):
    verdict, reasons = decide(similarity, score_a, score_b, scenario)
    swapped_verdict, swapped_reasons = decide(similarity, score_b, score_a, scenario)
    assert swapped_verdict == verdict

    def swap(key: str) -> str:
        return key[:-1] + {"a": "b", "b": "a"}[key[-1]] if key[-2:] in ("_a", "_b") else key

    assert {(swap(r.key), tuple(r.values.items())) for r in reasons} == {
        (r.key, tuple(r.values.items())) for r in swapped_reasons
    }


@given(named, st.sampled_from([math.nan, math.inf, -math.inf]), st.integers(0, 2))
def test_what_is_no_number_is_refused(name, value, place):
    numbers = [0.5, 0.5, 0.5]
    numbers[place] = value
    with pytest.raises(InputError, match="must be a finite number"):
        decide(*numbers, SCENARIOS[name])


def _template(feature: list[float], model_id: str = "m-1", score: float = 0.9) -> FaceTemplate:
    padded = np.zeros(512, dtype=np.float32)
    padded[: len(feature)] = feature
    face = DetectedFace(np.array([0, 0, 9, 9]), 0.99, np.zeros((5, 2)))
    return FaceTemplate(padded / np.linalg.norm(padded), score, model_id, face)


def test_similarity_is_the_cosine():
    compared = compare_templates(_template([1, 0]), _template([1, 1]), SCENARIOS["default"], (1, 3))
    assert compared.similarity == pytest.approx(math.sqrt(0.5), abs=1e-6)
    assert compared.verdict == Verdict.SAME
    assert compared.scenario is SCENARIOS["default"]
    assert [reason.key for reason in compared.reasons] == ["similarity.above", "faces.largest_b"]
    assert compared.reasons[1].values == {"count": 3}


@given(st.lists(st.floats(-1, 1, width=32), min_size=3, max_size=3))
def test_similarity_never_leaves_its_range(feature):
    assume(np.linalg.norm(feature) > 0.1)
    same = _template(feature)
    opposite = _template([-value for value in feature])
    assert compare_templates(same, same, SCENARIOS["default"]).similarity <= 1
    assert compare_templates(same, opposite, SCENARIOS["default"]).similarity >= -1


def test_models_do_not_mix():
    with pytest.raises(InputError, match="m-1 and m-2"):
        compare_templates(_template([1]), _template([1], "m-2"), SCENARIOS["default"])


@pytest.mark.parametrize(
    ("scenario", "similarity", "verdict", "keys"),
    [
        ("default", 0.9, "review", ["quality.none", "similarity.above"]),
        ("default", 0.4, "review", ["quality.none", "similarity.between"]),
        ("default", 0.1, "review", ["quality.none", "similarity.below"]),
        ("gate", 0.9, "review", ["quality.none", "similarity.above"]),
        ("finance", 0.9, "review", ["quality.none", "similarity.above"]),
        ("attendance", 0.9, "same", ["similarity.above", "quality.none_accepted"]),
        ("attendance", 0.4, "review", ["quality.none", "similarity.between"]),
        ("attendance", 0.1, "review", ["quality.none", "similarity.below"]),
    ],
)
def test_table_without_scores(scenario, similarity, verdict, keys):
    decided, reasons = decide(similarity, None, None, SCENARIOS[scenario])
    assert decided == verdict
    assert [reason.key for reason in reasons] == keys


@given(any_scenario(), similarities, st.none() | scores)
def test_without_a_score_nothing_passes_but_by_similarity_alone(scenario, similarity, score_b):
    verdict, reasons = decide(similarity, None, score_b, scenario)
    if verdict is Verdict.SAME:
        assert scenario.similarity_alone
        assert similarity > scenario.same_above
    if verdict is Verdict.DIFFERENT:
        assert scenario.recapture_below == 0
        assert similarity < scenario.different_below
    if verdict is Verdict.RECAPTURE:
        assert score_b is not None
    else:
        assert any(reason.key.startswith("quality.none") for reason in reasons)


def test_without_a_rule_on_quality_different_needs_no_score():
    verdict, reasons = decide(0.1, None, None, Scenario("x", recapture_below=0.0))
    assert verdict is Verdict.DIFFERENT
    assert [reason.key for reason in reasons] == ["similarity.below", "quality.none_accepted"]
    assert decide(0.9, None, None, Scenario("x", recapture_below=0.0))[0] is Verdict.REVIEW


def test_a_known_poor_score_counts_where_the_other_is_unknown():
    assert decide(0.9, 0.1, None, SCENARIOS["default"])[0] is Verdict.RECAPTURE
    assert decide(0.9, None, 0.5, SCENARIOS["finance"])[0] is Verdict.RECAPTURE
