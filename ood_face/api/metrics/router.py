"""The endpoint, and the text it answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import APIRouter, Depends, Response
from prometheus_client import generate_latest
from prometheus_client.metrics_core import Metric

from ood_face.api.auth import require
from ood_face.api.openapi import problems
from ood_face.types import Role

if TYPE_CHECKING:
    from collections.abc import Iterator

    from prometheus_client import CollectorRegistry

__all__ = ["CONTENT_TYPE", "exposition", "make_metrics_router"]

# the one format that every version of Prometheus reads; the caller has no say in it
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


def exposition(registry: CollectorRegistry) -> bytes:
    """Return all numbers of a registry in Prometheus' text format, version 0.0.4."""
    return generate_latest(_Bare(registry))


def make_metrics_router(registry: CollectorRegistry) -> APIRouter:
    """Return the endpoint.

    Parameters
    ----------
    registry : its collectors are asked whenever the endpoint is
    """
    router = APIRouter(
        tags=["monitoring"],
        dependencies=[Depends(require(Role.READ))],
        responses=problems(401, 403, 422, 429, 500),
    )

    @router.get(
        "/metrics",
        response_class=Response,
        responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}},
    )
    def metrics() -> Response:
        """Return counters, gauges and histograms in Prometheus' text format."""
        return Response(exposition(registry), headers={"Content-Type": CONTENT_TYPE})

    return router


class _Bare:
    """A registry without the times at which each counter was made: a line more for each one.

    The library leaves them out only for the whole process; the text format reads them as gauges.
    A family that has no number yet is left out as well.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        self._registry = registry

    def collect(self) -> Iterator[Metric]:
        for family in self._registry.collect():
            made = f"{family.name}_created"
            samples = [sample for sample in family.samples if sample.name != made]
            if samples:
                bare = Metric(family.name, family.documentation, family.type, family.unit)
                bare.samples = samples
                yield bare
