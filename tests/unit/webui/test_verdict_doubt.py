"""What a verdict says of its own certainty, and what to do about it."""

from __future__ import annotations

from dataclasses import replace
from html import unescape

import pytest

from ood_face.imaging import PictureFault
from ood_face.matching import load_scenarios
from ood_face.matching.decision import compare_templates
from ood_face.messages import LANGUAGES, reason_sentence
from ood_face.types import (
    Comparison,
    Explanation,
    Policy,
    Reason,
    Scenario,
    UncertaintyLevel,
    UncertaintyPart,
    UncertaintySource,
    Verdict,
)
from tests.unit.webui.test_views import ABOVE, POOR, template
from webui.catalogue import texts
from webui.outcomes import CompareOutcome, Marks
from webui.views.verdict import scenario_note, verdict_view
from webui.views.verdict_doubt import percent

EN = texts("en")
PICTURE = UncertaintyPart(
    UncertaintySource.PICTURE,
    UncertaintyLevel.HIGH,
    0.7,
    Reason("quality.poor_accepted_b", {"score": 0.3, "threshold": 0.4}),
)
CALIBRATION = UncertaintyPart(UncertaintySource.CALIBRATION, UncertaintyLevel.LOW, 0.01, ABOVE)
DOUBTED = Explanation(0.07, 0.366, (PICTURE, CALIBRATION), UncertaintySource.PICTURE)


def shown(verdict: Verdict = Verdict.SAME, language: str = "en", **changed: object) -> str:
    a, b = template(0.7), template(0.3, seed=1)
    reason = POOR if verdict is Verdict.RECAPTURE else ABOVE
    found = Comparison(
        0.62,
        a,
        b,
        verdict,
        (reason,),
        Scenario("default"),
        probability=0.93,
        probability_interval=(0.9, 0.95),
        calibration="model",
        explanation=DOUBTED,
    )
    faults = changed.pop("faults", ((), ()))
    compared = replace(found, **changed)
    marks = (Marks(50, 50, (a.face,)), Marks(50, 50, (b.face,)))
    html = verdict_view(CompareOutcome(compared, marks=marks, faults=faults), texts(language))
    return unescape(html)


@pytest.mark.parametrize(
    ("share", "written"),
    [
        (0.93, "93.0 %"),
        (0.5, "50 %"),
        (0.9996, "> 99.9 %"),
        (1.0, "> 99.9 %"),
        (0.0002, "< 0.1 %"),
        (0.0, "< 0.1 %"),
        (0.021, "2.1 %"),
    ],
)
def test_a_probability_is_never_said_to_be_certain(share, written):
    assert percent(share) == written


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_main_doubt_is_named_in_words_below_the_verdict(language):
    html = shown(language=language)
    before_the_folds = html.split("<details")[0]

    assert texts(language)("doubt.main") in before_the_folds
    assert reason_sentence(PICTURE.reason, language) in before_the_folds
    assert "doubt-high" in before_the_folds


def test_where_nothing_is_doubtful_that_is_said():
    html = shown(explanation=Explanation(0.001, 0.01, (CALIBRATION,), None))

    assert EN("doubt.no_main") in html


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_fold_holds_the_probability_and_every_part(language):
    words = texts(language)
    fold = shown(language=language).split('class="doubt"')[1]

    assert words("doubt.spoken", value="93.0 %") in fold
    assert words("doubt.interval", low="90 %", high="95.0 %") in fold
    assert words("doubt.error", value="7.0 %") in fold
    assert words("doubt.prior", prior="50 %") in fold
    assert words("doubt.calibration_model") in fold
    for part in DOUBTED.parts:
        assert words(f"doubt.source_{part.source.value}") in fold
        assert words(f"doubt.level_{part.level.value}") in fold
    assert "{" not in fold


def test_an_interval_that_reads_as_one_number_is_said_once():
    html = shown(probability=0.9999, probability_interval=(0.9995, 0.99999))

    assert EN("doubt.interval_narrow", low="> 99.9 %") in html


def test_without_a_probability_the_fold_says_so():
    html = shown(
        probability=None,
        probability_interval=None,
        calibration=None,
        explanation=Explanation(None, None, (PICTURE,), UncertaintySource.PICTURE),
    )

    assert EN("doubt.no_probability") in html
    assert EN("doubt.calibration_none") in html
    assert EN("details.entropy") not in html


def test_without_an_explanation_the_card_still_answers():
    html = shown(explanation=None)

    assert EN("doubt.main") not in html
    assert EN("doubt.spoken", value="93.0 %") in html


def test_a_scenario_says_the_thresholds_that_decide():
    words = texts("en")
    sure = Scenario(
        "x",
        same_above=0.513908,
        policy=Policy.PROBABILITY,
        same_probability_above=0.99,
        different_probability_below=0.05,
    )
    told = scenario_note(sure, words)
    assert (
        words("scenario.numbers_probability", same="99 %", different="5 %", recapture="40") in told
    )
    told = scenario_note(replace(sure, policy=Policy.SIMILARITY), words)
    assert words("scenario.numbers", same="0.514", different="0.35", recapture="40") in told
    # the ends of the scale make room for thresholds beside them
    html = shown(scenario=sure)
    assert 'tick-start" style="left:5.0%">5 %<' in html
    assert 'tick-end" style="left:99.0%">99 %<' in html
    # and a zone of a hair's breadth has no sign that would stand outside
    assert words("similarity.short_different") in html
    assert f"<span>{words('similarity.short_same')}</span>" not in html
    assert (">0 %<" in html, ">100 %<" in html) == (False, False)


def test_where_the_probability_decides_its_thresholds_are_marked():
    scenario = Scenario(
        "x",
        policy=Policy.PROBABILITY,
        same_probability_above=0.9,
        different_probability_below=0.2,
    )
    html = shown(scenario=scenario)

    assert 'tick-low" style="left:20.0%">20 %<' in html
    # so near the end there is no room for the end's own number
    assert 'tick-end" style="left:90.0%">90 %<' in html
    assert "100 %<" not in html
    assert EN("similarity.title") not in html.split("<details")[0]
    assert html.count(EN("doubt.spoken", value="93.0 %")) == 1


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("fault", list(PictureFault))
def test_what_to_retake_what_is_wrong_and_how_is_said(fault, language):
    words = texts(language)
    html = shown(Verdict.RECAPTURE, language, faults=((PictureFault.TURNED,), (fault,)))

    assert words("compare.retake_second") in html
    assert words("compare.retake_first") not in html
    assert words(f"fault.what_{fault.value}") in html
    assert words(f"fault.do_{fault.value}") in html


def test_a_poor_picture_without_a_known_fault_gets_general_advice():
    html = shown(Verdict.RECAPTURE)

    assert EN("fault.do_unlike") in html


def test_the_service_and_the_card_name_the_same_picture():
    found = compare_templates(template(0.1), template(0.9), load_scenarios()["default"])
    html = verdict_view(CompareOutcome(found, marks=(Marks(), Marks())), EN)

    assert EN("compare.retake_first") in html
    assert EN("compare.retake_second") not in html


@pytest.mark.parametrize("verdict", [Verdict.SAME, Verdict.REVIEW, Verdict.DIFFERENT])
def test_every_verdict_says_what_to_do(verdict):
    assert EN(f"compare.advice_{verdict}") in shown(verdict)
