"""P(same | similarity, score a, score b): what a similarity is worth on pictures of such quality.

The evidence that two faces are one person, the logarithm of how much likelier the numbers are of
one person than of two, is::

    e = w_s s + w_q q + w_qs q s        q = (score_a score_b)^(1/3)

with ``w_s, w_qs >= 0`` and ``w_q <= 0``. By the law of Bayes,
``P(same) = 1 / (1 + exp(-e - log(prior / (1 - prior))))``. Hence

- pictures that show nothing (``q = 0``) and resemble nothing (``s = 0``) leave the prior as it is;
- the order of the two faces does not matter;
- P(same) never falls when the similarity rises;
- there is one similarity, the pivot ``-w_q / w_qs``, at which the quality says nothing. Above it
  P(same) never falls when a score rises: a match of good pictures is worth more. Below it P(same)
  never rises when a score rises: good pictures that do not match show two people, poor ones show
  little.

The similarity of two pictures of one person is in the mean about the product of how well each
shows that person, and two poor pictures of two people look alike: so the scores enter through
their product. The cube root was the best on CFP of exponents from 1/7 to 1/2, by the likelihood of
people that fitted nothing.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

from ood_face.errors import ArtifactError, CalibrationMissingError, InputError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

__all__ = [
    "EVIDENCE_TERMS",
    "Probability",
    "SameEstimator",
    "SameModel",
    "candidate_probabilities",
    "check_prior",
    "evidence_terms",
]

# the weights' names in files, in the order of the columns of `evidence_terms`
EVIDENCE_TERMS = (
    "similarity",
    "quality",
    "quality_similarity",
)
_SIGNS = np.array([1, -1, 1])
_Z = 1.959963984540054  # 95 % of a normal distribution lie within so many standard deviations


@dataclass(frozen=True, slots=True)
class Probability:
    """A probability with its 95 % interval, all in 0..1; None: its interval is not known."""

    value: float
    low: float | None
    high: float | None


class SameEstimator(Protocol):
    """Makes P(same) of similarities and scores; see :class:`SameModel`."""

    def evidence(
        self, similarity: ArrayLike, score_a: ArrayLike, score_b: ArrayLike
    ) -> NDArray[np.float64]:
        """Return the evidence of N pairs and the ends of its interval, shape (3, N)."""
        ...

    def probability(
        self, similarity: float, score_a: float, score_b: float, prior: float
    ) -> Probability:
        """Return P(same) of one pair."""
        ...


def evidence_terms(
    similarity: ArrayLike, score_a: ArrayLike, score_b: ArrayLike
) -> NDArray[np.float64]:
    """Return the terms that the weights multiply.

    Parameters
    ----------
    similarity, score_a, score_b : N numbers each, or one; cosines and scores 0..1

    Returns
    -------
    float64 array of shape (N, 3)
    """
    s, a, b = (
        np.atleast_1d(np.asarray(values, np.float64)) for values in (similarity, score_a, score_b)
    )
    q = np.cbrt(a * b)
    return np.stack([s + 0 * q, q, q * s], axis=1)


@dataclass(frozen=True, slots=True, eq=False)
class SameModel:
    """What makes P(same) of a similarity and two scores; see this module's text.

    Attributes
    ----------
    model_id : the embedding model whose similarities and scores these are
    weights : float64 array of shape (3,), in the order of ``EVIDENCE_TERMS``
    covariance : float64 array of shape (3, 3): how uncertain the weights are
    limits : the evidence is never taken for less than the first, which is below 0, nor for more
        than the second, which is above: so much the pairs that fitted the weights can show
    """

    model_id: str
    weights: NDArray[np.float64]
    covariance: NDArray[np.float64]
    limits: tuple[float, float]

    def __post_init__(self) -> None:
        size = len(EVIDENCE_TERMS)
        weights = np.array(self.weights, np.float64)
        covariance = np.array(self.covariance, np.float64)
        fits = weights.shape == (size,) and covariance.shape == (size, size)
        fits = fits and bool(np.all(np.isfinite(weights)) and np.all(np.isfinite(covariance)))
        low, high = self.limits
        if not fits or not -math.inf < low < 0 < high < math.inf:
            raise ArtifactError(
                "probability.shape",
                "P(same) needs {count} finite weights, their covariance, and two limits of the "
                "evidence, one below 0 and one above",
                count=size,
            )
        for name, weight, sign in zip(EVIDENCE_TERMS, weights, _SIGNS, strict=True):
            if weight * sign < 0:
                raise ArtifactError(
                    "probability.sign",
                    "the weight {name} of P(same) is {weight:g}; it must be {relation} 0",
                    name=name,
                    weight=float(weight),
                    relation=">=" if sign > 0 else "<=",
                )
        scale = float(np.abs(covariance).max())
        symmetric = np.allclose(covariance, covariance.T, atol=1e-6 * scale)
        if not symmetric or np.linalg.eigvalsh(covariance).min() < -1e-6 * max(scale, 1e-12):
            raise ArtifactError(
                "probability.covariance", "the covariance of P(same)'s weights is none"
            )
        weights.flags.writeable = covariance.flags.writeable = False
        object.__setattr__(self, "weights", weights)
        object.__setattr__(self, "covariance", covariance)

    def check_model(self, model_id: str) -> None:
        """Raise CalibrationMissingError unless this was fitted for a model."""
        if self.model_id != model_id:
            raise CalibrationMissingError(
                "probability.not_of_model",
                "P(same) of model {found} says nothing of features of {model}",
                found=self.model_id,
                model=model_id,
            )

    @property
    def pivot(self) -> float | None:
        """The similarity at which quality says nothing; None: it never says anything."""
        _, quality, product = self.weights
        return None if product == 0 else float(-quality / product)

    def evidence(
        self, similarity: ArrayLike, score_a: ArrayLike, score_b: ArrayLike
    ) -> NDArray[np.float64]:
        """Return the evidence of N pairs and its 95 % interval.

        Parameters
        ----------
        similarity, score_a, score_b : N numbers each, or one; cosines and scores 0..1

        Returns
        -------
        float64 array of shape (3, N): the evidence, and the lower and upper end of its interval

        Raises
        ------
        InputError
            A number is not finite, or a score lies outside 0..1.
        """
        for name, values in (("ood_score_a", score_a), ("ood_score_b", score_b)):
            if not np.all((np.asarray(values) >= 0) & (np.asarray(values) <= 1)):
                raise InputError("probability.score", "{name} must lie in 0..1", name=name)
        if not np.all(np.isfinite(similarity)):
            raise InputError("probability.similarity", "the similarity must be a finite number")
        terms = evidence_terms(similarity, score_a, score_b)
        middle = terms @ self.weights
        variance = np.einsum("nk,kl,nl->n", terms, self.covariance, terms)
        reach = _Z * np.sqrt(np.maximum(variance, 0))
        ends = np.stack([middle, middle - reach, middle + reach])
        return np.asarray(np.clip(ends, *self.limits))

    def probability(
        self, similarity: float, score_a: float, score_b: float, prior: float
    ) -> Probability:
        """Return P(same) of one pair.

        Parameters
        ----------
        prior : the probability before the pictures were seen, above 0 and below 1

        Raises
        ------
        InputError
            A number is not finite or out of range.
        """
        check_prior(prior)
        logits = self.evidence(similarity, score_a, score_b)[:, 0]
        logits = logits + math.log(prior / (1 - prior))
        value, low, high = (float(1 / (1 + np.exp(-logit))) for logit in logits)
        return Probability(value, low, high)


def check_prior(prior: float) -> None:
    """Raise InputError unless this can be a prior: above 0, below 1."""
    if not 0 < prior < 1:
        raise InputError(
            "probability.prior",
            "a prior lies above 0 and below 1, this is {prior}",
            prior=prior,
        )


def candidate_probabilities(
    evidence: NDArray[np.float64], subjects: int, prior: float
) -> NDArray[np.float64]:
    """Return the probability of each candidate of a search that it is the one sought.

    Before the pictures are seen, the one sought is enrolled with the probability ``prior``, and
    then each of the subjects as probably as any other. At most one of them is the one sought, so
    the candidates share what is certain: two that are equally similar have one half each at most.
    Subjects that are not among the candidates count as no likelier than the last candidate.

    Parameters
    ----------
    evidence : float64 array of shape (..., K), K at least 1, best candidate first
    subjects : how many are enrolled, at least K
    prior : above 0 and below 1

    Returns
    -------
    float64 array of shape (..., K)
    """
    each = prior / subjects
    share = each * np.exp(evidence)
    others = each * (subjects - evidence.shape[-1])
    rest = others * np.exp(np.minimum(0.0, evidence[..., -1:]))
    whole = 1 - prior + share.sum(axis=-1, keepdims=True) + rest
    return np.asarray(share / whole)
