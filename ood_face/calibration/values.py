"""What goes into a calibration, and how far what comes out may go."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ood_face.calibration.arrays import checked_logits
from ood_face.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

__all__ = ["Claims", "LogitInput"]

KINDS = ("similarity", "logits")
# rounding of a cosine in float32
_SLACK = 1e-5
SIMILARITY_SCALE = 20.0


@dataclass(frozen=True, slots=True)
class LogitInput:
    """How input becomes logits.

    A similarity becomes the log-odds ``scale * (similarity - zero_at)`` of "the same person". The
    middle between a scenario's two thresholds is a sensible ``zero_at``; with the scale 20 and
    thresholds 0.05 from it, an uncalibrated similarity at them counts as 0.27 and 0.73. The scale
    is only where the temperature starts from; ``zero_at`` is the point that temperature scaling
    keeps at 1/2, while the other methods move it.

    Attributes
    ----------
    kind : ``similarity`` or ``logits``
    classes : how many
    zero_at, scale : of similarities
    """

    kind: str
    classes: int = 2
    zero_at: float = 0.0
    scale: float = SIMILARITY_SCALE

    def __post_init__(self) -> None:
        numbers = (self.zero_at, self.scale)
        good = self.kind in KINDS and isinstance(self.classes, int) and self.classes >= 2
        if not (good and all(np.isfinite(numbers)) and self.scale > 0):
            message = f"input must have a kind of {KINDS}, at least 2 classes, and scale > 0"
            raise ValueError(message)

    def logits(self, values: ArrayLike | Any) -> NDArray[np.float64]:  # noqa: ANN401 - any tensor
        """Return logits (N,) or (N, C).

        Raises
        ------
        InputError
            The values have another shape, are no similarities, or not finite.
        """
        found = checked_logits(values, self.classes)
        if self.kind == "logits":
            return found
        if found.ndim != 1 or np.abs(found).max() > 1 + _SLACK:
            raise InputError(
                "scaling.similarity",
                "similarities must have the shape (N,) and lie in -1..1; these have {shape} and "
                "lie in {low:.3f}..{high:.3f}",
                shape=found.shape,
                low=found.min(),
                high=found.max(),
            )
        return np.asarray(self.scale * (found - self.zero_at))

    def table(self) -> dict[str, Any]:
        """Return the values for a file."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Claims:
    """The range of probabilities that the test data can carry, by the rule of 3.

    That something never happened in n trials shows, with 95 % confidence, only that it happens
    in less than 3 of n. So P(same) is never said to be lower than if 3 of the mated test pairs
    had been found among the impostors, and never higher than the other way round. The rule takes
    pairs for independent, so with few people even this is optimistic.

    Attributes
    ----------
    lowest, highest : of P(class 1); of several classes, ``highest`` is that of the likeliest one,
        and ``lowest`` is not used
    """

    lowest: float
    highest: float

    def __post_init__(self) -> None:
        if not 0 <= self.lowest < self.highest <= 1:
            message = f"claims must lie in 0..1 and rise, not {self.lowest}..{self.highest}"
            raise ValueError(message)

    @classmethod
    def of_pairs(cls, mated: int, impostor: int, prior: float) -> Claims:
        """Return what so many test pairs of each kind can carry, at least 4 of each."""
        odds = prior / (1 - prior)
        low, high = odds * 3 / mated, 3 / (impostor * odds)
        return cls(low / (1 + low), 1 / (1 + high))

    @classmethod
    def of_rows(cls, rows: int) -> Claims:
        """Return what so many test rows of several classes can carry, at least 4."""
        return cls(0.0, 1 - 3 / rows)

    def limit(self, probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return probabilities (N,) or (N, C) within the range; which is largest stays."""
        if probabilities.ndim == 1:
            return np.clip(probabilities, self.lowest, self.highest)
        if probabilities.shape[1] == 2:
            same = np.clip(probabilities[:, 1], self.lowest, self.highest)
            return np.stack([1 - same, same], axis=1)
        top = probabilities.max(axis=1, keepdims=True)
        # mix with the even distribution, just so much that the largest comes down to the limit
        even = 1 / probabilities.shape[1]
        limit = max(self.highest, even)
        kept = np.where(top > limit, (limit - even) / np.maximum(top - even, 1e-300), 1.0)
        return np.asarray(even + kept * (probabilities - even))

    def table(self) -> dict[str, Any]:
        """Return the values for a file."""
        return asdict(self)
