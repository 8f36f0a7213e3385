"""How the drift watch stands, and what has changed: values that are shown, sent and logged."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ood_face.monitoring.drift_windows import DriftState

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ood_face.types import Verdict

__all__ = [
    "CALIBRATION",
    "SIGNALS",
    "VERDICTS",
    "DriftChange",
    "DriftStatus",
    "LabelStatus",
    "SignalShape",
    "SignalStatus",
    "VerdictStatus",
]

# ood_score of every picture that came; similarity of two faces; that of a search's first candidate
SIGNALS = ("ood_score", "similarity", "top_similarity")
CALIBRATION = "calibration"
VERDICTS = "verdicts"


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
    long_psi, long_ks, long_psi_threshold, long_ks_threshold, long_window_count : the same of the
        long window
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
    long_psi: float | None
    long_ks: float | None
    long_psi_threshold: float | None
    long_ks_threshold: float | None
    long_window_count: int


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
class VerdictStatus:
    """The shares of the verdicts against those of the reference.

    Attributes
    ----------
    psi, long_psi : of the short and of the long window; None: it is not full yet
    psi_threshold, long_psi_threshold : reaching one of them is drift; None: no reference yet
    count : verdicts that came after the reference, as many as the long window holds at most
    reference_count, reference_needed : verdicts that the reference has, and is to have
    """

    state: DriftState
    psi: float | None
    long_psi: float | None
    psi_threshold: float | None
    long_psi_threshold: float | None
    count: int
    reference_count: int
    reference_needed: int


@dataclass(frozen=True, slots=True)
class DriftStatus:
    """How everything that is watched stands.

    Attributes
    ----------
    at : when, ISO 8601, UTC
    signals : in the order of ``SIGNALS``
    verdicts, reference_verdicts : share of each, in the window and in the reference; may be empty
    verdict_count : verdicts in the window
    verdict_drift : how they compare with the reference
    dropped : observations that came too fast to be taken, since the start
    """

    model_id: str
    at: str
    signals: tuple[SignalStatus, ...]
    calibration: LabelStatus
    verdicts: Mapping[Verdict, float]
    reference_verdicts: Mapping[Verdict, float]
    verdict_count: int
    verdict_drift: VerdictStatus
    dropped: int = 0

    @property
    def drifted(self) -> tuple[str, ...]:
        """What has drifted, by name."""
        found = [signal.name for signal in self.signals if signal.state == DriftState.DRIFTED]
        others = {CALIBRATION: self.calibration.state, VERDICTS: self.verdict_drift.state}
        return (*found, *(name for name, state in others.items() if state == DriftState.DRIFTED))


@dataclass(frozen=True, slots=True)
class DriftChange:
    """A state that has changed.

    Attributes
    ----------
    name : one of ``SIGNALS``, ``calibration``, or ``verdicts``
    values : the figures that brought it about
    """

    name: str
    before: DriftState
    after: DriftState
    values: Mapping[str, float]
