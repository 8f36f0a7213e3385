"""Whether the service still sees what it was set up on: scores, similarities, calibration."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from ood_face.monitoring.drift_windows import (
    FEWEST_LABELS,
    DriftState,
    LabelWindow,
    SignalWindow,
    VerdictWindow,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ood_face.monitoring.drift_windows import Reference
    from ood_face.types import Observation, Verdict

__all__ = [
    "CALIBRATION",
    "SIGNALS",
    "DriftChange",
    "DriftMonitor",
    "DriftStatus",
    "LabelStatus",
    "SignalShape",
    "SignalStatus",
    "utc_now",
]

# ood_score of every picture that came; similarity of two faces; that of a search's first candidate
SIGNALS = ("ood_score", "similarity", "top_similarity")
CALIBRATION = "calibration"


@dataclass(frozen=True, slots=True)
class SignalStatus:
    """One kind of number against its reference.

    Attributes
    ----------
    psi, ks : of the window; None: it is not full yet
    psi_threshold, ks_threshold : reaching one of them is drift; None: no reference yet
    window_count, reference_count : numbers in the window, and in the reference
    reference_needed : how many the reference is to have
    reference_source : ``first``, or the name of a calibration; None: no reference yet
    reference_taken_at : ISO 8601, UTC
    """

    name: str
    state: DriftState
    psi: float | None
    ks: float | None
    psi_threshold: float | None
    ks_threshold: float | None
    window_count: int
    reference_count: int
    reference_needed: int
    reference_source: str | None
    reference_taken_at: str | None


@dataclass(frozen=True, slots=True)
class SignalShape:
    """How one kind of number is spread, to be drawn.

    Attributes
    ----------
    edges : (E,) what parts its values into bins, rising; the outer bins are open
    reference, window : (E + 1,) how many values of each lie in the bins
    """

    edges: tuple[float, ...]
    reference: tuple[int, ...]
    window: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class LabelStatus:
    """The calibration of P(same) on labelled items.

    Attributes
    ----------
    expected_calibration_error : 0..1; None: fewer than ``needed`` items
    alert_above : above this it has drifted
    items, needed : how many there are, and must be
    """

    state: DriftState
    expected_calibration_error: float | None
    alert_above: float
    items: int
    needed: int


@dataclass(frozen=True, slots=True)
class DriftStatus:
    """How everything that is watched stands.

    Attributes
    ----------
    at : when, ISO 8601, UTC
    signals : in the order of ``SIGNALS``
    verdicts, reference_verdicts : share of each, in the window and in the reference; may be empty
    verdict_count : verdicts in the window
    dropped : observations that came too fast to be taken, since the start
    """

    model_id: str
    at: str
    signals: tuple[SignalStatus, ...]
    calibration: LabelStatus
    verdicts: Mapping[Verdict, float]
    reference_verdicts: Mapping[Verdict, float]
    verdict_count: int
    dropped: int = 0

    @property
    def drifted(self) -> tuple[str, ...]:
        """What has drifted, by name."""
        found = [signal.name for signal in self.signals if signal.state == DriftState.DRIFTED]
        more = [CALIBRATION] if self.calibration.state == DriftState.DRIFTED else []
        return (*found, *more)


@dataclass(frozen=True, slots=True)
class DriftChange:
    """A state that has changed.

    Attributes
    ----------
    name : one of ``SIGNALS``, or ``calibration``
    values : the figures that brought it about
    """

    name: str
    before: DriftState
    after: DriftState
    values: Mapping[str, float]


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
        self.verdicts.add(observation.verdict)
        values = [("ood_score", score) for score in observation.scores]
        name = "top_similarity" if observation.source == "identify" else "similarity"
        values.append((name, observation.similarity))
        changes = (self._add(name, value) for name, value in values if value is not None)
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
        values = {"psi": window.psi, "ks": window.ks}
        known = {key: value for key, value in values.items() if value is not None}
        return DriftChange(name, before, window.state, known)


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
    )
