"""What counting costs: each number taken, all of one extraction, a request, and a scrape.

The extraction and the request are measured with fakes in place of the networks and of the work,
with and without observers in turn: what differs is the counting. Compare with the milliseconds
that a request takes.

``python -m tests.benchmark.bench_metrics [--rounds N]``
"""

from __future__ import annotations

import argparse
import asyncio
import time
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry

from ood_face.api.metrics import CountRequests, exposition
from ood_face.api.metrics.requests import RequestMetrics
from ood_face.api.metrics.work import WorkMetrics
from ood_face.service import WorkFeed
from tests.benchmark.machine import Figure, publish

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.types import Message, Receive, Scope, Send

# of one extraction, in its order
STAGES = ("decode", "wait", "detect", "align", "embed")
INNER = 200
ROUTES = 40


class Route:
    """What FastAPI leaves in a request's scope."""

    include_in_schema = True

    def __init__(self, number: int) -> None:
        self.path_format = f"/v1/route-{number}"


def fastest_us(works: list[Callable[[], object]], rounds: int) -> list[float]:
    """Return the fastest of some rounds of each, taking turns, microseconds a call."""
    took = [float("inf")] * len(works)
    for _ in range(rounds):
        for number, work in enumerate(works):
            began = time.perf_counter()
            for _ in range(INNER):
                work()
            took[number] = min(took[number], 1e6 * (time.perf_counter() - began) / INNER)
    return took


def extraction(work: WorkFeed) -> None:
    """Tell what one extraction of one face does."""
    for stage in STAGES:
        with work.stage(stage):
            pass
    work.found(1)
    work.embedded(1)
    for observer in work._observers:  # the templates themselves are no part of this
        observer.scored([0.8])


async def answer(_scope: Scope, _receive: Receive, send: Send) -> None:
    """Answer at once."""
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b""})


async def receive() -> Message:
    """Return an empty body."""
    return {"type": "http.request", "body": b"", "more_body": False}


async def discard(_message: Message) -> None:
    """Take a message."""


async def requests_us(metrics: RequestMetrics, rounds: int) -> tuple[float, float]:
    """Return what a request costs without and with counting, microseconds."""
    took = [float("inf")] * 2
    for _ in range(rounds):
        for number, app in enumerate((answer, CountRequests(answer, metrics))):
            scopes = [
                {"type": "http", "method": "POST", "path": "/v1/x", "route": Route(i % ROUTES)}
                for i in range(INNER)
            ]
            began = time.perf_counter()
            for scope in scopes:
                await app(scope, receive, discard)
            took[number] = min(took[number], 1e6 * (time.perf_counter() - began) / INNER)
    return took[0], took[1]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--rounds", type=int, default=30)
    rounds = parser.parse_args().rounds
    registry = CollectorRegistry()
    work, requests = WorkMetrics(registry), RequestMetrics(registry)
    silent, told = WorkFeed(), WorkFeed()
    told.attach(work)
    one, off, on = fastest_us(
        [
            lambda: work.timed("detect", 0.02),
            lambda: extraction(silent),
            lambda: extraction(told),
        ],
        rounds,
    )
    bare, counted = asyncio.run(requests_us(requests, rounds))
    (scrape,) = fastest_us([lambda: exposition(registry)], max(rounds // 10, 1))
    lines = exposition(registry).count(b"\n")
    publish(
        "metrics",
        "What counting costs",
        [
            Figure("one stage taken", one, "us"),
            Figure("an extraction's numbers, nobody watches", off, "us"),
            Figure("an extraction's numbers, counted", on, "us", f"{on - off:.1f} more"),
            Figure("a request counted", counted - bare, "us", "over an empty application"),
            Figure("a scrape", scrape / 1000, "ms", f"{lines} lines, {ROUTES} routes"),
        ],
    )


if __name__ == "__main__":
    main()
