"""Where the probability of a search's first candidate lies, as far as the calibration goes."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from ood_face.types import SameModel, evidence_terms
from ood_face.types.probability import candidate_probabilities

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from ood_face.types import SameEstimator

__all__ = ["first_interval"]

_Z = 1.959963984540054  # 95 % of a normal distribution lie within so many standard deviations
# of the evidence, to see what a candidate's changes; evidence is a logarithm, of size 1
_STEP = 1e-3


def first_interval(
    model: SameEstimator,
    similarities: ArrayLike,
    ood_score: float,
    scores: ArrayLike,
    subjects: int,
    prior: float,
) -> tuple[float, float] | None:
    """Return the 95 % interval of the first candidate's probability; None: there is none.

    All candidates' evidence is made by the same uncertain weights, so it errs together: the
    weights are moved both ways along the direction in which this probability changes most for
    their covariance, 1.96 standard deviations far, and all candidates with them. Of one candidate
    in a gallery of one subject that is the interval of :meth:`SameModel.probability`.

    Parameters
    ----------
    model : only a ``SameModel`` knows how uncertain its weights are
    similarities, scores : of K candidates, best first
    ood_score : of the probe
    subjects, prior : as :func:`ood_face.types.probability.candidate_probabilities` takes them

    Returns
    -------
    low, high : 0..1, with the probability between them
    """
    if not isinstance(model, SameModel):
        return None
    terms = evidence_terms(similarities, ood_score, scores)

    def shares(weights: NDArray[np.float64]) -> float:
        evidence = np.clip(terms @ weights, *model.limits)
        return float(candidate_probabilities(evidence, subjects, prior)[0])

    middle = np.clip(terms @ model.weights, *model.limits)
    steps = _STEP * np.eye(len(middle))
    up = _log_odds(candidate_probabilities(middle + steps, subjects, prior)[:, 0])
    down = _log_odds(candidate_probabilities(middle - steps, subjects, prior)[:, 0])
    slope = ((up - down) / (2 * _STEP)) @ terms
    spread = math.sqrt(max(0.0, float(slope @ model.covariance @ slope)))
    found = [shares(model.weights)]
    if spread > 0:
        move = _Z * (model.covariance @ slope) / spread
        found += [shares(model.weights - move), shares(model.weights + move)]
    return min(found), max(found)


def _log_odds(probability: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(np.log(probability) - np.log1p(-probability))
