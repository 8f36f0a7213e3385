"""Whether the service still sees what it was set up on: scores, similarities, calibration."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from ood_face.monitoring.drift_status import (
    CALIBRATION,
    SIGNALS,
    VERDICTS,
    DriftChange,
    DriftStatus,
    LabelStatus,
    SignalShape,
    SignalStatus,
    VerdictStatus,
)
from ood_face.monitoring.drift_verdicts import VerdictWindow
from ood_face.monitoring.drift_windows import FEWEST_LABELS, LabelWindow, SignalWindow

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ood_face.monitoring.drift_windows import Reference
    from ood_face.types import Observation, Verdict

__all__ = [
    "CALIBRATION",
    "SIGNALS",
    "VERDICTS",
    "DriftChange",
    "DriftMonitor",
    "DriftStatus",
    "LabelStatus",
    "SignalShape",
    "SignalStatus",
    "VerdictStatus",
    "utc_now",
]


def utc_now() -> str:
    """Return the time, ISO 8601."""
    return datetime.now(UTC).isoformat(timespec="seconds")


class DriftMonitor:
    """All windows of one model; not safe to call from several threads.

    Parameters
    ----------
    model_id : whose numbers they are
    reference_count : how many of the first numbers become a reference, at least 500
    ece_alert : expected calibration error above which there is an alarm
    references : by signal, where they are known from a calibration
    now : the time, ISO 8601
    """

    def __init__(
        self,
        model_id: str,
        reference_count: int,
        ece_alert: float,
        references: Mapping[str, Reference] | None = None,
        now: Callable[[], str] = utc_now,
    ) -> None:
        self.model_id = model_id
        known = {} if references is None else references
        self.signals = {name: SignalWindow(reference_count, known.get(name)) for name in SIGNALS}
        self.labels = LabelWindow(ece_alert)
        self.verdicts = VerdictWindow(reference_count)
        self._now = now

    def observe(self, observation: Observation) -> list[DriftChange]:
        """Take the numbers of one verdict; return what has changed by it."""
        values = [("ood_score", score) for score in observation.scores]
        name = "top_similarity" if observation.source == "identify" else "similarity"
        values.append((name, observation.similarity))
        changes = [self._add(name, value) for name, value in values if value is not None]
        changes.append(self._add_verdict(observation.verdict))
        return [change for change in changes if change is not None]

    def labelled(self, probability: float, same: bool) -> list[DriftChange]:
        """Take what a person said of a verdict; return what has changed by it."""
        before = self.labels.state
        if not self.labels.add(probability, same):
            return []
        error = self.labels.error
        values = {} if error is None else {"expected_calibration_error": error}
        return [DriftChange(CALIBRATION, before, self.labels.state, values)]

    def status(self) -> DriftStatus:
        """Return how everything stands."""
        labels = self.labels
        return DriftStatus(
            model_id=self.model_id,
            at=self._now(),
            signals=tuple(_signal(name, window) for name, window in self.signals.items()),
            calibration=LabelStatus(
                labels.state, labels.error, labels.alert_above, len(labels.items), FEWEST_LABELS
            ),
            verdicts=self.verdicts.shares,
            reference_verdicts=self.verdicts.reference_shares,
            verdict_count=len(self.verdicts.items),
            verdict_drift=_verdicts(self.verdicts),
        )

    def shapes(self) -> dict[str, SignalShape]:
        """Return how each kind of number is spread that has a reference, by its name."""
        return {
            name: SignalShape(
                window.reference.edges,
                window.reference.counts,
                tuple(window.bins.count(number) for number in range(len(window.reference.counts))),
            )
            for name, window in self.signals.items()
            if window.reference is not None
        }

    def _add(self, name: str, value: float) -> DriftChange | None:
        window = self.signals[name]
        before = window.state
        if not window.add(value, self._now()):
            return None
        return DriftChange(
            name,
            before,
            window.state,
            _known(psi=window.psi, ks=window.ks, long_psi=window.long_psi, long_ks=window.long_ks),
        )

    def _add_verdict(self, verdict: Verdict) -> DriftChange | None:
        window = self.verdicts
        before = window.state
        if not window.add(verdict):
            return None
        values = _known(psi=window.psi, long_psi=window.long_psi)
        return DriftChange(VERDICTS, before, window.state, values)


def _known(**values: float | None) -> dict[str, float]:
    return {key: value for key, value in values.items() if value is not None}


def _signal(name: str, window: SignalWindow) -> SignalStatus:
    limits, reference = window.thresholds, window.reference
    count, needed = window.learning
    return SignalStatus(
        name=name,
        state=window.state,
        psi=window.psi,
        ks=window.ks,
        psi_threshold=None if limits is None else limits.psi,
        ks_threshold=None if limits is None else limits.ks,
        window_count=len(window.bins),
        reference_count=count,
        reference_needed=needed,
        reference_source=None if reference is None else reference.source,
        reference_taken_at=None if reference is None else reference.taken_at,
        long_psi=window.long_psi,
        long_ks=window.long_ks,
        long_psi_threshold=None if limits is None else limits.long_psi,
        long_ks_threshold=None if limits is None else limits.long_ks,
        long_window_count=len(window.long_bins),
    )


def _verdicts(window: VerdictWindow) -> VerdictStatus:
    limits = window.thresholds
    return VerdictStatus(
        state=window.state,
        psi=window.psi,
        long_psi=window.long_psi,
        psi_threshold=None if limits is None else limits.psi,
        long_psi_threshold=None if limits is None else limits.long_psi,
        count=len(window.since_reference),
        reference_count=window.reference.total(),
        reference_needed=max(window.reference_count, window.reference.total()),
    )
