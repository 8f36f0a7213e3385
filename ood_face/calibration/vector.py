"""Vector scaling: a temperature and a bias per class."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np

from ood_face.calibration.arrays import as_columns, as_targets, like, log_softmax, refuse_hopeless
from ood_face.calibration.scaling import (
    HIGHEST_TEMPERATURE,
    LOWEST_TEMPERATURE,
    Scaling,
    refuse_bound,
)
from ood_face.calibration.temperature import checked_temperature
from ood_face.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

__all__ = ["VectorScaling", "loss_and_gradient"]


class VectorScaling(Scaling):
    """Divides all logits by one temperature, then adds a bias to each class.

    With two classes it is Platt's scaling: the point where both are as likely may move.
    Temperature (within 0.1..10) and biases minimise the negative log-likelihood, a convex
    problem in 1 / T and the biases. Biases have the sum 0: a common one would change nothing.

    Parameters
    ----------
    smoothed : fit to Platt's targets; right for few data, see
        :func:`~ood_face.calibration.arrays.as_targets`

    References
    ----------
    Guo et al. 2017, On Calibration of Modern Neural Networks, section 4.2. There, every class
    has a scale of its own too; here they share one, so that few data suffice.
    """

    method: ClassVar[str] = "vector"

    def __init__(self, *, smoothed: bool = False) -> None:
        self._smoothed = smoothed
        self._temperature = 1.0
        self._biases: NDArray[np.float64] = np.empty(0)

    @property
    def classes(self) -> int | None:
        """As many as there are biases; None: not fitted."""
        return len(self._biases) or None

    def parameters(self) -> dict[str, Any]:
        """Return ``temperature`` and ``biases``."""
        if not len(self._biases):
            return {}
        return {"temperature": self._temperature, "biases": self._biases.tolist()}

    @classmethod
    def from_parameters(cls, table: Mapping[str, Any]) -> Self:
        """Return the scaling of a temperature within 0.1..10 and at least 2 biases."""
        biases = np.array(table["biases"], np.float64)
        if biases.ndim != 1 or len(biases) < 2 or not np.isfinite(biases).all():
            message = "biases must be a list of at least 2 finite numbers"
            raise ValueError(message)
        scaling = cls()
        scaling._temperature = checked_temperature(table["temperature"])
        scaling._biases = biases
        return scaling

    def _fit(
        self,
        logits: NDArray[np.float64],
        labels: NDArray[np.int64],
        weights: NDArray[np.float64],
    ) -> None:
        refuse_hopeless(logits, labels)
        columns = as_columns(logits)
        classes = columns.shape[1]
        refuse_absent(labels, classes)
        targets = as_targets(labels, classes, smoothed=self._smoothed)
        from scipy.optimize import minimize  # noqa: PLC0415 - only fitting needs it

        free = [(None, None)] * classes
        found = minimize(
            loss_and_gradient,
            np.concatenate([[1.0], np.zeros(classes)]),
            args=(columns, targets, weights),
            jac=True,
            method="L-BFGS-B",
            bounds=[(1 / HIGHEST_TEMPERATURE, 1 / LOWEST_TEMPERATURE), *free],
            options={"maxiter": 1000, "ftol": 1e-14, "gtol": 1e-9},
        )
        temperature = 1 / float(found.x[0])
        refuse_bound(temperature)
        if not np.isfinite(found.x).all():
            raise InputError(
                "scaling.no_minimum",
                "no biases were found that fit the data: {problem}",
                problem=str(found.message),
            )
        self._temperature = temperature
        self._biases = np.asarray(found.x[1:] - found.x[1:].mean())

    def _transform(self, logits: NDArray[np.float64]) -> NDArray[np.float64]:
        scaled = as_columns(logits) / self._temperature + self._biases
        return like(logits, np.exp(log_softmax(scaled)))


def loss_and_gradient(
    parameters: NDArray[np.float64],
    columns: NDArray[np.float64],
    targets: NDArray[np.float64],
    weights: NDArray[np.float64],
) -> tuple[float, NDArray[np.float64]]:
    """Return the mean negative log-likelihood and its gradient.

    Parameters
    ----------
    parameters : (1 + C,), 1 / T and then the biases
    columns : (N, C) logits
    targets : (N, C), each row with the sum 1
    weights : (N,)
    """
    logs = log_softmax(columns * parameters[0] + parameters[1:])
    share = (weights / weights.sum())[:, None]
    loss = -float(np.sum(share * targets * logs))
    excess = share * (np.exp(logs) - targets)
    return loss, np.concatenate([[np.sum(excess * columns)], excess.sum(axis=0)])


def refuse_absent(labels: NDArray[np.int64], classes: int) -> None:
    """Refuse data in which a class never occurs.

    Raises
    ------
    InputError
        One does not.
    """
    absent = np.setdiff1d(np.arange(classes), labels)
    if len(absent):
        raise InputError(
            "scaling.class_absent",
            "no row has the label {label}, but this method fits every one of the {classes} "
            "classes; the method temperature does not",
            label=int(absent[0]),
            classes=classes,
        )
