"""``/metrics``: gauges in Prometheus' text format, version 0.0.4."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from fastapi import APIRouter, Depends, Response

from ood_face.api.auth import require
from ood_face.api.openapi import problems
from ood_face.types import Role

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

__all__ = ["CONTENT_TYPE", "Family", "Sample", "exposition", "make_metrics_router"]

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Sample:
    """One number and the labels that tell it from the others of its family."""

    value: float
    labels: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Family:
    """Numbers of one name.

    Attributes
    ----------
    name : of letters, digits and _, as ``ood_face_drift_psi``
    about : one sentence
    samples : none: the family is left out
    """

    name: str
    about: str
    samples: Sequence[Sample]
    kind: Literal["gauge", "counter"] = "gauge"


def exposition(families: Iterable[Family]) -> str:
    """Return families in the text format, a line each number."""
    lines: list[str] = []
    for family in families:
        if not family.samples:
            continue
        about = family.about.replace("\\", r"\\").replace("\n", r"\n")
        lines += [f"# HELP {family.name} {about}", f"# TYPE {family.name} {family.kind}"]
        lines += [_line(family.name, sample) for sample in family.samples]
    return "".join(f"{line}\n" for line in lines)


def make_metrics_router(sources: Iterable[Callable[[], Iterable[Family]]]) -> APIRouter:
    """Return the endpoint.

    Parameters
    ----------
    sources : each is asked for its families whenever the endpoint is
    """
    router = APIRouter(
        tags=["monitoring"],
        dependencies=[Depends(require(Role.READ))],
        responses=problems(401, 403, 422, 429, 500),
    )
    asked = tuple(sources)

    @router.get(
        "/metrics",
        response_class=Response,
        responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}},
    )
    def metrics() -> Response:
        """Return gauges in Prometheus' text format."""
        text = exposition(family for source in asked for family in source())
        return Response(text, headers={"Content-Type": CONTENT_TYPE})

    return router


def _line(name: str, sample: Sample) -> str:
    labels = ",".join(f'{key}="{_escaped(value)}"' for key, value in sample.labels.items())
    return (
        f"{name}{{{labels}}} {_number(sample.value)}"
        if labels
        else (f"{name} {_number(sample.value)}")
    )


def _escaped(value: str) -> str:
    return value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")


def _number(value: float) -> str:
    if math.isfinite(value):
        return repr(float(value))
    return "NaN" if math.isnan(value) else ("+Inf" if value > 0 else "-Inf")
