"""What an evaluation measures with: the model's own numbers, and the signals it is compared to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import cv2
import numpy as np

from ood_face.evaluation.samples import measure_all

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    from ood_face.evaluation.samples import Measure

    Curve = Callable[[NDArray[np.floating]], NDArray[np.float32]]
    Signals = Callable[[NDArray[np.uint8]], Mapping[str, NDArray[np.floating]]]

__all__ = ["BEST_FIRST", "Instruments", "Progress", "SilentProgress", "sharpness", "trust_signals"]

# in the order of the tables
BEST_FIRST = (
    "ood_score",
    "feature_norm",
    "laplacian_sharpness",
    "detector_probability",
    "mc_dropout_variance",
    "entropy",
    "one_minus_max_probability",
)


class Progress(Protocol):
    """Told how a long measurement gets on."""

    def begin(self, what: str, total: int | None = None) -> None:
        """Start a measurement of so many pictures; None: not known yet."""
        ...

    def advance(self, count: int) -> None:
        """Count pictures as done."""
        ...


class SilentProgress:
    """Tells nobody."""

    def begin(self, what: str, total: int | None = None) -> None:
        """Do nothing."""

    def advance(self, count: int) -> None:
        """Do nothing."""


@dataclass(frozen=True, slots=True)
class Instruments:
    """How crops (N, 112, 112, 3) are measured.

    Attributes
    ----------
    measure : to features (N, 512), not normalised, and variances (N,)
    curve : variances to scores; None: the model gives no quality score
    doubts : to uncertainties by name, (N,), higher is less sure; None: the model gives none
    detector : to ``{"probability": (N,)}``: the detector's confidence, 0 where it finds no face;
        None: not measured
    progress : told how it gets on
    """

    measure: Measure
    curve: Curve | None
    doubts: Signals | None = None
    detector: Signals | None = None
    progress: Progress = SilentProgress()  # noqa: RUF009 - it has no state

    @property
    def steps(self) -> int:
        """How many measurements one crop goes through in :func:`trust_signals`."""
        return 1 + (self.doubts is not None) + (self.detector is not None)


def trust_signals(
    instruments: Instruments, crops: NDArray[np.uint8]
) -> tuple[NDArray[np.float32], dict[str, NDArray[np.floating]]]:
    """Return unit features, and every signal that might say how far they can be trusted.

    All signals are turned so that higher is better. ``ood_score`` is minus the variance: the
    score falls strictly with it, and the order is all that counts here.
    """
    features, norms, variances = measure_all(instruments.measure, crops)
    found: dict[str, NDArray[np.floating]] = {
        "feature_norm": norms,
        "laplacian_sharpness": sharpness(crops),
    }
    if instruments.curve is not None:
        found["ood_score"] = -variances
    if instruments.detector is not None:
        found["detector_probability"] = instruments.detector(crops)["probability"]
    if instruments.doubts is not None:
        found |= {name: -values for name, values in instruments.doubts(crops).items()}
    return features, {name: found[name] for name in BEST_FIRST if name in found}


def sharpness(crops: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Return the variance of each crop's Laplacian."""
    grey = (cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY) for crop in crops)
    return np.array([cv2.Laplacian(image, cv2.CV_64F).var() for image in grey])
