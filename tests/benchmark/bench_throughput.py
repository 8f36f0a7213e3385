"""Requests a second of the real server: 1, 2, 4 and 8 clients that ask without a pause.

The clients run in a process of their own on the same cores, and their CPU time is told: the
server has what they leave. The numbers of clients take turns, round by round.

``python -m tests.benchmark.bench_throughput [--rounds N] [--seconds S]``
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
from collections import defaultdict
from typing import Any

import numpy as np

from tests.benchmark.machine import Figure, publish
from tests.benchmark.served import ROOT, server

ROUNDS = 3
SECONDS = 6.0
CLIENTS = (1, 2, 4, 8)
KINDS = ("extract", "compare")


def ask(address: str, kind: str, clients: int, seconds: float) -> dict[str, Any]:
    """Let clients ask for a while; returns what they tell."""
    module = "tests.benchmark.client"
    done = subprocess.run(
        [sys.executable, "-m", module, address, kind, str(clients), str(seconds)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    told = json.loads(done.stdout)
    told["rate"] = len(told["durations_s"]) / told["took_s"]
    return told


def figures_of(kind: str, clients: int, rounds: list[dict[str, Any]]) -> list[Figure]:
    """Return rate and durations with some clients; the durations are of all rounds together."""
    ms = 1000 * np.concatenate([told["durations_s"] for told in rounds])
    p50, p95 = np.percentile(ms, (50, 95)) if len(ms) else (np.nan, np.nan)
    failed = sum(sum(told["failed"].values()) for told in rounds)
    took_s = sum(told["took_s"] for told in rounds)
    share = 100 * sum(told["cpu_s"] for told in rounds) / took_s
    label = f"{kind}, {clients} client{'s' * (clients > 1)}"
    note = f"{len(ms)} requests, {failed} failed; the clients took {share:.0f} % of one core"
    rate = statistics.median(told["rate"] for told in rounds)
    return [
        Figure(label, rate, "requests/s", note),
        Figure(f"{label}: p50", float(p50), "ms"),
        Figure(f"{label}: p95", float(p95), "ms"),
    ]


def measure(kind: str, rounds: int, seconds: float) -> list[Figure]:
    """Measure one endpoint; the first, short round warms up."""
    told: dict[int, list[dict[str, Any]]] = defaultdict(list)
    with server() as (address, _, _):
        ask(address, kind, max(CLIENTS), min(seconds, 2.0))
        for _ in range(rounds):
            for clients in CLIENTS:
                told[clients].append(ask(address, kind, clients, seconds))
    figures = [figure for clients in CLIENTS for figure in figures_of(kind, clients, told[clients])]
    one, many = (
        statistics.median(each["rate"] for each in told[clients]) for clients in (1, CLIENTS[-1])
    )
    name = f"{kind}, {CLIENTS[-1]} clients against one"
    return [*figures, Figure(name, many / one, "x")]


def main(argv: list[str] | None = None) -> int:
    """Measure, print, write ``build/bench/throughput.json``."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--seconds", type=float, default=SECONDS, help="of each round")
    options = parser.parse_args(argv)
    figures = [f for kind in KINDS for f in measure(kind, options.rounds, options.seconds)]
    publish("throughput", "Requests a second, 640x480 JPEGs with one face", figures)
    return 0


if __name__ == "__main__":
    sys.exit(main())
