"""``make soak``: many requests of random sizes and kinds; what the server holds must not grow.

Memory, descriptors and threads are read between rounds of requests, when none is under way:
while some are, memory goes up and down with the sizes of their pictures. The results, also of a
soak that was interrupted, lie in ``build/bench/soak.json``. Exits with 1 if anything grew, or a
request failed.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import numpy as np

from tests.benchmark.load_pictures import random_shapes
from tests.benchmark.load_requests import make_requests
from tests.benchmark.load_server import enrol, loaded_server
from tests.benchmark.machine import RESULTS_DIR, machine
from tests.benchmark.soak_trend import Held, Trend, trend_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tests.benchmark.load_requests import LoadRequest
    from tests.benchmark.load_server import LoadedServer

__all__ = ["Soak", "hold", "main", "soak"]

ROUND = 100
CLIENTS = 4
TIMEOUT_S = 120.0
MEMORY_SHARE = 0.05
# of memory so many in a row, 1,000 requests, are looked at together: two arenas keep up to 16 MiB
# each for the next picture, and what was freed is given back only every 3 seconds
READINGS = 10
# threads end when they were idle for a while, connections when they were not used
SPARE_DESCRIPTORS = 4
SPARE_THREADS = 4


@dataclass(slots=True)
class Soak:
    """What was seen so far."""

    held: list[Held] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)
    seconds: float = 0.0

    def trends(self) -> dict[str, Trend]:
        """Return the trends of memory, descriptors and threads."""
        at = [held.requests for held in self.held]
        return {
            name: trend_of(at, [getattr(held, name) for held in self.held], together)
            for name, together in (("resident_mb", READINGS), ("descriptors", 1), ("threads", 1))
        }

    def broken(self) -> list[str]:
        """Return what must not be."""
        found = []
        trends, spares = self.trends(), {"descriptors": SPARE_DESCRIPTORS, "threads": SPARE_THREADS}
        for name, trend in trends.items():
            share = MEMORY_SHARE if name == "resident_mb" else 0.0
            if not trend.is_flat(share, spares.get(name, 0)):
                found.append(
                    f"{name} is not flat: {trend.at_first:.1f}, {trend.growth:+.1f} by the end, "
                    f"highest {trend.highest:.1f}, largest {trend.largest:.1f}"
                )
        bad = {status: n for status, n in self.statuses.items() if status not in (200, 201)}
        return [*found, f"statuses: {bad}"] if bad else found


def hold(server: LoadedServer, requests: int) -> Held:
    """Return what a server holds right now."""
    process = server.process
    with process.oneshot():
        resident_mb = process.memory_info().rss / 1e6
        return Held(requests, resident_mb, process.num_fds(), process.num_threads())


def soak(
    server: LoadedServer,
    requests: Sequence[LoadRequest],
    count: int,
    *,
    seed: int = 0,
    round_size: int = ROUND,
) -> Iterator[Soak]:
    """Send so many requests, at random; give what was seen after each round.

    Parameters
    ----------
    requests : to choose from, by their weights
    round_size : requests between two looks at what the server holds
    """
    rng = np.random.default_rng(seed)
    weights = np.array([request.weight for request in requests])
    seen, began = Soak(), time.monotonic()
    limits = httpx.Limits(max_connections=CLIENTS, max_keepalive_connections=CLIENTS)
    with (
        httpx.Client(base_url=server.address, timeout=TIMEOUT_S, limits=limits) as client,
        ThreadPoolExecutor(CLIENTS) as pool,
    ):

        def send(place: int) -> int:
            request = requests[place]
            answer = client.request(
                request.method, request.path, content=request.body, headers=request.headers
            )
            return answer.status_code

        sent = 0
        while sent < count:
            size = min(round_size, count - sent)
            places = rng.choice(len(requests), size, p=weights / weights.sum())
            seen.statuses.update(pool.map(send, places.tolist()))
            sent += size
            seen.held.append(hold(server, sent))
            seen.seconds = time.monotonic() - began
            yield seen


def publish(seen: Soak, shapes: int) -> Path:
    """Write what was seen so far."""
    about: dict[str, object] = {
        "bench": "soak",
        "machine": machine(),
        "requests": seen.held[-1].requests,
        "sizes": shapes,
        "seconds": round(seen.seconds, 1),
        "requests_per_s": round(seen.held[-1].requests / seen.seconds, 2),
        "statuses": dict(seen.statuses),
    }
    if len(seen.held) > 2:
        about["trends"] = {name: asdict(trend) for name, trend in seen.trends().items()}
        about["broken"] = seen.broken()
    about["held"] = [asdict(held) for held in seen.held]
    path = RESULTS_DIR / "soak.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(about, indent=1) + "\n", encoding="utf-8")
    return path


def main(argv: list[str] | None = None) -> int:
    """Run the soak."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--requests", type=int, default=20_000)
    parser.add_argument("--sizes", type=int, default=150, help="of pictures, at random")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(argv)
    if options.requests < 3 * ROUND:
        parser.error(f"--requests must be at least {3 * ROUND}")
    requests = make_requests(random_shapes(options.sizes, options.seed))
    size_mb = sum(len(request.body) for request in requests) / 1e6
    print(f"{len(requests)} requests made, {size_mb:.0f} MB", flush=True)
    with (
        tempfile.TemporaryDirectory(prefix="ood-face-soak-") as made,
        loaded_server(Path(made)) as server,
    ):
        print(f"ready: {hold(server, 0)}", flush=True)
        enrol(server.address)
        for seen in soak(server, requests, options.requests, seed=options.seed):
            last = seen.held[-1]
            print(
                f"{last.requests:>6} of {options.requests}, {seen.seconds:6.0f} s: "
                f"{last.resident_mb:7.1f} MB, {last.descriptors} descriptors, "
                f"{last.threads} threads",
                flush=True,
            )
            publish(seen, options.sizes)
        faults = server.faults()
    for name, trend in seen.trends().items():
        print(
            f"{name}: {trend.at_first:.1f}, {trend.growth:+.1f}, highest {trend.highest:.1f}, "
            f"largest {trend.largest:.1f}"
        )
    broken = seen.broken() + faults[:5]
    for line in broken:
        print(f"broken: {line}", file=sys.stderr)
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
