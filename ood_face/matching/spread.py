"""What the passes of Monte Carlo dropout say of a decision: how far its numbers lie apart.

Each pass is another network: some of the head's inputs are left out, and the rest made up for it.
Pass k of one picture is compared with pass k of the other, or with the enrolled feature as it is
stored; so there are similarities and P(same) for every k. Where the passes disagree, the model does
not know; where each of them is in doubt by itself, the pictures do not tell.
"""

from __future__ import annotations

import math
from itertools import takewhile
from typing import TYPE_CHECKING, Literal

import numpy as np

from ood_face.types import ModelSpread
from ood_face.types.probability import candidate_probabilities

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

    from ood_face.types import Candidate, FaceTemplate, SameEstimator

__all__ = ["entropy_bits", "model_spread", "spread_of_search", "spread_of_two"]

_RANGE_PERCENT: tuple[tuple[float, Literal["lower", "higher"]], ...] = (
    (2.5, "lower"),
    (97.5, "higher"),
)


def entropy_bits(probability: ArrayLike) -> NDArray[np.float64]:
    """Return the entropy of yes-or-no questions in bits, 0..1.

    Parameters
    ----------
    probability : of yes, 0..1, any shape; 0 and 1 have no entropy
    """
    p = np.asarray(probability, np.float64)
    kept = np.stack([p, 1 - p])
    # the logarithm of 0 is never asked for: its term is 0
    terms = kept * np.log2(np.where(kept > 0, kept, 1))
    return np.asarray(np.abs(terms.sum(axis=0)))


def model_spread(
    similarities: NDArray[np.float64], probabilities: NDArray[np.float64] | None
) -> ModelSpread:
    """Put the passes of a decision into numbers.

    Parameters
    ----------
    similarities : shape (P,), P at least 1: of each pass
    probabilities : shape (P,): P(same) of each pass; None: there is none
    """
    passes, spread = len(similarities), float(np.std(similarities))
    if probabilities is None:
        return ModelSpread(passes, spread)
    # ends that are passes themselves: between two of a few, less than 95 % would lie within
    low, high = (
        float(np.percentile(probabilities, percent, method=method))
        for percent, method in _RANGE_PERCENT
    )
    total = float(entropy_bits(probabilities.mean()))
    expected = float(entropy_bits(probabilities).mean())
    # the entropy is concave, so only rounding can make the difference negative
    unknown = max(0.0, total - expected)
    return ModelSpread(passes, spread, (low, high), total, expected, unknown)


def spread_of_two(
    template_a: FaceTemplate,
    template_b: FaceTemplate,
    estimator: SameEstimator | None,
    prior: float,
) -> ModelSpread | None:
    """Return the spread of a comparison; None: no passes were run.

    Parameters
    ----------
    template_a, template_b : with passes, as many of each; one without them is taken as it is
    estimator : makes P(same); None: nothing does
    prior : above 0 and below 1
    """
    if template_a.passes is None and template_b.passes is None:
        return None
    features_a, scores_a = _side(template_a)
    features_b, scores_b = _side(template_b)
    similarities = np.clip((features_a * features_b).sum(axis=1), -1, 1)
    if estimator is None or scores_a is None or scores_b is None:
        return model_spread(similarities, None)
    evidence = estimator.evidence(similarities, scores_a, scores_b)[0]
    odds = evidence + math.log(prior / (1 - prior))
    return model_spread(similarities, 1 / (1 + np.exp(-odds)))


def spread_of_search(
    probe: FaceTemplate,
    found: Sequence[tuple[Candidate, NDArray[np.float32]]],
    estimator: SameEstimator | None,
    subjects: int,
    prior: float,
) -> ModelSpread | None:
    """Return the spread of a search's first candidate; None: no passes, or nobody was found.

    Parameters
    ----------
    probe : with passes
    found : the candidates, best first, each with the feature, shape (512,), of its template
    estimator : makes P(same); None: nothing does
    subjects, prior : as :func:`ood_face.types.probability.candidate_probabilities` takes them
    """
    if probe.passes is None or not found:
        return None
    stored = np.stack([feature for _, feature in found]).astype(np.float64)
    similarities = np.clip(probe.passes.features.astype(np.float64) @ stored.T, -1, 1)
    # those that have a probability: see with_probabilities
    scores = [*takewhile(lambda one: one is not None, (one.ood_score for one, _ in found))]
    if estimator is None or not scores:
        return model_spread(similarities[:, 0], None)
    known, passes = similarities[:, : len(scores)], len(probe.passes)
    evidence = estimator.evidence(
        known.ravel(),
        np.repeat(probe.passes.ood_scores, len(scores)),
        np.tile(np.array(scores, np.float64), passes),
    )[0].reshape(passes, len(scores))
    shares = candidate_probabilities(evidence, max(subjects, len(found)), prior)
    return model_spread(similarities[:, 0], shares[:, 0])


def _side(
    template: FaceTemplate,
) -> tuple[NDArray[np.float64], NDArray[np.float32] | NDArray[np.float64] | None]:
    if template.passes is not None:
        return template.passes.features.astype(np.float64), template.passes.ood_scores
    score = None if template.ood_score is None else np.array([template.ood_score])
    return template.feature[None].astype(np.float64), score
