"""Connections: how many are open, and what they were refused for before there was a request."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client import Counter, Gauge

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

__all__ = ["REFUSALS", "ConnectionMetrics"]

# what the server tells a connection that brings no request which could be answered
REFUSALS = ("connections", "large_head", "slow_body", "slow_head", "stopping")


class ConnectionMetrics:
    """The numbers; the server's loop brings them.

    Parameters
    ----------
    registry : that they are in
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        self._open = Gauge("ood_face_connections", "Connections that are open.", registry=registry)
        refused = Counter(
            "ood_face_connections_refused",
            "Connections closed with a refusal, without a request that could be answered.",
            ["reason"],
            registry=registry,
        )
        # there from the start, at 0
        self._refused = {reason: refused.labels(reason) for reason in REFUSALS}

    def opened(self, count: int) -> None:
        """Take how many are open by now."""
        self._open.set(count)

    def refused(self, reason: str) -> None:
        """Take one that was refused for one of ``REFUSALS``."""
        self._refused[reason].inc()
