"""The supervised server under faults: seconds until it answers again.

The real supervisord with the configuration of ``deploy/`` and nothing changed in it; each fault is
made with a signal or a deleted file. *Ready* is the first 200 of ``/readyz``. Takes five minutes.

``python -m tests.benchmark.bench_recovery [--turns N]``
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from tests.benchmark.machine import Figure, publish
from tests.e2e.page_server import ROOT
from tests.e2e.supervised import PROGRAM, Supervised, supervised

if TYPE_CHECKING:
    from collections.abc import Callable

TURNS = 3


def killed(server: Supervised, turns: int) -> list[Figure]:
    """Kill the server so often."""
    process_s, ready_s = [], []
    for _ in range(turns):
        victim = server.wait_running()
        before = server.children()
        start = time.monotonic()
        os.kill(victim, signal.SIGKILL)
        # not by supervisorctl: a question wakes supervisord, which then looks sooner than by itself
        server.wait_until(lambda: server.children() - before != set(), "a new process")  # noqa: B023
        process_s.append(time.monotonic() - start)
        server.wait_until(lambda: server.status_code() == 200, "/readyz good")
        ready_s.append(time.monotonic() - start)
    note = f"median of {turns}, longest {{:.2f}} s"
    return [
        Figure(
            "kill -9 of the server to a new process",
            statistics.median(process_s),
            "s",
            note.format(max(process_s)),
        ),
        Figure(
            "kill -9 of the server to ready",
            statistics.median(ready_s),
            "s",
            note.format(max(ready_s)),
        ),
    ]


def hung(server: Supervised) -> list[Figure]:
    """Stop the server's process as a debugger would."""
    before = server.wait_running()
    server.wait_seen_ready(before)
    start = time.monotonic()
    os.kill(before, signal.SIGSTOP)
    server.wait_ready(other_than=before)
    return [
        Figure(
            "SIGSTOP of the server to ready",
            time.monotonic() - start,
            "s",
            "two looks of httpok, then stopwaitsecs (30 s), then a start",
        )
    ]


def unreachable(server: Supervised) -> list[Figure]:
    """Delete the control socket."""
    before = server.wait_ready()
    start = time.monotonic()
    (server.home / "var" / "run" / "supervisor.sock").unlink()
    server.wait_until(lambda: server.pid() == before, "supervisorctl reaches supervisord")
    return [Figure("deleted control socket to supervisorctl", time.monotonic() - start, "s", "")]


def without_supervisor(server: Supervised) -> list[Figure]:
    """Kill supervisord, and start it again when nothing is left."""
    server.wait_ready()
    start = time.monotonic()
    server.kill_daemon()
    server.wait_until(lambda: not server.processes(), "nothing is left")
    gone_s = time.monotonic() - start
    server.start()
    server.wait_until(lambda: server.status_code() == 200, "/readyz good")
    ready_s = time.monotonic() - start
    return [
        Figure("kill -9 of supervisord to nothing left", gone_s, "s", ""),
        Figure("... then started again, to ready", ready_s, "s", "from the kill on"),
    ]


def too_large() -> list[Figure]:
    """Give the server less memory than it needs."""
    with supervised({"memory_limit_mib": 256}) as server:
        before = server.wait_ready()
        start = time.monotonic()
        server.wait_until(lambda: server.pid() not in (0, before), "a new process")
        return [
            Figure(
                "above the memory limit to a new process",
                time.monotonic() - start,
                "s",
                "from ready on; memmon looks every minute",
            )
        ]


def broken_weights() -> list[Figure]:
    """Flip a byte of the backbone."""
    with tempfile.TemporaryDirectory() as folder:
        weights = Path(folder) / "weights"
        shutil.copytree(ROOT / "weights", weights)
        victim = max(weights.rglob("*.pdiparams"), key=lambda path: path.stat().st_size)
        with victim.open("r+b") as file:
            file.write(bytes([file.read(1)[0] ^ 0xFF]))
        start = time.monotonic()
        with supervised({"weights_dir": weights}, wait=False) as server:
            server.wait_until(lambda: server.state() in ("FATAL", "EXITED"), "given up")
            seconds, state = time.monotonic() - start, server.state()
            starts = server.log("supervisord").count(f"spawned: '{PROGRAM}'")
    return [Figure(f"broken weights to {state}", seconds, "s", f"{starts} starts")]


def main(argv: list[str] | None = None) -> int:
    """Measure, print, write ``build/bench/recovery.json``."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--turns", type=int, default=TURNS)
    options = parser.parse_args(argv)
    with supervised() as server:
        figures = killed(server, options.turns)
        parts: list[Callable[[Supervised], list[Figure]]] = [hung, unreachable, without_supervisor]
        for part in parts:
            figures += part(server)
    figures += broken_weights() + too_large()
    publish("recovery", "Faults of the supervised server, and how long it is away", figures)
    return 0


if __name__ == "__main__":
    sys.exit(main())
