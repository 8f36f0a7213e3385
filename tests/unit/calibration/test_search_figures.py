"""The probabilities of searches, judged in a made-up world whose truth is known."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from ood_face.calibration.same import fold_weights, people_folds
from ood_face.calibration.same_figures import ALONE
from ood_face.calibration.search_figures import ALIKE, BANDS, EVERYTHING, search_figures
from ood_face.errors import InputError
from ood_face.evaluation import intervals
from ood_face.evaluation.card.search_probability import search_probability
from ood_face.evaluation.comparisons import Comparisons
from ood_face.evaluation.searches import Probes

WITH = "with_scores"
PEOPLE, EACH, DIMENSIONS = 110, 6, 40


def world(seed: int = 0) -> Probes:
    """Return pictures whose features show the person the better, the higher their score."""
    rng = np.random.default_rng(seed)
    labels = np.repeat(np.arange(PEOPLE), EACH)
    scores = rng.uniform(0, 1, len(labels))
    faces = rng.normal(size=(PEOPLE, DIMENSIONS)) / np.sqrt(DIMENSIONS)
    noise = rng.normal(size=(len(labels), DIMENSIONS)) / np.sqrt(DIMENSIONS)
    share = (0.05 + 0.9 * scores)[:, None]
    features = np.sqrt(share) * faces[labels] + np.sqrt(1 - share) * noise
    features /= np.linalg.norm(features, axis=1, keepdims=True)
    return Probes(
        features.astype(np.float32), labels, scores.astype(np.float32), np.arange(len(labels))
    )


def compared(people: Probes, kinds: tuple[str, ...] = ("pairs",)) -> Comparisons:
    rng = np.random.default_rng(1)
    one, other = np.triu_indices(len(people.labels), 1)
    same = people.labels[one] == people.labels[other]
    kept = same | (rng.random(len(one)) < 0.02)
    one, other, same = one[kept], other[kept], same[kept]
    return Comparisons(
        np.einsum("nd,nd->n", people.features[one], people.features[other], dtype=np.float64),
        people.scores[one].astype(np.float64),
        people.scores[other].astype(np.float64),
        same,
        people.labels[one],
        people.labels[other],
        np.arange(len(one)) % len(kinds),
        kinds,
    )


def everyone(people: Probes):
    return np.ones(len(people.labels), np.bool_)


@pytest.fixture(scope="module")
def figures():
    people = world()
    poor = people.where(people.scores < 0.5)
    probes = {"good": people.where(people.scores >= 0.5), "poor": poor}
    alike = {"good": ["one"], "poor": ["one", "two"]}
    pairs = compared(people, ("one", "two"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(intervals, "RESAMPLES", 40)
        return search_figures(pairs, people, everyone(people), probes, alike)


def test_the_scores_make_the_probability_of_the_first_candidate_better(figures):
    json.dumps(figures, allow_nan=False)
    assert list(figures["galleries"]) == ["10", "50"]
    for gallery in figures["galleries"].values():
        found = gallery["sets"][EVERYTHING]
        with_scores, alone = found["methods"][WITH], found["methods"][ALONE]
        assert with_scores["brier"]["value"] < alone["brier"]["value"]
        assert found["larger_without_the_scores_by"]["brier"]["interval"][0] > 0
        low, high = with_scores["ece"]["interval"]
        assert low <= with_scores["ece"]["value"] <= high
        # right on the whole, in a world of another law than the weights'
        assert with_scores["mean"] == pytest.approx(found["right"], abs=0.1)


def test_bands_hold_every_search_and_what_it_says(figures):
    for gallery in figures["galleries"].values():
        for found in gallery["sets"].values():
            count = found["mated_searches"] + found["stranger_searches"]
            for method in found["methods"].values():
                assert sum(band["searches"] for band in method["bands"]) == count
                edges = (0, *BANDS, 1)
                for band, low, high in zip(method["bands"], edges[:-1], edges[1:], strict=True):
                    if band["searches"]:
                        assert low <= band["predicted"] <= high
                        assert 0 <= band["observed"] <= 1


def test_a_fit_to_such_pairs_alone_is_shown_only_where_there_are_others(figures):
    sets = figures["galleries"]["10"]["sets"]
    assert ALIKE in sets["good"]["methods"]
    assert ALIKE not in sets["poor"]["methods"]
    assert ALIKE not in sets[EVERYTHING]["methods"]


def test_the_larger_the_gallery_the_lower_is_the_highest_probability(figures):
    galleries = figures["galleries"]
    assert galleries["50"]["highest"] < galleries["10"]["highest"] < 1
    for gallery in galleries.values():
        for found in gallery["sets"].values():
            said = [band["predicted"] for band in found["methods"][WITH]["bands"]]
            assert max(value for value in said if value is not None) <= gallery["highest"] + 1e-12


def test_weights_of_a_fold_know_nothing_of_its_people():
    pairs = compared(world())
    dealt = people, fold = people_folds(pairs)
    before = fold_weights(pairs, WITH, dealt)
    in_third = np.isin(pairs.person_a, people[fold == 3]) | np.isin(
        pairs.person_b, people[fold == 3]
    )
    lied = replace(pairs, similarity=np.where(in_third, -pairs.similarity, pairs.similarity))
    after = fold_weights(lied, WITH, dealt)
    assert after[3] == pytest.approx(before[3])
    others = np.arange(len(before)) != 3
    assert (np.abs(after - before)[others].max(axis=1) > 0.1).all()


def test_too_few_people_are_refused_with_the_number_needed():
    people = world()
    pairs = compared(people)
    few = people.where(people.labels < 19)
    with pytest.raises(InputError, match="among 10 people and as many strangers need 20 people"):
        search_figures(pairs, few, everyone(few), {"all": few}, {})


def test_the_card_shows_what_the_report_says(figures):
    text = search_probability({"search_probability": figures, "command": "ood-face evaluate"})
    found = figures["galleries"]["50"]["sets"]["poor"]
    brier = found["methods"][WITH]["brier"]["value"]
    row = f"| 50 | poor | {found['mated_searches']} / {found['stranger_searches']} |"
    assert text.count(row) == 2
    assert f"| {brier:.4f} (" in text
    band = found["methods"][WITH]["bands"][0]
    assert f"| 50 | poor | {band['observed']:.3f} ({band['predicted']:.3f}) |" in text
    assert f"{figures['galleries']['50']['highest']:.4f} of 50 at most" in text
    assert "0.95-1" in text


def test_what_was_not_measured_is_said():
    told = search_probability({"search_probability": {"reason": "too few"}, "command": "x"})
    assert "Not measured: too few." in told
    assert search_probability({"command": "x"}) == ""
