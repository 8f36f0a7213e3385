"""What the scalings have in common: fit, transform, save, load."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np

from ood_face.calibration.arrays import checked_labels, checked_logits, checked_weights
from ood_face.calibration.sealed import bad_file, read_sealed, write_sealed
from ood_face.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import ArrayLike, NDArray

__all__ = ["HIGHEST_TEMPERATURE", "LOWEST_TEMPERATURE", "Scaling", "refuse_bound"]

LOWEST_TEMPERATURE, HIGHEST_TEMPERATURE = 0.1, 10.0
FORMAT = 1


class Scaling(ABC):
    """Turns logits into probabilities that keep their word.

    Logits are arrays or tensors of shape (N, C), or (N,) for log-odds of two classes;
    :mod:`ood_face.calibration.arrays` says more. Applying needs NumPy alone.
    """

    method: ClassVar[str]

    def fit(
        self,
        logits: ArrayLike | Any,  # noqa: ANN401 - any library's tensor
        labels: ArrayLike | Any,  # noqa: ANN401
        weights: ArrayLike | None = None,
    ) -> Self:
        """Fit to labelled logits; where that fails, the scaling is as it was.

        Parameters
        ----------
        logits : shape (N, C) or (N,)
        labels : whole numbers of shape (N,), 0..C-1
        weights : shape (N,), how much each row counts; None: all alike

        Raises
        ------
        InputError
            The data is wrong, or determines no scaling.
        """
        known = checked_logits(logits)
        labelled = checked_labels(labels, known)
        self._fit(known, labelled, checked_weights(weights, labelled))
        return self

    def transform(self, logits: ArrayLike | Any) -> NDArray[np.float64]:  # noqa: ANN401
        """Return probabilities: (N, C), each row with the sum 1, or (N,) of class 1.

        Raises
        ------
        InputError
            The scaling is not fitted yet, or the logits are wrong.
        """
        if not self.parameters():
            raise InputError("scaling.not_fitted", "the scaling is not fitted yet")
        return self._transform(checked_logits(logits, self.classes))

    def save(self, path: Path) -> None:
        """Write the scaling to a TOML file of its own, with a checksum, in one step."""
        document = {"format": FORMAT, "method": self.method, "parameters": self.parameters()}
        write_sealed(path, document)

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read what :meth:`save` has written.

        Raises
        ------
        CalibrationMissingError
            The file can't be read or holds no such scaling.
        ChecksumError
            It was changed after it was written.
        """
        document = read_sealed(path)
        if (document.get("format"), document.get("method")) != (FORMAT, cls.method):
            raise bad_file(path, f"it holds no {cls.method} scaling of format {FORMAT}")
        try:
            return cls.from_parameters(document["parameters"])
        except (KeyError, TypeError, ValueError) as exc:
            raise bad_file(path, f"parameters: {exc}") from exc

    @property
    @abstractmethod
    def classes(self) -> int | None:
        """How many classes it is for; None: any number."""

    @abstractmethod
    def parameters(self) -> dict[str, Any]:
        """Return what was fitted, as TOML values; empty: nothing yet."""

    @classmethod
    @abstractmethod
    def from_parameters(cls, table: Mapping[str, Any]) -> Self:
        """Return the scaling of some parameters; KeyError, TypeError or ValueError: unusable."""

    @abstractmethod
    def _fit(
        self,
        logits: NDArray[np.float64],
        labels: NDArray[np.int64],
        weights: NDArray[np.float64],
    ) -> None: ...

    @abstractmethod
    def _transform(self, logits: NDArray[np.float64]) -> NDArray[np.float64]: ...


def refuse_bound(temperature: float) -> None:
    """Refuse a temperature that lies at its bound: the best one lies at it or beyond.

    Raises
    ------
    InputError
        It does.
    """
    if temperature <= LOWEST_TEMPERATURE * (1 + 1e-3):
        raise InputError(
            "scaling.temperature_low",
            "the best temperature is at the bound {bound} or below it: the logits tell the "
            "classes of this data apart without error, or are far too small; more data, or "
            "harder data, is needed",
            bound=LOWEST_TEMPERATURE,
        )
    if temperature >= HIGHEST_TEMPERATURE * (1 - 1e-3):
        raise InputError(
            "scaling.temperature_high",
            "the best temperature is at the bound {bound} or above it: the logits say nothing "
            "about these labels, or are far too large",
            bound=HIGHEST_TEMPERATURE,
        )
