"""Sliding windows of verdicts: whether each still has the share that it had when all was well."""

from __future__ import annotations

from collections import Counter, deque
from typing import TYPE_CHECKING

from ood_face.monitoring.drift_statistics import stability_index
from ood_face.monitoring.drift_thresholds import (
    LONG_WINDOW,
    STEP,
    WINDOW,
    verdict_thresholds_for,
)
from ood_face.monitoring.drift_windows import ENDS_BELOW, DriftState
from ood_face.types import Verdict

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ood_face.monitoring.drift_thresholds import VerdictThresholds

__all__ = ["VerdictWindow"]


class VerdictWindow:
    """Watches the shares of the verdicts.

    Parameters
    ----------
    reference_count : how many of the first verdicts become the reference
    """

    def __init__(self, reference_count: int) -> None:
        self.reference_count = reference_count
        self.reference: Counter[Verdict] = Counter()
        # the last ones, to be shown, and those that came after the reference, to be compared
        self.items: deque[Verdict] = deque(maxlen=WINDOW)
        self.since_reference: deque[Verdict] = deque(maxlen=LONG_WINDOW)
        self.since_look = 0
        self.state = DriftState.LEARNING
        self.psi: float | None = None
        self.long_psi: float | None = None

    @property
    def thresholds(self) -> VerdictThresholds | None:
        """From where on they have drifted; None: the reference is not complete."""
        count = self.reference.total()
        return None if count < self.reference_count else verdict_thresholds_for(count)

    def add(self, verdict: Verdict) -> bool:
        """Take one verdict; return whether the state has changed."""
        self.items.append(verdict)
        if self.reference.total() < self.reference_count:
            self.reference[verdict] += 1
            complete = self.reference.total() >= self.reference_count
            return self._become(DriftState.FILLING if complete else DriftState.LEARNING)
        self.since_reference.append(verdict)
        self.since_look += 1
        if len(self.since_reference) < WINDOW or self.since_look < STEP:
            return False
        self.since_look = 0
        return self._become(self._look())

    def _look(self) -> DriftState:
        limits = verdict_thresholds_for(self.reference.total())
        seen = list(self.since_reference)
        self.psi = self._distance(seen[-WINDOW:])
        if len(seen) == LONG_WINDOW:
            self.long_psi = self._distance(seen)
        share = ENDS_BELOW if self.state == DriftState.DRIFTED else 1.0
        drifted = self.psi >= share * limits.psi or (
            self.long_psi is not None and self.long_psi >= share * limits.long_psi
        )
        return DriftState.DRIFTED if drifted else DriftState.STABLE

    def _distance(self, seen: Sequence[Verdict]) -> float:
        counts = Counter(seen)
        reference, window = ([found[one] for one in Verdict] for found in (self.reference, counts))
        return float(stability_index(reference, window))

    def _become(self, state: DriftState) -> bool:
        changed, self.state = state != self.state, state
        return changed

    @property
    def shares(self) -> dict[Verdict, float]:
        """Share of each verdict in the window; empty: there was none."""
        return _shares(Counter(self.items))

    @property
    def reference_shares(self) -> dict[Verdict, float]:
        """Share of each verdict in the reference, as far as it is there."""
        return _shares(self.reference)


def _shares(counts: Counter[Verdict]) -> dict[Verdict, float]:
    total = counts.total()
    return {verdict: counts[verdict] / total for verdict in Verdict} if total else {}
