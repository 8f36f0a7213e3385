from __future__ import annotations

import base64
import io
import json
import re
from dataclasses import asdict, replace

import numpy as np
import pytest

from ood_face.errors import (
    BackendError,
    BusyError,
    ImageDecodeError,
    MultipleFacesError,
    NoFaceError,
)
from ood_face.messages import LANGUAGES, quality_score_note, reason_sentence, verdict_name
from ood_face.types import (
    Comparison,
    DetectedFace,
    FaceTemplate,
    QualityScore,
    Reason,
    Scenario,
    Verdict,
)
from ood_face.uncertainty import Uncertainty
from webui.catalogue import texts
from webui.outcomes import CompareOutcome, ExtractOutcome, FileOutcome, Marks, Problem
from webui.views import frame
from webui.views.extract import extract_view
from webui.views.extract_files import features_json, features_npz
from webui.views.parts import error_card, score_bar
from webui.views.verdict import scenario_note, scenario_title, score_bars, verdict_view

EN = texts("en")


def template(ood_score: float | None = 0.7, seed: int = 0, model_id: str = "m-1") -> FaceTemplate:
    feature = np.random.default_rng(seed).normal(size=512)
    face = DetectedFace(
        np.array([1, 2, 31, 42], np.float32), 0.9876, np.arange(10, dtype=np.float32).reshape(5, 2)
    )
    return FaceTemplate(feature / np.linalg.norm(feature), ood_score, model_id, face)


def outcome(
    similarity: float, verdict: Verdict, reason: Reason, scenario: Scenario | None = None
) -> CompareOutcome:
    a, b = template(0.7), template(0.3, seed=1)
    chosen = Scenario("default") if scenario is None else scenario
    comparison = Comparison(similarity, a, b, verdict, (reason,), chosen)
    return CompareOutcome(comparison, marks=(Marks(50, 50, (a.face,)), Marks(50, 50, (b.face,))))


ABOVE = Reason("similarity.above", {"similarity": 0.62, "threshold": 0.45})
BELOW = Reason("similarity.below", {"similarity": 0.1, "threshold": 0.35})
BETWEEN = Reason("similarity.between", {"similarity": 0.4, "low": 0.35, "high": 0.45})
POOR = Reason("quality.poor_b", {"score": 0.3, "threshold": 0.4})
OUTCOMES = [
    outcome(0.62, Verdict.SAME, ABOVE),
    outcome(0.1, Verdict.DIFFERENT, BELOW),
    outcome(0.4, Verdict.REVIEW, BETWEEN),
    outcome(0.62, Verdict.RECAPTURE, POOR),
]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("shown", OUTCOMES, ids=lambda shown: str(shown.comparison.verdict))
def test_a_verdict_says_itself_in_words_and_by_sign(shown, language):
    html = verdict_view(shown, texts(language))

    assert f'data-kind="{shown.comparison.verdict}"' in html
    assert f"<h2>{verdict_name(shown.comparison.verdict, language)}</h2>" in html
    assert "<svg" in html
    assert texts(language)("similarity.title") in html
    assert "{" not in html


def test_a_verdict_gives_its_reason_and_what_to_do():
    html = verdict_view(OUTCOMES[0], EN)

    assert "above the threshold 0.450" in html
    assert EN("compare.advice_same") in html


def test_a_picture_to_retake_mutes_the_similarity():
    html = verdict_view(OUTCOMES[3], EN)

    assert "similarity-muted" in html
    assert EN("similarity.untrusted") in html
    assert "second picture" in html


@pytest.mark.parametrize(
    ("similarity", "percent"), [(-1.0, "0.0"), (-0.2, "0.0"), (0.4, "50.0"), (1.0, "100.0")]
)
def test_the_needle_stands_where_the_similarity_is(similarity, percent):
    html = verdict_view(outcome(similarity, Verdict.REVIEW, BETWEEN), EN)

    assert f'class="needle" style="left:{percent}%"' in html


def test_the_scale_marks_the_thresholds_of_the_scenario():
    html = verdict_view(
        outcome(0.62, Verdict.SAME, ABOVE, Scenario("x", same_above=0.7, different_below=0.1)), EN
    )

    assert re.search(r'tick-low" style="left:25.0%">0.1<', html)
    assert re.search(r'tick-high" style="left:75.0%">0.7<', html)
    assert EN("similarity.spoken", value="0.62", different="0.1", same="0.7") in html


