"""Temperature scaling: one number, which makes probabilities more or less sure of themselves."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np

from ood_face.calibration.arrays import as_columns, as_targets, like, log_softmax, refuse_hopeless
from ood_face.calibration.scaling import (
    HIGHEST_TEMPERATURE,
    LOWEST_TEMPERATURE,
    Scaling,
    refuse_bound,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

__all__ = ["TemperatureScaling"]


class TemperatureScaling(Scaling):
    """Divides all logits by one temperature T; which class is the likeliest never changes.

    T minimises the negative log-likelihood within 0.1..10.

    Parameters
    ----------
    smoothed : fit to Platt's targets; right for few data, see
        :func:`~ood_face.calibration.arrays.as_targets`

    References
    ----------
    Guo et al. 2017, On Calibration of Modern Neural Networks, section 4.2.
    """

    method: ClassVar[str] = "temperature"

    def __init__(self, *, smoothed: bool = False) -> None:
        self._smoothed = smoothed
        self._temperature: float | None = None

    @property
    def classes(self) -> int | None:
        """Any number of them."""
        return None

    @property
    def temperature(self) -> float | None:
        """T; above 1 makes probabilities less sure; None: not fitted."""
        return self._temperature

    def parameters(self) -> dict[str, Any]:
        """Return ``temperature``."""
        return {} if self._temperature is None else {"temperature": self._temperature}

    @classmethod
    def from_parameters(cls, table: Mapping[str, Any]) -> Self:
        """Return the scaling of a temperature within 0.1..10."""
        scaling = cls()
        scaling._temperature = checked_temperature(table["temperature"])
        return scaling

    def _fit(
        self,
        logits: NDArray[np.float64],
        labels: NDArray[np.int64],
        weights: NDArray[np.float64],
    ) -> None:
        refuse_hopeless(logits, labels)
        columns = as_columns(logits)
        targets = as_targets(labels, columns.shape[1], smoothed=self._smoothed) * weights[:, None]

        def loss(log_temperature: float) -> float:
            return -float(np.sum(targets * log_softmax(columns / math.exp(log_temperature))))

        # the loss is convex in 1 / T, so on a logarithmic scale it has one valley
        from scipy.optimize import minimize_scalar  # noqa: PLC0415 - only fitting needs it

        bounds = (math.log(LOWEST_TEMPERATURE), math.log(HIGHEST_TEMPERATURE))
        found = minimize_scalar(loss, bounds=bounds, method="bounded", options={"xatol": 1e-9})
        temperature = math.exp(found.x)
        refuse_bound(temperature)
        self._temperature = temperature

    def _transform(self, logits: NDArray[np.float64]) -> NDArray[np.float64]:
        return like(logits, np.exp(log_softmax(as_columns(logits) / (self._temperature or 1.0))))


def checked_temperature(value: object) -> float:
    """Return a temperature; TypeError or ValueError where it is none."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        message = f"temperature must be a number, not {value!r}"
        raise TypeError(message)
    if not LOWEST_TEMPERATURE <= value <= HIGHEST_TEMPERATURE:  # refuses NaN as well
        message = (
            f"temperature must lie in {LOWEST_TEMPERATURE}..{HIGHEST_TEMPERATURE}, not {value}"
        )
        raise ValueError(message)
    return float(value)
