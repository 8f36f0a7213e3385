"""``make load``: the real server under 1 to 64 clients, then beyond what it can take.

Writes ``build/bench/load.json`` and prints tables for the README. Exits with 1 if a request met
anything but an answer or a 503 with Retry-After, or the server did not recover; how long
anything took never decides.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path

from tests.benchmark.load_requests import WEIGHTS, make_requests, write
from tests.benchmark.load_saturation import saturate
from tests.benchmark.load_server import enrol, loaded_server
from tests.benchmark.load_stages import Stage, run_stage
from tests.benchmark.machine import RESULTS_DIR, machine

__all__ = ["main", "markdown"]

CLIENTS = (1, 2, 4, 8, 16, 32, 64)


def markdown(stages: list[Stage]) -> str:
    """Return the table of the stages."""
    rows = [
        "| clients | requests/s | p50 ms | p95 ms | p99 ms | 503 | failures | server cores "
        "| resident MB |",
        "|---:|---:|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for stage in stages:
        times, refused = stage.answered, 0 if stage.refused is None else stage.refused.count
        cells = [str(stage.clients), f"{stage.requests_per_s:.1f}"]
        cells += [f"{ms:.0f}" for ms in (times.p50_ms, times.p95_ms, times.p99_ms)]
        cells += [str(refused), str(sum(stage.failures.values()))]
        cells += [f"{stage.server.cores:.2f}", f"{stage.server.largest_mb:.0f}"]
        rows.append(f"| {' | '.join(cells)} |")
    return "\n".join(rows)


def by_endpoint(stage: Stage) -> str:
    """Return the table of a stage's endpoints."""
    rows = ["| endpoint | of 100 | requests | p50 ms | p95 ms | p99 ms |"]
    rows.append("|---|---:|---:|---:|---:|---:|")
    for name, times in sorted(stage.endpoints.items(), key=lambda item: -WEIGHTS[item[0]]):
        row = (f"`{name}`", f"{WEIGHTS[name]:g}", str(times.count))
        row += tuple(f"{ms:.0f}" for ms in (times.p50_ms, times.p95_ms, times.p99_ms))
        rows.append(f"| {' | '.join(row)} |")
    return "\n".join(rows)


def main(argv: list[str] | None = None) -> int:
    """Run the stages, then the saturation."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--seconds", type=float, default=40.0, help="of each stage")
    parser.add_argument("--clients", type=int, nargs="*", default=CLIENTS, help="of each stage")
    options = parser.parse_args(argv)
    about = machine()
    print(f"{about['cpu']}, {about['cores']} cores, load {about['load_1_min']}", flush=True)
    stages: list[Stage] = []
    with tempfile.TemporaryDirectory(prefix="ood-face-load-") as made:
        requests = Path(made) / "requests"
        requests.mkdir()
        write(make_requests(), requests)
        folder = Path(made) / "server"
        folder.mkdir()
        with loaded_server(folder) as server:
            enrolled = enrol(server.address)
            for clients in options.clients:
                stage, _ = run_stage(server, requests, clients, options.seconds)
                stages.append(stage)
                print(markdown([stage]).splitlines()[-1], flush=True)
            faults = server.faults()
        saturation = saturate(Path(made), requests)
    found = {
        "bench": "load",
        "machine": about,
        "subjects": enrolled,
        "weights": WEIGHTS,
        "stages": [asdict(stage) for stage in stages],
        "saturation": asdict(saturation),
        "faults_in_log": faults,
    }
    path = RESULTS_DIR / "load.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    print(f"\n{markdown(stages)}\n")
    if stages:
        print(f"{stages[-1].clients} clients, by endpoint:\n\n{by_endpoint(stages[-1])}\n")
    print(saturation.told())
    broken = [f"{stage.clients} clients: {stage.failures}" for stage in stages if stage.failures]
    broken += faults[:5] + saturation.broken()
    for line in broken:
        print(f"broken: {line}", file=sys.stderr)
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