def test_details_hold_thresholds_model_and_probabilities():
    html = verdict_view(OUTCOMES[0], EN)

    for value in ("0.6200", "0.7000", "0.3000", "0.9876", "m-1", "0.45", "0.35"):
        assert value in html.split("<details>")[1], value


def test_before_there_is_a_result_the_card_says_what_to_do():
    assert EN("compare.waiting_title") in verdict_view(None, EN)
    assert EN("compare.waiting_title") in verdict_view(CompareOutcome(), EN)
    assert score_bars(None, EN) == ("", "")


@pytest.mark.parametrize(
    ("score", "level"), [(0.85, "excellent"), (0.0, "poor"), (1.0, "excellent")]
)
def test_a_score_is_a_bar_with_number_and_level(score, level):
    html = score_bar(template(score), EN)

    assert f'aria-valuenow="{round(100 * score)}"' in html
    assert f"width:{round(100 * score)}%" in html
    assert f"level-{level}" in html
    assert f"<b>{level}</b>" in html


@pytest.mark.parametrize(
    ("error", "advice"),
    [
        (ImageDecodeError("image.empty", "empty"), "image"),
        (NoFaceError("face.none_first", "none", width=1, height=1), "no_face"),
        (BusyError("runtime.busy", "busy"), "busy"),
        (BackendError("x", "broken"), "other"),
    ],
)
def test_an_error_says_what_where_and_what_to_do(error, advice):
    html = error_card(Problem(error, "first"), EN)

    assert str(error) in html
    assert EN("error.first") in html
    assert EN(f"error.advice_{advice}") in html


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("side", ["first", "second"])
def test_several_faces_are_a_question_and_no_failure(side, language):
    words = texts(language)
    html = error_card(Problem(MultipleFacesError.in_picture(3, 2.0, side), side), words)

    assert 'data-kind="choose"' in html
    assert words(f"error.several_{side}", count=3) in html
    assert words("error.advice_several") in html


def test_names_of_files_models_and_scenarios_cannot_become_markup():
    evil = "<img src=x onerror=alert(1)>"
    file = FileOutcome(evil, Marks(), (template(model_id=evil),))
    bad = FileOutcome(evil, Marks(), error=ImageDecodeError("image.x", "{name}", name=evil))
    shown = [
        extract_view(ExtractOutcome(evil, (file, bad)), EN),
        frame.footer(EN, evil, QualityScore.CALIBRATED),
        scenario_note(Scenario(evil), EN),
        verdict_view(outcome(0.62, Verdict.SAME, ABOVE, Scenario(evil)), EN),
        error_card(Problem(ImageDecodeError("image.x", "{name}", name=evil)), EN),
    ]

    assert scenario_title(evil, EN) == evil
    for html in shown:
        assert "<img src=x" not in html


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_table_has_a_row_a_face_and_a_line_a_problem(language):
    words = texts(language)
    files = (
        FileOutcome("a.jpg", Marks(), (template(), template(0.2, seed=1))),
        FileOutcome("b.jpg", Marks()),
        FileOutcome("c.jpg", Marks(), error=ImageDecodeError("image.empty", "empty")),
    )
    html = extract_view(ExtractOutcome("m-1", files), words)

    assert html.count("<tr>") == 3
    assert html.count('class="problem"') == 2
    assert words("extract.summary_many", count=2) in html
    assert words("extract.no_face") in html
    assert "1, 2, 31, 42" in html


def test_without_any_face_there_is_nothing_to_download():
    html = extract_view(ExtractOutcome("m-1", (FileOutcome("b.jpg", Marks()),)), EN)

    assert "download=" not in html


