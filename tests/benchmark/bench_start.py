"""The real server: seconds until it is ready, memory then and after requests.

*Warm* start: the files are in the system's cache, as after a restart; one start before is left
out. Memory is the resident set of the server's process and its children.

``python -m tests.benchmark.bench_start [--starts N] [--requests N]``
"""

from __future__ import annotations

import argparse
import statistics
import sys

import httpx

from tests.benchmark.client import BOUNDARY, requests_of
from tests.benchmark.machine import Figure, median_ms, publish
from tests.benchmark.served import resident_mb, server

STARTS = 5
REQUESTS = 200


def measure(starts: int, requests: int) -> list[Figure]:
    """Start the server so often, and ask the last one."""
    seconds, idle_mb = [], []
    for turn in range(starts + 1):
        with server() as (address, process, to_ready_s):
            if turn:
                seconds.append(to_ready_s)
                idle_mb.append(resident_mb(process))
            if turn == starts:
                request_ms = ask(address, requests)
                worked_mb = resident_mb(process)
    return [
        Figure("warm start to ready", statistics.median(seconds), "s", f"median of {starts}"),
        Figure("resident when ready", statistics.median(idle_mb), "MB", f"median of {starts}"),
        Figure("resident after requests", worked_mb, "MB", f"{requests}, extract and compare"),
        Figure("POST /v1/compare, 640x480", request_ms, "ms", f"median of {requests // 2}"),
    ]


def ask(address: str, requests: int) -> float:
    """Extract and compare, half each; returns the median milliseconds of a comparison."""
    headers = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}
    medians = {}
    with httpx.Client(timeout=60) as client:
        for kind in ("extract", "compare"):
            (body, *_), path = requests_of(kind), f"{address}/v1/{kind}"

            def post(body: bytes = body, path: str = path) -> None:
                client.post(path, content=body, headers=headers).raise_for_status()

            medians[kind] = median_ms(post, requests // 2, warm_up=0)
    return medians["compare"]


def main(argv: list[str] | None = None) -> int:
    """Measure, print, write ``build/bench/start.json``."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--starts", type=int, default=STARTS)
    parser.add_argument("--requests", type=int, default=REQUESTS)
    options = parser.parse_args(argv)
    publish("start", "Start and memory of the server", measure(options.starts, options.requests))
    return 0


if __name__ == "__main__":
    sys.exit(main())
