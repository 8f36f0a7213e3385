"""Isotonic scaling: the rising staircase that fits best, for local corrections."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np

from ood_face.calibration.arrays import as_columns, log_softmax, refuse_hopeless
from ood_face.calibration.scaling import Scaling
from ood_face.calibration.vector import refuse_absent

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    Curve = tuple[NDArray[np.float64], NDArray[np.float64]]

__all__ = ["IsotonicScaling"]


class IsotonicScaling(Scaling):
    """Maps the log-odds of each class through a rising curve fitted by isotonic regression.

    Of two classes one curve does, and the order of two cases never turns round (they may become
    equal). Of more, each class has a curve for its log-odds against all others together; the
    results are divided by their sum, and are all alike where that is 0.

    One further row of each kind is added at the lowest and at the highest log-odds seen, so that
    no probability is 0 or 1: an end where n rows were all of one kind gets 1 / (n + 2) instead.

    References
    ----------
    Zadrozny and Elkan 2002, Transforming Classifier Scores into Accurate Multiclass Probability
    Estimates.
    """

    method: ClassVar[str] = "isotonic"

    def __init__(self) -> None:
        self._curves: list[Curve] = []

    @property
    def classes(self) -> int | None:
        """As many as there are curves, 2 where there is one; None: not fitted."""
        return max(2, len(self._curves)) if self._curves else None

    def parameters(self) -> dict[str, Any]:
        """Return ``log_odds`` and ``probabilities``: the knots of each curve."""
        if not self._curves:
            return {}
        return {
            "log_odds": [x.tolist() for x, _ in self._curves],
            "probabilities": [y.tolist() for _, y in self._curves],
        }

    @classmethod
    def from_parameters(cls, table: Mapping[str, Any]) -> Self:
        """Return the scaling of rising knots."""
        scaling = cls()
        pairs = zip(table["log_odds"], table["probabilities"], strict=True)
        scaling._curves = [_checked_curve(x, y) for x, y in pairs]
        if len(scaling._curves) in {0, 2}:
            message = "there must be one curve for two classes, or one for each of more"
            raise ValueError(message)
        return scaling

    def _fit(
        self,
        logits: NDArray[np.float64],
        labels: NDArray[np.int64],
        weights: NDArray[np.float64],
    ) -> None:
        refuse_hopeless(logits, labels)
        odds = _log_odds(logits)
        classes = max(2, odds.shape[1])
        refuse_absent(labels, classes)
        wanted = [1] if odds.shape[1] == 1 else list(range(classes))
        self._curves = [
            _fit_curve(odds[:, i], labels == label, weights) for i, label in enumerate(wanted)
        ]

    def _transform(self, logits: NDArray[np.float64]) -> NDArray[np.float64]:
        odds = _log_odds(logits)
        found = np.stack(
            [np.interp(odds[:, i], x, y) for i, (x, y) in enumerate(self._curves)], axis=1
        )
        if logits.ndim == 1:
            return np.asarray(found[:, 0])
        if found.shape[1] == 1:
            return np.concatenate([1 - found, found], axis=1)
        total = found.sum(axis=1, keepdims=True)
        even = np.full_like(found, 1 / found.shape[1])
        return np.asarray(np.divide(found, total, out=even, where=total > 0))


def _log_odds(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    # (N, 1) of class 1 for two classes, else (N, C) of each class against all others together
    if logits.ndim == 1:
        return logits[:, None]
    if logits.shape[1] == 2:
        return logits[:, 1:] - logits[:, :1]
    others = [_log_sum(np.delete(logits, i, axis=1)) for i in range(logits.shape[1])]
    return np.asarray(logits - np.stack(others, axis=1))


def _log_sum(columns: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(columns[:, 0] - log_softmax(as_columns(columns))[:, 0])


def _fit_curve(
    odds: NDArray[np.float64], positive: NDArray[np.bool_], weights: NDArray[np.float64]
) -> Curve:
    from sklearn.isotonic import IsotonicRegression  # noqa: PLC0415 - only fitting needs it

    regression = IsotonicRegression(y_min=0, y_max=1, out_of_bounds="clip")
    # a row without weight says nothing, and would be a knot nevertheless
    there = weights > 0
    odds, positive, weights = odds[there], positive[there], weights[there]
    one, other = weights[positive].mean(), weights[~positive].mean()
    ends = np.array([odds.min(), odds.max()]).repeat(2)
    regression.fit(
        np.concatenate([odds, ends]),
        np.concatenate([positive, [False, True] * 2]).astype(np.float64),
        np.concatenate([weights, [other, one] * 2]),
    )
    x, y = regression.X_thresholds_, regression.y_thresholds_
    return np.asarray(x, np.float64), np.asarray(y, np.float64)


def _checked_curve(x: object, y: object) -> Curve:
    knots, values = np.array(x, np.float64), np.array(y, np.float64)
    good = knots.ndim == 1 and len(knots) > 0 and knots.shape == values.shape
    good = good and bool(np.isfinite(knots).all() and (np.diff(knots) > 0).all())
    good = good and bool((np.diff(values) >= 0).all() and values[0] >= 0 and values[-1] <= 1)
    if not good:
        message = "log_odds must rise, and probabilities must rise or stay within 0..1"
        raise ValueError(message)
    return knots, values
