"""Fit P(same | similarity, score a, score b), and predict pairs of people that fitted nothing.

The weights are those of the highest likelihood within the signs that
:mod:`ood_face.types.probability` demands. Both kinds of pairs weigh the same in it, however many
there are of each, so that the weights give the evidence of a pair by itself; what is known before
the pictures are seen, the prior, is added where the evidence is used.

References
----------
Brümmer and du Preez 2006, Application-independent evaluation of speaker detection.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from ood_face.errors import InputError
from ood_face.evaluation.intervals import Resamples
from ood_face.types import SameModel, evidence_terms

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ood_face.evaluation.comparisons import Comparisons

__all__ = [
    "METHODS",
    "balanced",
    "check_data",
    "cross_validate",
    "evidence_limits",
    "fit_same",
    "fold_weights",
    "people_folds",
]

FOLDS = 10
RESAMPLES = 200
MIN_PEOPLE = 20
MIN_MATED = 100
MIN_IMPOSTOR = 300
# lowest and highest of each weight: the signs
_BOUNDS = {
    "similarity": ((None, None), (0, None)),
    "with_scores": ((0, None), (None, 0), (0, None)),
}
METHODS = tuple(_BOUNDS)
# a weight times its term's spread is within so much of 0 with 68 %: no more than a hold for pairs
# that are told apart without error, whose likelihood rises without end
_WEAK_PRIOR = 10.0
_SEED = 17


def fit_same(comparisons: Comparisons, model_id: str, resamples: int | None = None) -> SameModel:
    """Fit the weights on all pairs, and their covariance by drawing people again and again.

    Parameters
    ----------
    comparisons : of 20 people or more, with 100 mated and 300 impostor pairs at least
    model_id : the embedding model that gave similarities and scores
    resamples : bootstrap samples of the people, 2 at least; None: ``RESAMPLES``

    Raises
    ------
    InputError
        There is too little data, it is all alike, or a number is not finite; names the limit.
    """
    people = check_data(comparisons)
    terms = _terms(comparisons, "with_scores")
    bounds = _BOUNDS["with_scores"]
    weights = _fit(terms, comparisons.same, np.ones(len(comparisons)), bounds)
    drawn = Resamples.draw(people, RESAMPLES if resamples is None else resamples, _SEED)
    found = []
    for part in drawn.parts(len(comparisons)):
        for row in part.of_pairs(comparisons.person_a, comparisons.person_b, comparisons.same):
            # people without a mated pair may be all that a tiny sample drew
            if row[comparisons.same].any() and row[~comparisons.same].any():
                found.append(_fit(terms, comparisons.same, row, bounds, weights))
    covariance = np.cov(np.array(found), rowvar=False)
    return SameModel(model_id, weights, covariance, evidence_limits(comparisons))


def cross_validate(comparisons: Comparisons, folds: int = FOLDS) -> dict[str, NDArray[np.float64]]:
    """Predict every pair by weights that were fitted without both of its people.

    Returns
    -------
    for each of ``METHODS``, P(same) at a prior of 0.5, float64 (N,); NaN for pairs of two people
    in different folds, which no fold can test

    Raises
    ------
    InputError
        As :func:`fit_same`.
    """
    check_data(comparisons)
    dealt = people_folds(comparisons, folds)
    one, other = _fold_of_pairs(comparisons, dealt)
    found = {name: np.full(len(comparisons), np.nan) for name in METHODS}
    for name in METHODS:
        terms = _terms(comparisons, name)
        for index, weights in enumerate(fold_weights(comparisons, name, dealt)):
            tested = (one == index) & (other == index)
            found[name][tested] = 1 / (1 + np.exp(-(terms[tested] @ weights)))
    return found


def fold_weights(
    comparisons: Comparisons, method: str, dealt: tuple[NDArray[np.int64], NDArray[np.int64]]
) -> NDArray[np.float64]:
    """Fit weights of one of ``METHODS`` as often as there are folds, each time without one.

    Parameters
    ----------
    dealt : people and their folds, see :func:`people_folds`

    Returns
    -------
    float64 array of shape (F, K); row f knows nobody of fold f
    """
    one, other = _fold_of_pairs(comparisons, dealt)
    terms, bounds = _terms(comparisons, method), _BOUNDS[method]
    found = []
    for index in range(int(dealt[1].max()) + 1):
        fitted = (one != index) & (other != index)
        same = comparisons.same[fitted]
        found.append(_fit(terms[fitted], same, np.ones(len(same)), bounds))
    return np.stack(found)


def evidence_limits(comparisons: Comparisons) -> tuple[float, float]:
    """Return how low and how high the evidence can be that so many pairs show: rule of 3."""
    mated = int(comparisons.same.sum())
    return -math.log(mated / 3), math.log((len(comparisons) - mated) / 3)


def people_folds(
    comparisons: Comparisons, folds: int = FOLDS
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Deal people out over folds; those whom pairs connect stay together where that leaves enough.

    CFP's own folds are such groups.

    Returns
    -------
    people : (S,) their labels, rising
    fold : (S,) 0..folds-1
    """
    from scipy.sparse import coo_array  # noqa: PLC0415 - only fitting needs it
    from scipy.sparse.csgraph import connected_components  # noqa: PLC0415

    people, where = np.unique([comparisons.person_a, comparisons.person_b], return_inverse=True)
    one, other = where.reshape(2, -1)
    links = coo_array((np.ones(len(one)), (one, other)), shape=(len(people), len(people)))
    groups, group = connected_components(links)
    if groups < folds:
        groups, group = len(people), np.arange(len(people))
    dealt = np.random.default_rng(_SEED).permutation(groups) % folds
    return people, dealt[group].astype(np.int64)


