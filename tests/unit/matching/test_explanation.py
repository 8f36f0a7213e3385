"""Where the uncertainty of a decision comes from: every source, every level, in words."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ood_face.matching import compare_templates
from ood_face.matching.explanation import explain_comparison
from ood_face.messages import LANGUAGES, catalogue, reason_sentence
from ood_face.types import (
    Comparison,
    FaceTemplate,
    ModelSpread,
    SameModel,
    UncertaintySource,
    Verdict,
)
from tests.fakes.templates import near
from tests.unit.matching.explained import FACE, SCENARIO, SURE, level_key, template

PICTURE, MODEL, _, CALIBRATION = UncertaintySource


def compared(
    score_a: float | None = 0.9,
    score_b: float | None = 0.8,
    probability: float | None = 0.96,
    interval: tuple[float, float] | None = SURE,
) -> Comparison:
    sides = template(score_a), template(score_b)
    return Comparison(0.5, *sides, Verdict.SAME, (), SCENARIO, probability, interval)


def sentences(explanation) -> list[str]:
    return [reason_sentence(part.reason, "en") for part in explanation.parts]


def test_the_error_and_the_entropy_of_a_probability():
    explained = explain_comparison(compared(probability=0.9))
    assert explained.probability_of_error == pytest.approx(0.1)
    # -(0.9 log2 0.9 + 0.1 log2 0.1)
    assert explained.entropy_bits == pytest.approx(0.468996, abs=1e-6)
    other = explain_comparison(compared(probability=0.1))
    assert other.probability_of_error == pytest.approx(0.1)
    assert other.entropy_bits == pytest.approx(explained.entropy_bits)


def test_nothing_stands_out_where_all_is_well():
    explained = explain_comparison(compared())
    assert [part.source for part in explained.parts] == [PICTURE, CALIBRATION]
    assert [part.level for part in explained.parts] == ["low", "low"]
    assert (explained.main, explained.model) == (None, None)
    assert sentences(explained) == [
        "The pictures are good enough: quality 0.80 and 0.90.",
        "The calibration is sure of its probability for pictures like those that it was fitted to.",
    ]


@pytest.mark.parametrize(
    ("scores", "level", "key"),
    [
        ((0.6, 0.9), "low", "picture_low"),
        ((0.59, 0.9), "moderate", "picture_moderate_a"),
        ((0.9, 0.4), "moderate", "picture_moderate_b"),
        ((0.5, 0.5), "moderate", "picture_moderate_both"),
        ((0.31, 0.9), "high", "picture_high_a"),
        ((0.41, 0.31), "high", "picture_high_b"),
        ((0.35, 0.31), "high", "picture_high_both"),
        ((0.55, 0.41), "moderate", "picture_moderate_both"),
        ((0.1, 0.1), "high", "picture_high_both"),
        ((None, None), "unknown", "picture_unknown"),
        ((0.9, None), "unknown", "picture_unknown"),
    ],
)
def test_the_worse_picture_is_named(scores, level, key):
    explained = explain_comparison(compared(*scores))
    assert level_key(explained, PICTURE) == (level, key)
    known = None if None in scores else pytest.approx(1 - min(scores))
    assert explained.part(PICTURE).amount == known
    assert explained.main == (None if level == "low" else PICTURE)


def test_a_weak_picture_in_words_and_numbers():
    part = explain_comparison(compared(0.9, 0.31)).part(PICTURE)
    assert reason_sentence(part.reason, "en") == (
        "The second picture is the weak point: quality 0.31, poor (the first: 0.90)."
    )
    assert part.reason.values["rts_variance"] == pytest.approx(1.69)


@pytest.mark.parametrize(
    ("interval", "level"),
    [
        ((0.90, 0.98), "low"),
        ((0.80, 0.95), "moderate"),
        ((0.5, 0.82), "high"),
        (None, "unknown"),
    ],
)
def test_the_calibration_says_how_wide_its_interval_is(interval, level):
    explained = explain_comparison(compared(interval=interval))
    key = "calibration_no_interval" if interval is None else f"calibration_{level}"
    assert level_key(explained, CALIBRATION) == (level, key)
    width = None if interval is None else pytest.approx(interval[1] - interval[0])
    assert explained.part(CALIBRATION).amount == width


def test_without_a_probability_nobody_knows_how_often_it_is_wrong():
    explained = explain_comparison(compared(probability=None, interval=None))
    assert (explained.probability_of_error, explained.entropy_bits) == (None, None)
    assert level_key(explained, CALIBRATION) == ("unknown", "calibration_none")
    assert explained.main is CALIBRATION


@pytest.mark.parametrize(
    ("ends", "level"), [((0.9, 0.95), "low"), ((0.7, 0.9), "moderate"), ((0.4, 0.9), "high")]
)
def test_the_model_says_how_far_its_passes_lie_apart(ends, level):
    spread = ModelSpread(20, 0.03, ends, 0.5, 0.4, 0.1)
    explained = explain_comparison(compared(), spread)
    assert level_key(explained, MODEL) == (level, f"model_{level}")
    assert explained.part(MODEL).amount == pytest.approx(ends[1] - ends[0])
    assert explained.model is spread
    assert [part.source for part in explained.parts] == [PICTURE, MODEL, CALIBRATION]


@pytest.mark.parametrize(("spread", "level"), [(0.005, "low"), (0.02, "moderate"), (0.03, "high")])
def test_without_a_probability_the_passes_similarities_count(spread, level):
    # against the band of 0.1 between "different" and "same"
    explained = explain_comparison(compared(probability=None), ModelSpread(10, spread))
    assert level_key(explained, MODEL) == (level, f"model_{level}_similarity")
    assert explained.part(MODEL).amount == pytest.approx(3.92 * spread)
    whole = explain_comparison(compared(probability=None), ModelSpread(10, 0.5))
    assert whole.part(MODEL).amount == 1


@pytest.mark.parametrize(
    ("scores", "interval", "spread", "main"),
    [
        ((0.3, 0.9), (0.7, 0.9), None, PICTURE),  # high before moderate
        ((0.55, 0.9), (0.1, 0.9), None, CALIBRATION),
        ((0.39, 0.9), (0.1, 0.9), (0.5, 0.85), CALIBRATION),  # the one furthest beyond "high"
        ((0.55, 0.9), None, (0.8, 0.95), PICTURE),  # moderate before unknown
        ((0.9, 0.9), None, (0.9, 0.95), CALIBRATION),  # unknown before low
        ((None, 0.9), None, None, PICTURE),
    ],
)
def test_what_matters_most(scores, interval, spread, main):
    model = None if spread is None else ModelSpread(10, 0.1, spread, 0.5, 0.4, 0.1)
    assert explain_comparison(compared(*scores, interval=interval), model).main is main


def test_without_a_probability_the_model_matters_by_the_band_of_the_thresholds():
    # its similarities reach 1.96 times as far as the band of 0.1; the score 0.3 is 1.17 of "high"
    explained = explain_comparison(compared(0.3, probability=None), ModelSpread(10, 0.05))
    assert explained.main is MODEL


@given(
    st.one_of(st.none(), st.floats(0, 1)),
    st.one_of(st.none(), st.floats(0, 1)),
    st.floats(0, 1),
)
def test_exchanging_the_faces_exchanges_their_names_alone(score_a, score_b, probability):
    there = explain_comparison(compared(score_a, score_b, probability))
    back = explain_comparison(compared(score_b, score_a, probability))
    assert (there.main, there.entropy_bits) == (back.main, back.entropy_bits)
    for one, other in zip(there.parts, back.parts, strict=True):
        assert (one.level, one.amount) == (other.level, other.amount)
        stem = {"_a": "_b", "_b": "_a"}
        ending = stem.get(one.reason.key[-2:])
        assert other.reason.key == (one.reason.key[:-2] + ending if ending else one.reason.key)
        assert other.reason.values == one.reason.values


def test_a_comparison_comes_with_its_explanation():
    model = SameModel("m", np.array([2.0, -5.0, 30.0]), 0.01 * np.eye(3), (-8.0, 9.0))
    other = FaceTemplate(near(1, 0.3), 0.5, "m", FACE)
    found = compare_templates(template(0.9), other, SCENARIO, same_model=model)
    p = found.probability
    assert found.explanation.probability_of_error == min(p, 1 - p)
    assert found.explanation.entropy_bits == pytest.approx(
        -(p * math.log2(p) + (1 - p) * math.log2(1 - p))
    )
    low, high = found.probability_interval
    assert found.explanation.part(CALIBRATION).amount == pytest.approx(high - low)
    assert found.explanation.main is PICTURE


def test_every_sentence_is_used_and_complete():
    sides = ("a", "b", "both", "probe", "template", "alone")
    expected = {"picture_low", "picture_low_alone", "picture_unknown"}
    expected |= {f"picture_{level}_{side}" for level in ("moderate", "high") for side in sides}
    for level in ("low", "moderate", "high"):
        expected |= {f"model_{level}", f"model_{level}_similarity"}
        expected |= {f"gallery_{level}", f"calibration_{level}"}
    expected |= {f"gallery_{what}" for what in ("alone", "stranger", "empty")}
    expected |= {"calibration_none", "calibration_no_interval"}
    keys = {key for key in catalogue("en") if key.startswith("explanation.")}
    assert keys == {f"explanation.{key}" for key in expected}
    explained = explain_comparison(
        compared(0.2, 0.3), ModelSpread(10, 0.1, (0.1, 0.9), 1, 0.5, 0.5)
    )
    for language in LANGUAGES:
        for part in explained.parts:
            assert "{" not in reason_sentence(part.reason, language)
