"""Requests of the API and of the page: how many, how they ended, how long they took."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from prometheus_client import Counter, Gauge, Histogram

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["NO_ROUTE", "CountRequests", "RequestMetrics"]

# addresses that nobody answers, and what was refused before an address was looked up
NO_ROUTE = "(none)"
# a failed sign-in takes 5 ms; the longest wait for a worker is 10 s by default
_BUCKETS_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_API = ("/v1/", "/healthz", "/readyz", "/openapi.json", "/metrics")
# frameworks answer these, and do not say by which route
_EXACT = frozenset(
    {
        "/",
        "/gradio_api/run/predict",
        "/gradio_api/startup-events",
        "/openapi.json",
        "/sign-in",
        "/sign-out",
    }
)
_PAGE_FILES = (
    ("/gradio_api/heartbeat/", "/gradio_api/heartbeat/{session}"),
    ("/static-page/", "/static-page/{file}"),
    ("/examples/", "/examples/{file}"),
    ("/assets/", "/assets/{file}"),
    ("/static/", "/static/{file}"),
)


class RequestMetrics:
    """The numbers; safe to call from several threads.

    No label is made of what a caller sends: routes are templates, other methods are one.

    Parameters
    ----------
    registry : that they are in
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        self._total = Counter(
            "ood_face_requests",
            "Requests that were answered.",
            ["route", "method", "status"],
            registry=registry,
        )
        self._seconds = Histogram(
            "ood_face_request_seconds",
            "Time from the head of a request to the end of its answer.",
            ["route"],
            buckets=_BUCKETS_S,
            registry=registry,
        )
        self._in_progress = Gauge(
            "ood_face_requests_in_progress",
            "Requests not answered yet; each open page holds one of the page's.",
            ["side"],
            registry=registry,
        )
        self.sides = {side: self._in_progress.labels(side) for side in ("api", "page")}

    def count(self, scope: Scope, status: int, seconds: float) -> None:
        """Take one request that is over."""
        route, method = _route(scope), scope["method"]
        known = method if method in _METHODS else "OTHER"
        self._total.labels(route, known, str(status)).inc()
        self._seconds.labels(route).observe(seconds)


class CountRequests:
    """Counts and times each request; has to be outside all that may refuse one.

    Parameters
    ----------
    app : answers
    metrics : the numbers
    """

    def __init__(self, app: ASGIApp, metrics: RequestMetrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        status = 500  # what the server answers if nobody below does

        async def send_noting(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        in_progress = self._metrics.sides["api" if scope["path"].startswith(_API) else "page"]
        in_progress.inc()
        start = time.perf_counter()
        try:
            await self._app(scope, receive, send_noting)
        finally:
            in_progress.dec()
            self._metrics.count(scope, status, time.perf_counter() - start)


def _route(scope: Scope) -> str:
    path = scope["path"]
    if path.startswith(_API) and path != "/openapi.json":
        route = scope.get("route")
        # what answers 404 to all the rest of /v1/ has no place in the schema
        known = getattr(route, "include_in_schema", False)
        return str(getattr(route, "path_format", NO_ROUTE)) if known else NO_ROUTE
    if path in _EXACT:
        return str(path)
    return next((name for start, name in _PAGE_FILES if path.startswith(start)), NO_ROUTE)
