"""Sliding windows: of one kind of number against its reference, and of labels."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np

from ood_face.errors import InputError
from ood_face.evaluation.calibration_error import reliability
from ood_face.monitoring.drift_statistics import (
    bin_counts,
    decile_edges,
    ks_distance,
    stability_index,
)
from ood_face.monitoring.drift_thresholds import (
    FEWEST_IN_REFERENCE,
    LONG_WINDOW,
    STEP,
    WINDOW,
    thresholds_for,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ood_face.monitoring.drift_thresholds import Thresholds

__all__ = [
    "ENDS_BELOW",
    "FEWEST_LABELS",
    "LABEL_WINDOW",
    "DriftState",
    "LabelWindow",
    "Reference",
    "SignalWindow",
]

# an alarm ends when what raised it is below this share of its threshold: it does not flutter
ENDS_BELOW = 0.75
LABEL_WINDOW = 500
# with fewer, chance alone can make the error of a true calibration 0.1 and more
FEWEST_LABELS = 200
_LABEL_BINS = 10


class DriftState(StrEnum):
    """Where the watch of one kind of number stands.

    ``learning``: its reference is being taken; ``filling``: too few numbers since then.
    """

    LEARNING = "learning"
    FILLING = "filling"
    STABLE = "stable"
    DRIFTED = "drifted"


@dataclass(frozen=True, slots=True)
class Reference:
    """What numbers were like when all was well.

    Attributes
    ----------
    edges : what parts its values into bins, rising
    counts : how many of its values lie in each bin, one more than edges
    source : ``first``: the first numbers that came; else the name of the calibration
    taken_at : ISO 8601, UTC
    """

    edges: tuple[float, ...]
    counts: tuple[int, ...]
    source: str
    taken_at: str

    @property
    def count(self) -> int:
        """How many values it is of."""
        return sum(self.counts)

    @classmethod
    def of(cls, values: Iterable[float], source: str, taken_at: str) -> Reference:
        """Return the reference of values (N,), at least one."""
        found = np.fromiter(values, np.float64)
        edges = decile_edges(found)
        counts = bin_counts(found, edges)
        return cls(tuple(edges.tolist()), tuple(counts.tolist()), source, taken_at)

    @classmethod
    def of_quantiles(
        cls, quantiles: Sequence[float], count: int, source: str, taken_at: str
    ) -> Reference:
        """Return the reference of values of which evenly spaced quantiles are known.

        Parameters
        ----------
        quantiles : (Q,) rising, from the least value to the greatest, Q at least 2
        count : of how many values

        Raises
        ------
        InputError
            They are of fewer values than a reference needs.
        """
        if count < FEWEST_IN_REFERENCE:
            raise InputError(
                "drift.few_in_reference",
                "calibration {name} is of {count} pictures; a reference for drift needs {needed}",
                name=source,
                count=count,
                needed=FEWEST_IN_REFERENCE,
            )
        # each value stands for an equal part of the distribution, so that ties keep their weight
        places = (np.arange(count) + 0.5) / count
        known = np.linspace(0, 1, len(quantiles))
        return cls.of(np.interp(places, known, quantiles).tolist(), source, taken_at)


class SignalWindow:
    """Watches one kind of number.

    Parameters
    ----------
    reference_count : how many of the first numbers become the reference where none is given
    reference : what to compare with; None: not there yet
    """

    def __init__(self, reference_count: int, reference: Reference | None = None) -> None:
        self._reference_count = reference_count
        self.reference = reference
        self.learned: list[float] = []
        # the numbers of their bins alone: nobody's score is kept
        self.bins: deque[int] = deque(maxlen=WINDOW)
        self.long_bins: deque[int] = deque(maxlen=LONG_WINDOW)
        self.since_look = 0
        self.state = DriftState.LEARNING if reference is None else DriftState.FILLING
        self.psi: float | None = None
        self.ks: float | None = None
        self.long_psi: float | None = None
        self.long_ks: float | None = None

    @property
    def thresholds(self) -> Thresholds | None:
        """From where on it has drifted; None: there is no reference yet."""
        return None if self.reference is None else thresholds_for(self.reference.count)

    @property
    def learning(self) -> tuple[int, int]:
        """How many numbers the reference has and needs."""
        if self.reference is not None:
            return self.reference.count, self.reference.count
        return len(self.learned), self._reference_count

    def add(self, value: float, now: str) -> bool:
        """Take one number; return whether the state has changed. What is not finite is left out.

        Parameters
        ----------
        now : ISO 8601, UTC
        """
        if not math.isfinite(value):
            return False
        if self.reference is None:
            self.learned.append(value)
            if len(self.learned) < self._reference_count:
                return False
            self.reference = Reference.of(self.learned, "first", now)
            self.learned = []
            return self._become(DriftState.FILLING)
        which = int(np.searchsorted(self.reference.edges, value, side="right"))
        self.bins.append(which)
        self.long_bins.append(which)
        self.since_look += 1
        if len(self.bins) < WINDOW or self.since_look < STEP:
            return False
        self.since_look = 0
        return self._become(self._look(self.reference))

    def _look(self, reference: Reference) -> DriftState:
        self.psi, self.ks = _distances(reference, self.bins)
        if len(self.long_bins) == LONG_WINDOW:
            self.long_psi, self.long_ks = _distances(reference, self.long_bins)
        limits = thresholds_for(reference.count)
        share = ENDS_BELOW if self.state == DriftState.DRIFTED else 1.0
        drifted = any(
            value is not None and value >= share * limit
            for value, limit in (
                (self.psi, limits.psi),
                (self.ks, limits.ks),
                (self.long_psi, limits.long_psi),
                (self.long_ks, limits.long_ks),
            )
        )
        return DriftState.DRIFTED if drifted else DriftState.STABLE

    def _become(self, state: DriftState) -> bool:
        changed, self.state = state != self.state, state
        return changed


def _distances(reference: Reference, bins: Iterable[int]) -> tuple[float, float]:
    window = np.bincount(np.fromiter(bins, np.int64), minlength=len(reference.counts))
    psi, ks = (measure(reference.counts, window) for measure in (stability_index, ks_distance))
    return float(psi), float(ks)


class LabelWindow:
    """Watches whether P(same) keeps its word on what people have labelled.

    Parameters
    ----------
    alert_above : expected calibration error above which there is an alarm
    """

    def __init__(self, alert_above: float) -> None:
        self.alert_above = alert_above
        self.items: deque[tuple[float, bool]] = deque(maxlen=LABEL_WINDOW)
        self.state = DriftState.FILLING

    @property
    def error(self) -> float | None:
        """Expected calibration error over ten bins; None: fewer than 200 items."""
        if len(self.items) < FEWEST_LABELS:
            return None
        probabilities, outcomes = zip(*self.items, strict=True)
        found = reliability(np.array(probabilities), np.array(outcomes), _LABEL_BINS)
        return found.expected_error

    def add(self, probability: float, same: bool) -> bool:
        """Take one labelled item; return whether the state has changed."""
        if not 0 <= probability <= 1:  # also NaN
            return False
        self.items.append((probability, same))
        error = self.error
        if error is None:
            return False
        share = ENDS_BELOW if self.state == DriftState.DRIFTED else 1.0
        state = DriftState.DRIFTED if error > share * self.alert_above else DriftState.STABLE
        changed, self.state = state != self.state, state
        return changed
