"""All numbers of one application."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, ProcessCollector

from ood_face.api.metrics.connections import ConnectionMetrics
from ood_face.api.metrics.drift import DriftCollector
from ood_face.api.metrics.requests import RequestMetrics
from ood_face.api.metrics.state import StateCollector
from ood_face.api.metrics.stored import StoredCollector
from ood_face.api.metrics.work import WorkMetrics

if TYPE_CHECKING:
    from ood_face.api.health import Readiness
    from ood_face.api.served import Served

__all__ = ["Metrics"]


class Metrics:
    """A registry, and what fills it; from now on the service tells it of its work.

    Parameters
    ----------
    served : what does the work
    readiness : whose last self-test is told

    Attributes
    ----------
    registry : of this application alone
    requests : takes requests that are over
    connections : takes what becomes of connections
    """

    def __init__(self, served: Served, readiness: Readiness) -> None:
        self.registry = CollectorRegistry()
        self.requests = RequestMetrics(self.registry)
        self.connections = ConnectionMetrics(self.registry)
        work = WorkMetrics(self.registry)
        self.registry.register(StateCollector(served.faces, served.settings, readiness))
        self.registry.register(
            StoredCollector(
                self.registry, served.galleries, served.review, served.settings.review_items
            )
        )
        if served.drift is not None:
            self.registry.register(DriftCollector(served.drift))
        ProcessCollector(registry=self.registry)
        served.faces.work.attach(work)
        served.faces.feed.attach(work)
