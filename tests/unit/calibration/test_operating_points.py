from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ood_face.calibration.operating_points import fmr_for_fpir, operating_point, retakes
from ood_face.calibration.trials import Kind, Trials, gather_trials, passes_gate
from ood_face.errors import InputError
from ood_face.evaluation import intervals
from ood_face.evaluation.datasets import TestData
from ood_face.evaluation.faces import FaceSet, Pairs
from ood_face.evaluation.verification import fnmr_at_fmr
from ood_face.types import Scenario


@pytest.fixture(autouse=True)
def few_resamples(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(intervals, "RESAMPLES", 200)


def made_up(people: int = 40, each: int = 4, seed: int = 0) -> tuple[np.ndarray, TestData]:
    """Return unit features of people, and the pairs that a folder of theirs gives."""
    rng = np.random.default_rng(seed)
    labels = np.repeat(np.arange(people), each)
    features = rng.normal(size=(people, 24))[labels] + 0.8 * rng.normal(size=(people * each, 24))
    features /= np.linalg.norm(features, axis=1, keepdims=True)
    one, other = np.triu_indices(len(labels), 1)
    same = labels[one] == labels[other]
    keep = same | (rng.random(len(one)) < 0.1)
    pairs = Pairs(one[keep], other[keep], same[keep], np.zeros(keep.sum(), int))
    faces = FaceSet(np.zeros((len(labels), 1, 1, 3), np.uint8), ("",) * len(labels), labels)
    everyone = np.ones(len(labels), bool)
    nobody = np.empty(0, np.int64)
    data = TestData(
        faces, {"pairs": pairs}, everyone, {"all": everyone}, "pairs", nobody, len(labels), "all"
    )
    return features.astype(np.float32), data


@pytest.fixture
def trials() -> Trials:
    features, data = made_up()
    return gather_trials(features, np.ones(160, bool), data)


def test_all_pairs_of_two_people_are_impostors_where_everybody_is_known(trials):
    assert len(trials.mated.similarity) == 40 * 6
    assert len(trials.impostor.similarity) == 160 * 159 // 2 - 240
    assert (trials.people[trials.impostor.first] != trials.people[trials.impostor.second]).all()


def test_of_a_list_of_pairs_only_those_listed_are_impostors():
    features, data = made_up()
    listed = gather_trials(features, np.ones(160, bool), replace(data, probes={}))
    assert len(listed.impostor.similarity) == int((~data.pairs["pairs"].same).sum())


@pytest.mark.parametrize("fmr", [0.1, 0.01, 0.001])
def test_the_threshold_keeps_the_rate_and_no_lower_one_does(trials, fmr):
    point = operating_point(trials, fmr)
    impostor = trials.impostor.similarity
    assert np.mean(impostor > point.threshold.value) <= fmr
    below = impostor[impostor < point.threshold.value].max()
    assert np.mean(impostor > below) > fmr or below == impostor.min()
    assert point.measured_fmr.value == np.mean(impostor > point.threshold.value)
    expected = fnmr_at_fmr(
        np.concatenate([trials.mated.similarity, impostor]),
        np.arange(240 + len(impostor)) < 240,
        fmr,
    )
    assert (point.fnmr.value, point.threshold.value) == pytest.approx(expected)


def test_a_threshold_worked_out_by_hand():
    people = np.arange(40)
    first, second = np.triu_indices(25, 1)
    impostor = Kind(np.arange(300) / 1000, first, second)
    mated = Kind(np.array([0.28, 0.2969, 0.2971, 0.5]), np.arange(4), np.arange(4))
    point = operating_point(Trials(people, np.ones(40, bool), mated, impostor), 0.01)
    # three of 300 may lie above: 0.297, 0.298 and 0.299, so the threshold is 0.296
    assert point.threshold.value == 0.296
    assert point.measured_fmr.value == pytest.approx(0.01)
    assert point.fnmr.value == pytest.approx(0.25)


def test_too_few_impostor_pairs_are_refused_and_the_number_needed_is_said(trials):
    impostor = trials.impostor.where(np.arange(len(trials.impostor.similarity)) < 2999)
    with pytest.raises(InputError, match=r"0\.001 needs 3000 pairs of two people .* are 2999"):
        operating_point(replace(trials, impostor=impostor), 0.001)
    impostor = trials.impostor.where(np.arange(len(trials.impostor.similarity)) < 3000)
    assert operating_point(replace(trials, impostor=impostor), 0.001).impostor_pairs == 3000


def test_the_intervals_hold_the_values_of_the_whole_population():
    features, data = made_up(people=400, each=4, seed=1)
    everybody = operating_point(gather_trials(features, np.ones(1600, bool), data), 0.01)
    held = []
    for start in range(0, 400, 40):
        some = np.flatnonzero((data.faces.labels >= start) & (data.faces.labels < start + 40))
        inside = np.isin(np.arange(1600), some)
        pairs = data.pairs["pairs"]
        there = inside[pairs.first] & inside[pairs.second]
        few = replace(
            data,
            faces=FaceSet(data.faces.crops[some], ("",) * 160, data.faces.labels[some]),
            pairs={
                "pairs": Pairs(
                    pairs.first[there] - some[0],
                    pairs.second[there] - some[0],
                    pairs.same[there],
                    pairs.fold[there],
                )
            },
        )
        point = operating_point(gather_trials(features[some], np.ones(160, bool), few), 0.01)
        low, high = point.threshold.interval
        held.append(low <= everybody.threshold.value <= high)
        assert point.fnmr.interval[0] <= point.fnmr.value <= point.fnmr.interval[1]
    # 95 % of ten intervals; 7 or fewer would have a probability of 1 %
    assert sum(held) >= 8


def test_the_interval_of_the_false_match_rate_knows_that_pairs_share_people():
    people = np.arange(30)
    first, second = np.triu_indices(30, 1)
    # one of 30 people is like everybody: all 29 wrong matches are hers
    similarity = np.where(first == 0, 0.9, 0.1) - np.arange(435) / 1e5
    mated = Kind(np.array([0.5]), np.array([0]), np.array([0]))
    trials = Trials(people, np.ones(30, bool), mated, Kind(similarity, first, second))
    found = operating_point(trials, 1 / 15).measured_fmr
    # she is drawn not at all in one of three samples, and thrice or more in one of twelve
    assert found.value == pytest.approx(29 / 435)
    assert found.interval[0] == 0
    assert 0.18 < found.interval[1] < 0.3


def test_the_gate_judges_pairs_of_which_both_pictures_pass():
    features, data = made_up()
    passed = np.arange(160) % 4 != 0
    trials = gather_trials(features, passed, data)
    gated = trials.gated()
    assert len(gated.mated.similarity) == 40 * 3
    assert len(gated.impostor.similarity) == 120 * 119 // 2 - 120
    assert operating_point(gated, 0.01).mated_pairs == 120


def test_a_gate_on_what_is_poor_lowers_what_is_missed():
    features, data = made_up()
    rng = np.random.default_rng(2)
    poor = np.arange(160) % 4 == 0
    features = features.copy()
    features[poor] += 0.4 * rng.normal(size=(40, 24)).astype(np.float32)
    features /= np.linalg.norm(features, axis=1, keepdims=True)
    trials = gather_trials(features, ~poor, data)
    assert (
        operating_point(trials.gated(), 0.01).fnmr.value < operating_point(trials, 0.01).fnmr.value
    )


def test_what_the_gate_asks_of_people():
    people = np.array([0, 0, 0, 0, 1, 1, 2])
    passed = np.array([True, True, True, False, True, False, False])
    nothing = Kind(np.empty(0), np.empty(0, int), np.empty(0, int))
    found = retakes(Trials(people, passed, nothing, nothing))
    assert found["people"] == 3
    assert found["share"].value == pytest.approx((1 / 4 + 1 / 2 + 1) / 3)
    assert found["share"].interval[0] < found["share"].value < found["share"].interval[1]
    assert found["never"] == pytest.approx(1 / 3)


def test_the_gate_is_that_of_the_scenario():
    scores = np.array([0.39, 0.4, 0.5, 0.51])
    assert passes_gate(scores, Scenario("s")).tolist() == [False, True, True, True]
    strict = Scenario("s", same_needs_score_above=0.5)
    assert passes_gate(scores, strict).tolist() == [False, False, False, True]


def test_the_rate_for_a_gallery():
    # 1 - (1 - 0.19)^(1/2) = 0.1
    assert fmr_for_fpir(0.19, 2) == pytest.approx(0.1)
    assert fmr_for_fpir(0.01, 1) == pytest.approx(0.01)
    assert fmr_for_fpir(0.01, 10_000) == pytest.approx(1.005e-6, rel=1e-3)


def test_strangers_are_wrongly_named_as_often_as_the_rate_for_a_gallery_says():
    rng = np.random.default_rng(4)
    size, fpir = 50, 0.1
    features, data = made_up(people=200, each=2, seed=5)
    trials = gather_trials(features, np.ones(400, bool), data)
    threshold = operating_point(trials, fmr_for_fpir(fpir, size)).threshold.value
    hits = []
    for _ in range(300):
        people = rng.permutation(200)
        enrolled, stranger = 2 * people[:size], 2 * people[size]
        hits.append(np.max(features[enrolled] @ features[stranger]) > threshold)
    assert np.mean(hits) == pytest.approx(fpir, abs=0.06)


@pytest.mark.parametrize("rate", [0.0, 1.0, -0.1, np.nan])
def test_a_rate_that_is_none_is_refused(trials, rate):
    with pytest.raises(InputError, match="above 0 and below 1"):
        operating_point(trials, rate)
    with pytest.raises(InputError, match="above 0 and below 1"):
        fmr_for_fpir(rate, 10)


def test_a_gallery_of_nobody_is_refused():
    with pytest.raises(InputError, match="not 0"):
        fmr_for_fpir(0.1, 0)


def test_pairs_of_one_kind_only_are_refused(trials):
    features, data = made_up()
    pairs = data.pairs["pairs"]
    mated = Pairs(*(getattr(pairs, n)[pairs.same] for n in ("first", "second", "same", "fold")))
    with pytest.raises(InputError, match="240 and 0"):
        gather_trials(
            features, np.ones(160, bool), replace(data, pairs={"pairs": mated}, probes={})
        )
    nothing = trials.mated.where(np.zeros(240, bool))
    with pytest.raises(InputError, match="no pair of one person"):
        operating_point(replace(trials, mated=nothing), 0.01)
