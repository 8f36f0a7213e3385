"""The drift watch's gauges."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from ood_face.monitoring.drift_status import CALIBRATION, VERDICTS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ood_face.monitoring.drift_job import DriftJob
    from ood_face.monitoring.drift_status import DriftStatus

__all__ = ["DriftCollector"]


class DriftCollector(Collector):
    """How the drift watch stands; what is not known yet has no number.

    Parameters
    ----------
    drift : the watch
    """

    def __init__(self, drift: DriftJob) -> None:
        self._drift = drift

    def collect(self) -> Iterator[Metric]:
        """Return the families."""
        found = self._drift.status()
        yield from _of_signals(found)
        error = found.calibration.expected_calibration_error
        if error is not None:
            yield GaugeMetricFamily(
                "ood_face_drift_expected_calibration_error",
                "Expected calibration error of P(same) on labelled items.",
                error,
            )
        yield GaugeMetricFamily(
            "ood_face_drift_labelled_items",
            "Labelled items in the window.",
            found.calibration.items,
        )
        yield _gauge(
            "verdict_share",
            "Share of each verdict in the window.",
            {verdict.value: share for verdict, share in found.verdicts.items()},
            "verdict",
        )
        yield CounterMetricFamily(
            "ood_face_drift_dropped", "Verdicts that came too fast to be watched.", found.dropped
        )


def _gauge(
    name: str, about: str, values: Mapping[str, float | None], label: str = "signal"
) -> GaugeMetricFamily:
    family = GaugeMetricFamily(f"ood_face_drift_{name}", about, labels=[label])
    for key, value in values.items():
        if value is not None:
            family.add_metric([key], value)
    return family


def _of_signals(found: DriftStatus) -> Iterator[Metric]:
    signals, verdicts = found.signals, found.verdict_drift
    yield _gauge(
        "psi",
        "Population stability index of the window against the reference.",
        {signal.name: signal.psi for signal in signals} | {VERDICTS: verdicts.psi},
    )
    yield _gauge(
        "ks",
        "Two-sample Kolmogorov-Smirnov distance of the window from the reference.",
        {signal.name: signal.ks for signal in signals},
    )
    yield _gauge(
        "long_psi",
        "Population stability index of the long window against the reference.",
        {signal.name: signal.long_psi for signal in signals} | {VERDICTS: verdicts.long_psi},
    )
    yield _gauge(
        "long_ks",
        "Two-sample Kolmogorov-Smirnov distance of the long window from the reference.",
        {signal.name: signal.long_ks for signal in signals},
    )
    yield _gauge(
        "reference_items",
        "Numbers in the reference, as far as it is there.",
        {signal.name: signal.reference_count for signal in signals}
        | {VERDICTS: verdicts.reference_count},
    )
    names = (*(signal.name for signal in signals), CALIBRATION, VERDICTS)
    yield _gauge(
        "drifted", "1: it has drifted.", {name: float(name in found.drifted) for name in names}
    )
