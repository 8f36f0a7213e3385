"""``/metrics``: what Prometheus asks for, from a registry that each application has of its own."""

from __future__ import annotations

from ood_face.api.metrics.application import Metrics
from ood_face.api.metrics.connections import ConnectionMetrics
from ood_face.api.metrics.requests import CountRequests
from ood_face.api.metrics.router import CONTENT_TYPE, exposition, make_metrics_router

__all__ = [
    "CONTENT_TYPE",
    "ConnectionMetrics",
    "CountRequests",
    "Metrics",
    "exposition",
    "make_metrics_router",
]
