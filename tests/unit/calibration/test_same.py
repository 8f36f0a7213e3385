from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from ood_face.calibration.same import balanced, cross_validate, fit_same, people_folds
from ood_face.calibration.same_figures import same_figures
from ood_face.errors import InputError
from ood_face.evaluation.calibration_error import brier_score, reliability
from ood_face.evaluation.comparisons import Comparisons
from ood_face.types import evidence_terms
from tests.unit.calibration.people import WEIGHTS, made_up


@pytest.fixture(scope="module")
def pairs() -> Comparisons:
    return made_up()


def test_the_weights_are_those_of_another_maximum_likelihood(pairs):
    terms = evidence_terms(pairs.similarity, pairs.score_a, pairs.score_b)
    share = balanced(np.ones(len(pairs)), pairs.same) * len(pairs)
    free = LogisticRegression(C=np.inf, tol=1e-10, max_iter=10_000, fit_intercept=False)
    free.fit(terms, pairs.same, sample_weight=share)
    expected = free.coef_[0]
    # the signs bind nothing here, or the two could not agree
    assert expected[0] > 0 > expected[1]
    found = fit_same(pairs, "m@1", resamples=2).weights
    np.testing.assert_allclose(terms @ found, terms @ expected, atol=0.2)


def test_the_weights_that_made_the_pairs_are_found_within_their_own_uncertainty():
    model = fit_same(made_up(300, 60, seed=2), "m@1", resamples=60)
    spreads = np.sqrt(np.diag(model.covariance))
    np.testing.assert_array_less(np.abs(model.weights - WEIGHTS), 3 * spreads)
    np.testing.assert_array_less(spreads, [1.0, 1.0, 3.0])


def test_the_weights_keep_the_signs_whatever_the_data_say():
    upside_down = made_up(30, 40)
    turned = replace(upside_down, score_a=1 - upside_down.score_a, score_b=1 - upside_down.score_b)
    weights = fit_same(turned, "m@1", resamples=2).weights
    assert (weights[[0, 2]] >= 0).all()
    assert weights[1] <= 0


def test_how_many_there_are_of_each_kind_changes_no_evidence():
    rng = np.random.default_rng(1)
    pairs = made_up(200, 60)
    fewer = pairs.only(~pairs.same | (rng.random(len(pairs)) < 0.1))
    one, other = (fit_same(part, "m@1", resamples=2) for part in (pairs, fewer))
    at = np.array([0.1, 0.2, 0.3]), np.full(3, 0.6), np.full(3, 0.6)
    # a fit that counted the pairs would differ by log(10) = 2.3
    np.testing.assert_allclose(one.evidence(*at)[0], other.evidence(*at)[0], atol=1.0)


def test_the_interval_narrows_with_more_people():
    few, many = (fit_same(made_up(n, 40, seed=3), "m@1", resamples=60) for n in (25, 250))
    widths = []
    for model in (few, many):
        found = model.probability(0.3, 0.5, 0.5, 0.5)
        assert found.low <= found.value <= found.high
        widths.append(found.high - found.low)
    # ten times the people: about a third of the width
    assert widths[1] < 0.6 * widths[0]


def test_nothing_is_claimed_beyond_what_so_many_pairs_can_show(pairs):
    model = fit_same(pairs, "m@1", resamples=2)
    mated = int(pairs.same.sum())
    n = len(pairs) - mated
    assert model.limits == pytest.approx((-math.log(mated / 3), math.log(n / 3)))
    assert model.probability(1.0, 1.0, 1.0, 0.5).value == pytest.approx(1 - 1 / (1 + n / 3))


def test_no_person_is_predicted_by_weights_that_saw_them(pairs):
    people, fold = people_folds(pairs, 5)
    assert sorted(set(fold)) == [0, 1, 2, 3, 4]
    inside = (
        fold[np.searchsorted(people, pairs.person_a)]
        == fold[np.searchsorted(people, pairs.person_b)]
    )
    predicted = cross_validate(pairs, 5)
    for values in predicted.values():
        assert (np.isfinite(values) == inside).all()
    # another answer for the people of fold 0 changes no prediction of theirs
    mine = fold[np.searchsorted(people, pairs.person_a)] == 0
    lied = replace(pairs, same=np.where(inside & mine, ~pairs.same, pairs.same))
    again = cross_validate(lied, 5)["with_scores"]
    np.testing.assert_allclose(again[inside & mine], predicted["with_scores"][inside & mine])


def test_groups_that_no_pair_joins_stay_whole():
    parts = [made_up(6, 60, seed=seed) for seed in range(10)]
    joined = Comparisons(
        *(
            np.concatenate([getattr(part, name) for part in parts])
            for name in ("similarity", "score_a", "score_b", "same")
        ),
        np.concatenate([part.person_a + 6 * i for i, part in enumerate(parts)]),
        np.concatenate([part.person_b + 6 * i for i, part in enumerate(parts)]),
        np.zeros(3600, np.int64),
        ("pairs",),
    )
    people, fold = people_folds(joined, 10)
    assert [len(set(fold[people // 6 == group])) for group in range(10)] == [1] * 10
    assert len(set(fold)) == 10
    assert np.isfinite(cross_validate(joined)["similarity"]).all()


def test_the_scores_make_a_better_probability():
    pairs = made_up(150, 150, seed=4)
    kinds = ("pairs", "pairs_degraded")
    figures = same_figures(replace(pairs, kind=np.arange(len(pairs)) // 2 % 2, kinds=kinds))
    difference = figures["sets"]["all_degraded"]["larger_than_with_scores_by"]["similarity"]
    assert difference["brier"]["interval"][0] > 0
    assert difference["nll"]["interval"][0] > 0
    worst = figures["thirds"]["worst"]["methods"]
    assert worst["with_scores"]["ece"]["value"] < worst["similarity"]["ece"]["value"]


def test_the_figures_are_those_of_the_plain_definitions(pairs):
    figures = same_figures(replace(pairs, kinds=("pairs_degraded",)))
    predicted = cross_validate(pairs)["with_scores"]
    tested = np.isfinite(predicted)
    # as many of each kind as the definitions take for granted
    same = pairs.same[tested]
    found = figures["sets"]["pairs_degraded"]["methods"]["with_scores"]
    repeated = np.concatenate(
        [np.repeat(np.flatnonzero(kind), (~kind).sum()) for kind in (same, ~same)]
    )
    values, outcome = predicted[tested][repeated], same[repeated]
    assert found["brier"]["value"] == pytest.approx(brier_score(values, outcome))
    assert found["ece"]["value"] == pytest.approx(reliability(values, outcome).expected_error)


@pytest.mark.parametrize(
    ("change", "key"),
    [
        ({"similarity": np.full(3600, 0.5)}, "probability.equal_similarities"),
        (
            {"score_a": np.full(3600, 0.5), "score_b": np.full(3600, 0.5)},
            "probability.equal_scores",
        ),
        ({"score_a": np.full(3600, np.nan)}, "probability.not_finite"),
        ({"same": np.ones(3600, bool)}, "probability.too_little"),
        (
            {"person_a": np.zeros(3600, int), "person_b": np.ones(3600, int)},
            "probability.too_little",
        ),
    ],
)
def test_what_can_carry_no_fit_is_refused(pairs, change, key):
    with pytest.raises(InputError) as caught:
        fit_same(replace(pairs, **change), "m@1")
    assert caught.value.key == key


def test_too_little_says_how_much_is_needed():
    with pytest.raises(InputError, match=r"20 people, 100 pairs .* are 19, 204 and 176"):
        fit_same(made_up(19, 20), "m@1")
