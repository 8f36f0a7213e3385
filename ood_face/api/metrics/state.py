"""How the service stands when it is asked: its load, readiness, model and policies."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client.metrics_core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    InfoMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

import ood_face

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ood_face.api.health import Readiness
    from ood_face.config import Settings
    from ood_face.service import FaceService, Policies

__all__ = ["StateCollector"]


class StateCollector(Collector):
    """What is known without running or reading anything.

    Parameters
    ----------
    service : whose load, model and policies are told
    settings : the detector and the number format that are asked for
    readiness : the last self-test; none is run for this
    """

    def __init__(self, service: FaceService, settings: Settings, readiness: Readiness) -> None:
        self._service = service
        self._settings = settings
        self._readiness = readiness

    def collect(self) -> Iterator[Metric]:
        """Return the families."""
        yield from self._load()
        yield from self._ready()
        build = {
            "version": ood_face.__version__,
            "model_id": self._service.model_id,
            "detector": self._settings.detector,
            "precision": self._settings.precision,
        }
        yield InfoMetricFamily("ood_face_build", "What runs, and how it was set.", build)
        yield from _policies(self._service.policies)

    def _load(self) -> Iterator[Metric]:
        load = self._service.load
        gauges = {
            "at_work": ("Requests that hold a worker.", load.at_work),
            "waiting": ("Requests that wait for a worker.", load.waiting),
            "workers": ("Requests that may hold a worker at once.", load.workers),
            "queue_size": ("Requests that may wait; more are refused.", load.queue_size),
        }
        for name, (about, value) in gauges.items():
            yield GaugeMetricFamily(f"ood_face_admission_{name}", about, value)
        refused = CounterMetricFamily(
            "ood_face_admission_refused",
            "Requests refused because the queue was full, or because they waited too long.",
            labels=["reason"],
        )
        refused.add_metric(["queue_full"], load.refused_full)
        refused.add_metric(["timeout"], load.refused_late)
        yield refused

    def _ready(self) -> Iterator[Metric]:
        tested = self._readiness.last
        if tested is None:
            return
        passed, at_s = tested
        yield GaugeMetricFamily(
            "ood_face_ready", "1: the last self-test that /readyz ran passed.", float(passed)
        )
        yield GaugeMetricFamily(
            "ood_face_ready_timestamp_seconds", "When that was, in seconds since 1970.", at_s
        )


def _policies(policies: Policies) -> Iterator[Metric]:
    facts = {one.name: one for one in policies.facts}
    labels = ["scenario", "policy", "calibration", "method", "made", "file_sha256"]
    scenarios = GaugeMetricFamily(
        "ood_face_scenario_info",
        "The calibration that each scenario applies by itself; empty: no P(same).",
        labels=labels,
    )
    for name, scenario in policies.scenarios.items():
        calibration = policies.applied(name).calibration
        known = None if calibration is None else facts.get(calibration)
        about = ("", "", "")
        if known is not None:
            about = (known.method, known.made or "", known.file_sha256[:12])
        scenarios.add_metric([name, scenario.policy.value, calibration or "", *about], 1)
    yield scenarios
    yield GaugeMetricFamily(
        "ood_face_policies_loaded_timestamp_seconds",
        "When scenarios and calibrations were read, in seconds since 1970.",
        policies.loaded_at.timestamp(),
    )
