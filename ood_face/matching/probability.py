"""P(same) where it is used: the file beside the model, and the candidates of a search."""

from __future__ import annotations

import math
import tomllib
from dataclasses import replace
from itertools import takewhile
from typing import TYPE_CHECKING, Any

import numpy as np

from ood_face.errors import ArtifactError, CalibrationMissingError
from ood_face.matching.intervals import first_interval
from ood_face.types import (
    EVIDENCE_TERMS,
    MODEL_CALIBRATION,
    NO_CALIBRATION,
    Probability,
    SameModel,
    check_prior,
)
from ood_face.types.probability import candidate_probabilities

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import ArrayLike, NDArray

    from ood_face.types import Candidate, SameEstimator

__all__ = [
    "PROBABILITY_FORMAT",
    "CalibratedSimilarity",
    "load_same_model",
    "same_estimator",
    "same_model_facts",
    "with_probabilities",
]

PROBABILITY_FORMAT = 1
# the logarithm of the odds must stay finite
_SUREST = 1 - 1e-9


class CalibratedSimilarity:
    """P(same) by a calibration of the similarity alone, such as ``ood-face calibrate`` fits.

    See :class:`ood_face.types.SameEstimator`. The scores have no part in it.

    Parameters
    ----------
    calibrated : returns P(same) of similarities, float64 of shape (N,)
    prior : the share of pairs of one person that these probabilities assume
    """

    def __init__(
        self, calibrated: Callable[[ArrayLike], NDArray[np.float64]], prior: float
    ) -> None:
        check_prior(prior)
        self._calibrated = calibrated
        self._odds = math.log(prior / (1 - prior))

    def evidence(
        self, similarity: ArrayLike, score_a: ArrayLike, score_b: ArrayLike
    ) -> NDArray[np.float64]:
        """Return the evidence of N pairs, three times: there is no interval."""
        pairs = np.broadcast_arrays(np.atleast_1d(similarity), score_a, score_b)[0]
        found = np.clip(self._calibrated(pairs), 1 - _SUREST, _SUREST)
        return np.tile(np.log(found / (1 - found)) - self._odds, (3, 1))

    def probability(
        self, similarity: float, score_a: float, score_b: float, prior: float
    ) -> Probability:
        """Return P(same) of one pair, for another prior than the calibration's own, too."""
        check_prior(prior)
        evidence = float(self.evidence(similarity, score_a, score_b)[0, 0])
        odds = evidence + math.log(prior / (1 - prior))
        return Probability(1 / (1 + math.exp(-odds)), None, None)


def same_estimator(
    name: str, model: SameModel | None, calibrations: Mapping[str, SameEstimator]
) -> SameEstimator | None:
    """Return what makes P(same) by the name of a calibration; None: nothing does.

    Parameters
    ----------
    name : ``none``: no probabilities; ``model``: the model's own; else one of the calibrations
    model : the model's own P(same); None: it has none
    calibrations : those there are, by name
    """
    if name == MODEL_CALIBRATION:
        return model
    return None if name == NO_CALIBRATION else calibrations[name]


def load_same_model(path: Path, model_id: str) -> SameModel:
    """Read what makes P(same) of a model's similarities and scores.

    Parameters
    ----------
    path : a file that ``ood_face.calibration.same_file`` wrote
    model_id : the model in use

    Raises
    ------
    CalibrationMissingError
        There is no such file, or it was fitted for another model.
    ArtifactError
        It is not valid.
    """
    document = _read(path)
    if document.get("model_id") != model_id:
        raise CalibrationMissingError(
            "probability.other_model",
            "{file} belongs to model {found}, not to {model}",
            file=str(path),
            found=document.get("model_id"),
            model=model_id,
        )
    same = document.get("same")
    if document.get("format") != PROBABILITY_FORMAT or not isinstance(same, dict):
        raise ArtifactError(
            "probability.format",
            "{file} must have format = {format} and a table same",
            file=str(path),
            format=PROBABILITY_FORMAT,
        )
    return _same_model(path, model_id, same)


def same_model_facts(path: Path) -> Mapping[str, Any]:
    """Return what a file of P(same) says of its fit; empty: nothing.

    Raises
    ------
    CalibrationMissingError, ArtifactError
        It cannot be read, or is not valid.
    """
    facts = _read(path).get("fit", {})
    return facts if isinstance(facts, dict) else {}


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as exc:
        raise CalibrationMissingError(
            "probability.missing",
            "{file} cannot be read: {reason}",
            file=str(path),
            reason=exc.strerror or type(exc).__name__,
        ) from exc
    except (ValueError, RecursionError) as exc:  # no TOML, no UTF-8, or nested too deeply
        raise ArtifactError(
            "probability.not_toml",
            "{file} is no valid TOML: {reason}",
            file=str(path),
            reason=str(exc),
        ) from exc


def _same_model(path: Path, model_id: str, same: dict[str, Any]) -> SameModel:
    try:
        weights = np.array([float(same[name]) for name in EVIDENCE_TERMS])
        covariance = np.array(same["covariance"], np.float64)
        low, high = (float(limit) for limit in same["limits"])
    except (KeyError, OverflowError, TypeError, ValueError) as exc:
        raise ArtifactError(
            "probability.numbers",
            "{file}: the table same needs the numbers {names}, covariance and two limits",
            file=str(path),
            names=", ".join(EVIDENCE_TERMS),
        ) from exc
    return SameModel(model_id, weights, covariance, (low, high))


def with_probabilities(
    candidates: Sequence[Candidate],
    ood_score: float | None,
    model: SameEstimator | None,
    subjects: int,
    prior: float,
) -> list[Candidate]:
    """Return the candidates of a search with the probability that each is the one sought.

    See :func:`ood_face.types.probability.candidate_probabilities`.

    Parameters
    ----------
    candidates : by similarity, best first
    ood_score : of the probe; None: nobody knows
    model : None: the model in use has no such calibration
    subjects : how many are enrolled
    prior : above 0 and below 1

    Returns
    -------
    candidates : none with a probability where the probe has no score, nor from the first one on
        whose template has none; the first with its interval, where the model knows it
    """
    check_prior(prior)
    # nobody knows how much of the certainty one without a score would take from those after it
    known = list(takewhile(lambda one: one.ood_score is not None, candidates))
    if model is None or ood_score is None or not known:
        return list(candidates)
    similarities = [one.similarity for one in known]
    scores = [one.ood_score for one in known if one.ood_score is not None]
    among = max(subjects, len(candidates))
    evidence = model.evidence(similarities, np.full(len(known), ood_score), scores)[0]
    found = candidate_probabilities(evidence, among, prior)
    given = [
        replace(one, probability=float(share)) for one, share in zip(known, found, strict=True)
    ]
    interval = first_interval(model, similarities, ood_score, scores, among, prior)
    given[0] = replace(given[0], probability_interval=interval)
    return [*given, *candidates[len(given) :]]