def balanced(weights: NDArray[np.floating], same: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return weights (..., N) scaled so that each kind of pairs sums to a half."""
    weights = np.asarray(weights, np.float64)
    mated = np.sum(weights * same, axis=-1, keepdims=True)
    impostor = np.sum(weights * ~same, axis=-1, keepdims=True)
    return np.asarray(weights / 2 / np.where(same, mated, impostor))


def check_data(comparisons: Comparisons) -> NDArray[np.int64]:
    """Return the people; InputError where the pairs cannot carry a fit."""
    people = np.unique([comparisons.person_a, comparisons.person_b])
    mated = int(comparisons.same.sum())
    impostor = len(comparisons) - mated
    if len(people) < MIN_PEOPLE or mated < MIN_MATED or impostor < MIN_IMPOSTOR:
        raise InputError(
            "probability.too_little",
            "P(same) needs {people} people, {mated} pairs of one person and {impostor} pairs of "
            "two people at least; these are {got_people}, {got_mated} and {got_impostor}",
            people=MIN_PEOPLE,
            mated=MIN_MATED,
            impostor=MIN_IMPOSTOR,
            got_people=len(people),
            got_mated=mated,
            got_impostor=impostor,
        )
    scores = np.concatenate([comparisons.score_a, comparisons.score_b])
    if not np.all(np.isfinite(comparisons.similarity)) or not np.all(np.isfinite(scores)):
        raise InputError(
            "probability.not_finite", "some of the similarities or scores are no finite numbers"
        )
    if np.ptp(comparisons.similarity) == 0:
        raise InputError(
            "probability.equal_similarities", "all similarities are equal, so they tell nothing"
        )
    if np.ptp(scores) == 0:
        raise InputError("probability.equal_scores", "all scores are equal, so they tell nothing")
    return people


def _fold_of_pairs(
    comparisons: Comparisons, dealt: tuple[NDArray[np.int64], NDArray[np.int64]]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    people, fold = dealt
    one = fold[np.searchsorted(people, comparisons.person_a)]
    return one, fold[np.searchsorted(people, comparisons.person_b)]


def _terms(comparisons: Comparisons, method: str) -> NDArray[np.float64]:
    if method == "similarity":
        similarity = comparisons.similarity
        return np.stack([np.ones_like(similarity), similarity], axis=1)
    return evidence_terms(comparisons.similarity, comparisons.score_a, comparisons.score_b)


def _fit(
    terms: NDArray[np.float64],
    same: NDArray[np.bool_],
    weights: NDArray[np.floating],
    bounds: tuple[tuple[float | None, float | None], ...],
    start: NDArray[np.float64] | None = None,
) -> NDArray[np.float64]:
    from scipy.optimize import minimize  # noqa: PLC0415 - only fitting needs it

    # in units of each term's spread, in which all weights are of one size
    spread = np.std(terms, axis=0)
    spread = np.where(spread > 0, spread, 1.0)
    scaled = terms / spread
    signed = np.where(same, 1.0, -1.0)[:, None] * scaled
    share = balanced(weights, same)
    hold = 1 / (_WEAK_PRIOR**2 * len(same))

    def loss(inner: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        margin = signed @ inner
        # the probability of being wrong, which no margin may overflow
        wrong = np.exp(-np.logaddexp(0, margin))
        value = share @ np.logaddexp(0, -margin) + hold / 2 * inner @ inner
        return float(value), hold * inner - signed.T @ (share * wrong)

    found = minimize(
        loss,
        np.zeros(len(bounds)) if start is None else start * spread,
        jac=True,
        method="L-BFGS-B",
        bounds=bounds,
        options={"maxiter": 1000, "ftol": 1e-13, "gtol": 1e-8},
    )
    return np.asarray(found.x / spread)
