"""Open-set error rates against figures worked out by hand, and who takes part in them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from ood_face.evaluation import identification
from ood_face.evaluation.datasets import TestData
from ood_face.evaluation.faces import FaceSet
from ood_face.evaluation.identification import MIN_SUBJECTS, NO_IDENTITIES, identification_figures
from ood_face.evaluation.instruments import Instruments
from ood_face.evaluation.intervals import Resamples
from ood_face.evaluation.open_set import open_set_figures, share, too_few_strangers
from ood_face.evaluation.searches import SPLITS, Probes, Searches
from ood_face.types import Scenario

SCENARIO = Scenario("default")


def searches(similarity: list[float], mated: list[bool], right: list[bool], margin: float = 1.0):
    count = len(similarity)
    return Searches(
        labels=np.arange(count),
        pictures=np.arange(count),
        scores=np.ones(count, np.float32),
        mated=np.array(mated),
        similarity=np.array(similarity),
        margin=np.full(count, margin),
        right=np.array(right),
    )


def test_error_rates_worked_out_by_hand() -> None:
    mated = [True] * 4 + [False] * 40
    # found; found but too low; another's name above the similarity; another's name below it
    similarity = [0.9, 0.4, 0.6, 0.2] + [0.5, 0.46] + [0.1] * 38
    right = [True, True, False, False] + [False] * 40
    figures = open_set_figures(searches(similarity, mated, right), SCENARIO)
    assert figures["rank1"] == pytest.approx(2 / 4)
    at = figures["at_similarity"]
    assert at["fpir"] == pytest.approx(2 / 40)
    assert at["fnir"] == pytest.approx(3 / 4)
    assert at["wrong_person"] == pytest.approx(1 / 4)
    # 4 of 40 strangers may be above: the similarity falls to 0.1, where two names are right
    point = figures["at_fpir"]["0.1"]
    assert point["similarity"] == pytest.approx(0.1)
    assert point["fnir"] == pytest.approx(2 / 4)
    low, high = point["fnir_interval"]
    assert low <= 2 / 4 <= high


def test_a_similarity_at_the_threshold_is_not_above_it() -> None:
    figures = open_set_figures(
        searches([SCENARIO.same_above] * 2, [True, False], [True, False]), SCENARIO
    )
    assert figures["at_similarity"]["fnir"] == 1
    assert figures["at_similarity"]["fpir"] == 0


def test_the_margin_holds_back_what_is_too_close() -> None:
    found = searches([0.9, 0.9, 0.9, 0.9], [True, True, True, False], [True, False, True, False])
    found = replace(found, margin=np.array([0.3, 0.01, 0.05, 0.02]))
    figures = open_set_figures(found, SCENARIO)
    assert figures["at_similarity"]["wrong_person"] == pytest.approx(1 / 3)
    assert figures["at_similarity"]["fpir"] == 1
    assert figures["with_margin"]["wrong_person"] == 0
    assert figures["with_margin"]["fpir"] == 0
    # a lead of exactly the margin does not suffice, as in the service
    assert figures["with_margin"]["fnir"] == pytest.approx(2 / 3)
    assert figures["margin"]["too_close"] == pytest.approx(2 / 3)
    assert figures["margin"]["wrong_where_too_close"] == pytest.approx(1 / 2)
    assert figures["margin"]["wrong_where_clear"] == 0


def test_a_rate_that_the_strangers_cannot_support_is_not_stated() -> None:
    assert too_few_strangers(300, 0.01) is None
    assert too_few_strangers(299, 0.01) == (
        "an FPIR of 0.01 needs 300 pictures of strangers, got 299"
    )
    many = searches([0.9] + [0.1] * 60, [True] + [False] * 60, [True] + [False] * 60)
    # one picture searched for in many galleries is one picture
    few = replace(many, pictures=np.minimum(many.pictures, 20))
    assert open_set_figures(many, SCENARIO)["at_fpir"]["0.1"]["fnir"] == 0
    assert "got 20" in open_set_figures(few, SCENARIO)["at_fpir"]["0.1"]["reason"]


def test_intervals_are_over_people_and_not_over_their_pictures() -> None:
    rng = np.random.default_rng(0)
    labels = np.repeat(np.arange(20), 200)
    events = np.repeat(rng.random(20) < 0.5, 200)  # a person's pictures all fare alike
    found = searches([0.0] * 4000, [True] * 4000, [True] * 4000)
    low, high = share(events, replace(found, labels=labels), Resamples.draw(labels))[1] or (0, 0)
    assert 0.3 < high - low < 0.6
    none = np.zeros(4000, np.bool_)
    rate, nothing = share(none, replace(found, labels=labels), Resamples.draw(labels))
    assert rate == 0
    # 20 people without an event prove little
    assert nothing == pytest.approx([0, 0.161], abs=1e-3)


def made_up(count: int, each: int, curve: object = None) -> tuple[Instruments, TestData, Probes]:
    """Return noisy pictures of people; the mean of a picture is its quality."""
    rng = np.random.default_rng(1)
    labels = np.repeat(np.arange(count), each)
    faces = rng.integers(0, 256, (count, 112, 112, 3))[labels]
    crops = np.clip(faces + rng.normal(0, 20, faces.shape), 0, 255).astype(np.uint8)

    def measure(crops: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        raw = crops[:, ::7, ::7].reshape(len(crops), -1).astype(np.float32) - 127.5
        return raw, np.abs(crops.astype(np.float32).std(axis=(1, 2, 3)) - 74) / 20

    whole = np.ones(len(labels), np.bool_)
    data = TestData(
        FaceSet(crops, tuple(map(str, labels)), labels),
        {},
        whole,
        {"pictures": whole},
        "pairs",
        np.empty(0, np.int64),
        len(labels),
        "none",
    )
    raw, variances = measure(crops)
    features = raw / np.linalg.norm(raw, axis=1, keepdims=True)
    scores = variances if curve is None else curve(variances)
    return Instruments(measure, curve), data, Probes(features, labels, scores, np.arange(len(raw)))


def falling(variances: NDArray[np.floating]) -> NDArray[np.float32]:
    return np.asarray(np.exp(-variances), np.float32)


def test_people_far_apart_are_found_and_strangers_are_not() -> None:
    instruments, data, measured = made_up(12, 2, falling)
    figures = identification_figures(instruments, data, measured, SCENARIO)
    gallery = figures["galleries"]["1"]
    assert gallery["enrolled"] == 6
    clean = gallery["probes"]["pictures"]["without_gate"]
    assert (clean["rank1"], clean["at_similarity"]["fpir"]) == (1, 0)
    assert clean["mated_searches"] == 6 * SPLITS
    assert clean["stranger_searches"] == 6 * 2 * SPLITS
    degraded = gallery["probes"]["degraded"]
    assert degraded["without_gate"]["rank1"] < 1
    assert degraded["with_gate"]["retake_strangers"] > 0.1
    assert gallery["probes"]["pictures"]["with_gate"]["retake_strangers"] == 0
    assert list(figures["galleries"]) == ["1"], "three templates need a fourth picture"


def test_a_model_without_a_score_has_no_gate() -> None:
    instruments, data, measured = made_up(10, 4)
    figures = identification_figures(instruments, data, measured, SCENARIO)
    assert list(figures["galleries"]) == ["1", "3"]
    for gallery in figures["galleries"].values():
        assert all(list(gates) == ["without_gate"] for gates in gallery["probes"].values())
        assert "retake_enrolment" not in gallery


def test_a_gate_that_nobody_passes_is_reported_as_such() -> None:
    instruments, data, measured = made_up(10, 2, lambda v: np.full(len(v), 0.45, np.float32))
    strict = replace(SCENARIO, recapture_below=0.5)
    figures = identification_figures(instruments, data, measured, strict)["galleries"]["1"]
    assert (figures["retake_enrolment"], figures["never_enrolled"]) == (1, 1)
    assert "no search" in figures["probes"]["pictures"]["with_gate"]["reason"]
    assert figures["probes"]["pictures"]["without_gate"]["rank1"] == 1


def test_too_few_people_are_refused_with_the_number_needed() -> None:
    instruments, data, measured = made_up(MIN_SUBJECTS - 1, 2)
    figures = identification_figures(instruments, data, measured, SCENARIO)
    assert figures == {
        "reason": "it needs 10 people with 2 pictures or more that may be enrolled, got 9"
    }
    unknown = replace(data, probes={})
    figures = identification_figures(instruments, unknown, measured, SCENARIO)
    assert figures == {"reason": NO_IDENTITIES}


def test_a_large_folder_is_cut_at_people(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(identification, "MAX_PICTURES", 20)
    instruments, data, measured = made_up(12, 2)
    figures = identification_figures(instruments, data, measured, SCENARIO)
    assert figures["subjects"] == 10
    assert figures["galleries"]["1"]["enrolled"] == 5
