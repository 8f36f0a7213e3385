"""Where the uncertainty of a search and of a verification comes from."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ood_face.matching.explanation import explain_identification, explain_verification
from ood_face.types import (
    Candidate,
    Identification,
    IdentifyVerdict,
    ModelSpread,
    Scenario,
    UncertaintySource,
    Verdict,
    Verification,
)
from tests.unit.matching.explained import SCENARIO, SURE, level_key, template

PICTURE, MODEL, GALLERY, CALIBRATION = UncertaintySource


def candidate(score: float | None = 0.8, interval: tuple[float, float] | None = SURE) -> Candidate:
    return Candidate("ann", None, 0.6, 0.6, 1, score, 0.96, interval)


def sought(
    margin: float | None,
    verdict: IdentifyVerdict = IdentifyVerdict.IDENTIFIED,
    scenario: Scenario = SCENARIO,
    *candidates: Candidate,
) -> Identification:
    found = candidates or (candidate(),)
    return Identification(template(0.9), verdict, (), found, margin, "staff", scenario)


@pytest.mark.parametrize(
    ("margin", "level", "amount"),
    [
        (0.3, "low", 0.05 / 0.35),
        (0.1, "moderate", 1 / 3),
        (0.06, "moderate", 0.05 / 0.11),
        (0.05, "high", 0.5),
        (0.0, "high", 1.0),
    ],
)
def test_the_gallery_says_how_close_the_next_one_comes(margin, level, amount):
    explained = explain_identification(sought(margin))
    assert level_key(explained, GALLERY) == (level, f"gallery_{level}")
    assert explained.part(GALLERY).amount == pytest.approx(amount)
    assert [part.source for part in explained.parts] == [PICTURE, GALLERY, CALIBRATION]


def test_a_tie_is_a_tie_where_no_margin_is_needed():
    free = replace(SCENARIO, identify_needs_margin_above=0.0)
    tie = explain_identification(sought(0.0, IdentifyVerdict.REVIEW, free)).part(GALLERY)
    assert (tie.level, tie.amount) == ("high", 1.0)
    lead = explain_identification(sought(1e-6, IdentifyVerdict.IDENTIFIED, free)).part(GALLERY)
    assert (lead.level, lead.amount) == ("low", 0.0)


def test_a_gallery_in_which_nobody_can_be_mixed_up():
    alone = explain_identification(sought(None))
    assert level_key(alone, GALLERY) == ("low", "gallery_alone")
    stranger = explain_identification(sought(0.001, IdentifyVerdict.UNKNOWN))
    assert level_key(stranger, GALLERY) == ("low", "gallery_stranger")
    assert alone.part(GALLERY).amount == stranger.part(GALLERY).amount == 0


@pytest.mark.parametrize(
    ("score", "key"),
    [
        (0.7, ("low", "picture_low_alone")),
        (0.5, ("moderate", "picture_moderate_alone")),
        (0.1, ("high", "picture_high_alone")),
        (None, ("unknown", "picture_unknown")),
    ],
)
def test_an_empty_gallery_leaves_the_picture(score, key):
    found = replace(sought(None, IdentifyVerdict.UNKNOWN), candidates=(), probe=template(score))
    explained = explain_identification(found, ModelSpread(10, 0.1))
    assert [part.source for part in explained.parts] == [PICTURE, GALLERY]
    assert level_key(explained, PICTURE) == key
    assert level_key(explained, GALLERY) == ("low", "gallery_empty")
    assert (explained.probability_of_error, explained.model) == (None, None)


@pytest.mark.parametrize(
    ("probe", "enrolled", "key"),
    [
        (0.9, 0.8, ("low", "picture_low")),
        (0.5, 0.8, ("moderate", "picture_moderate_probe")),
        (0.8, 0.5, ("moderate", "picture_moderate_template")),
        (0.2, 0.8, ("high", "picture_high_probe")),
        (0.8, 0.2, ("high", "picture_high_template")),
        (0.8, None, ("unknown", "picture_unknown")),
    ],
)
def test_of_a_probe_and_an_enrolled_picture_the_worse_is_named(probe, enrolled, key):
    person = candidate(enrolled)
    found = Verification(template(probe), person, Verdict.SAME, (), "staff", SCENARIO)
    explained = explain_verification(found, ModelSpread(10, 0.0, SURE, 0.1, 0.1, 0.0))
    assert level_key(explained, PICTURE) == key
    assert [part.source for part in explained.parts] == [PICTURE, MODEL, CALIBRATION]
    assert explained.probability_of_error == pytest.approx(0.04)
    searched = replace(sought(0.3, IdentifyVerdict.IDENTIFIED, SCENARIO, person), probe=found.probe)
    assert explain_identification(searched).part(PICTURE) == explained.part(PICTURE)