def test_downloads_hold_the_whole_features():
    faces = (template(), template(0.2, seed=1))
    result = ExtractOutcome("m-1", (FileOutcome("ä.jpg", Marks(), faces),))

    read = json.loads(features_json(result))
    assert read["model_id"] == "m-1"
    assert [face["file"] for face in read["faces"]] == ["ä.jpg", "ä.jpg"]
    assert np.array_equal(np.float32(read["faces"][1]["feature"]), faces[1].feature)
    assert read["faces"][1]["ood_score"] == 0.2

    with np.load(io.BytesIO(features_npz(result))) as arrays:
        assert arrays["features"].shape == (2, 512)
        assert np.array_equal(arrays["features"][0], faces[0].feature)
        assert arrays["files"].tolist() == ["ä.jpg", "ä.jpg"]
        assert str(arrays["model_id"]) == "m-1"

    html = extract_view(result, EN)
    encoded = re.findall(r'base64,([^"]+)" download="faces.json"', html)
    assert base64.b64decode(encoded[0]) == features_json(result)


@pytest.mark.parametrize("language", LANGUAGES)
def test_without_a_score_a_sentence_stands_in_the_place_of_the_bar(language):
    words, unscored = texts(language), template(None)
    sentence = quality_score_note(QualityScore.NONE, language)
    bar = score_bar(unscored, words)
    assert sentence in bar
    assert "meter" not in bar

    comparison = Comparison(
        0.62, unscored, unscored, Verdict.REVIEW, (Reason("quality.none"), ABOVE), Scenario("x")
    )
    html = verdict_view(CompareOutcome(comparison, marks=(Marks(), Marks())), words)
    assert reason_sentence(Reason("quality.none"), language) in html
    assert words("details.none") in html.split("<details>")[1]

    result = ExtractOutcome("m-1", (FileOutcome("a.jpg", Marks(), (unscored,)),))
    assert sentence in extract_view(result, words)
    (face,) = json.loads(features_json(result))["faces"]
    assert (face["ood_score"], face["quality"], face["quality_level"]) == (None, None, None)
    with np.load(io.BytesIO(features_npz(result))) as arrays:
        assert np.isnan(arrays["ood_scores"]).tolist() == [True]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("quality_score", list(QualityScore))
def test_the_footer_says_where_scores_are_not_calibrated(language, quality_score):
    html = frame.footer(texts(language), "m-1", quality_score)
    note = quality_score_note(quality_score, language)
    assert (note == "") == (quality_score is QualityScore.CALIBRATED)
    assert note in html
    assert ("<strong>" in html) == bool(note)


SURE = Uncertainty(1.2346, 20, 0.712, 0.0213, 0.0456, 0.3334, 0.2222)


@pytest.mark.parametrize("language", LANGUAGES)
def test_uncertainty_is_shown_in_words_and_downloaded(language):
    words = texts(language)
    unsure = replace(SURE, entropy=None, one_minus_max_probability=None)
    faces = (replace(template(), uncertainty=SURE), replace(template(), uncertainty=unsure))
    result = ExtractOutcome("m-1", (FileOutcome("a.jpg", Marks(), faces),))
    html = extract_view(result, words).split(f"<h2>{words('uncertainty.title')}</h2>")[1]

    first, second = html.split(f"<h3>{words('uncertainty.of', file='a.jpg', number=2)}</h3>")
    value = words("uncertainty.score_value", mean="0.712", spread="0.021", passes=20)
    for name, shown in (
        ("score", value),
        ("feature_spread", "0.0456"),
        ("entropy", "0.3334"),
        ("doubt", "0.2222"),
        ("rts_variance", "1.2346"),
    ):
        assert f'<th scope="row">{words(f"uncertainty.{name}")}</th><td>{shown}</td>' in first
    assert second.count(words("uncertainty.no_identities")) == 2
    read = [face["uncertainty"] for face in json.loads(features_json(result))["faces"]]
    assert read == [asdict(SURE), asdict(unsure)]
    with np.load(io.BytesIO(features_npz(result))) as arrays:
        assert arrays["uncertainty_feature_spread"] == pytest.approx([0.0456] * 2)
        assert np.isnan(arrays["uncertainty_entropy"]).tolist() == [False, True]


def test_uncertainty_that_nobody_asked_for_is_not_shown():
    result = ExtractOutcome("m-1", (FileOutcome("a.jpg", Marks(), (template(),)),))

    assert EN("uncertainty.title") not in extract_view(result, EN)
    assert "uncertainty" not in json.loads(features_json(result))["faces"][0]
    with np.load(io.BytesIO(features_npz(result))) as arrays:
        assert [name for name in arrays if name.startswith("uncertainty")] == []
