"""More clients than a server can serve, who never wait: refused at once, and over at once."""

from __future__ import annotations

import statistics
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import httpx

from tests.benchmark.load_pictures import Shape
from tests.benchmark.load_requests import make_requests, write
from tests.benchmark.load_server import enrol, loaded_server
from tests.benchmark.load_stages import run_stage

if TYPE_CHECKING:
    from pathlib import Path

    from tests.benchmark.load_requests import LoadRequest
    from tests.benchmark.load_stages import Stage

__all__ = ["Saturation", "saturate"]

CLIENTS = 64
WORKERS = 2
QUEUE_SIZE = 8
QUEUE_TIMEOUT_S = 2.0
SECONDS = 15.0
ALONE = 20
NAME = "POST /v1/extract"


@dataclass(frozen=True, slots=True)
class Saturation:
    """What happened beyond the limit.

    Attributes
    ----------
    alone_ms, after_ms : medians of one client's requests before, and right after
    first_after_ms : the very first request afterwards
    """

    stage: Stage
    queue_size: int
    queue_timeout_s: float
    alone_ms: float
    first_after_ms: float
    after_ms: float

    def bound_ms(self) -> float:
        """Return what an accepted request may take: the longest wait, and the work.

        Everybody's work runs on the same cores: as many pictures as there are workers, and
        what is decoded for those who wait.
        """
        places = WORKERS + self.queue_size
        return 1000 * self.queue_timeout_s + places * self.alone_ms

    def told(self) -> str:
        """Return what is to be said of it, a line each."""
        stage, refused = self.stage, self.stage.refused
        lines = [
            f"Saturation: {stage.clients} clients that never wait, {WORKERS} workers, "
            f"{self.queue_size} places in the queue, longest wait {self.queue_timeout_s:g} s:",
            f"- answered {stage.requests_per_s:.1f}/s: p50 {stage.answered.p50_ms:.0f}, "
            f"p99 {stage.answered.p99_ms:.0f}, longest {stage.answered.largest_ms:.0f} ms "
            f"(bound {self.bound_ms():.0f} ms)",
        ]
        if refused is not None:
            lines.append(
                f"- refused {refused.count / stage.seconds:.1f}/s with 503 and Retry-After "
                f"({stage.refusals}): p50 {refused.p50_ms:.0f}, p99 {refused.p99_ms:.0f} ms"
            )
        lines.append(
            f"- one client before: {self.alone_ms:.0f} ms; the first request afterwards: "
            f"{self.first_after_ms:.0f} ms, the next ones {self.after_ms:.0f} ms"
        )
        return "\n".join(lines)

    def broken(self) -> list[str]:
        """Return what must not be."""
        found = []
        if self.stage.failures:
            found.append(f"saturation: {self.stage.failures}")
        if self.stage.refused is None:
            found.append("saturation: nobody was refused")
        if set(self.stage.refusals) - {"busy.queue_full", "busy.timeout"}:
            found.append(f"saturation: refused by something else: {self.stage.refusals}")
        return found


def saturate(made: Path, requests: Path) -> Saturation:
    """Start a server with a short queue, and ask it for far more than it can do.

    Parameters
    ----------
    made : folder for the server's data
    requests : folder for the requests
    """
    everything = make_requests((Shape(640, 480, "JPEG"),))
    # one endpoint, so that all times are of the same work
    only = [replace(request, weight=1) for request in everything if request.name == NAME]
    write(only, requests)
    folder = made / "saturated"
    folder.mkdir()
    settings = {"workers": WORKERS, "queue_size": QUEUE_SIZE, "queue_timeout_s": QUEUE_TIMEOUT_S}
    with loaded_server(folder, **settings) as server:
        enrol(server.address, copies=1)
        alone = one_after_another(server.address, only[0], ALONE)
        stage, _ = run_stage(server, requests, CLIENTS, SECONDS, patient=False)
        after = one_after_another(server.address, only[0], ALONE)
    return Saturation(
        stage=stage,
        queue_size=QUEUE_SIZE,
        queue_timeout_s=QUEUE_TIMEOUT_S,
        alone_ms=statistics.median(alone),
        first_after_ms=after[0],
        after_ms=statistics.median(after),
    )


def one_after_another(address: str, request: LoadRequest, count: int) -> list[float]:
    """Return how long each of some requests takes, milliseconds; all must be answered."""
    took_ms = []
    with httpx.Client(base_url=address, timeout=60) as client:
        for _ in range(count):
            began = time.perf_counter()
            client.post(
                request.path, content=request.body, headers=request.headers
            ).raise_for_status()
            took_ms.append(1000 * (time.perf_counter() - began))
    return took_ms
