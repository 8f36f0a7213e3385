"""What a benchmark says about the machine it ran on, and where it leaves its results."""

from __future__ import annotations

import json
import os
import platform
import statistics
import subprocess
import time
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["RESULTS_DIR", "RUN_VARIABLE", "Figure", "machine", "median_ms", "publish", "this_run"]

ROOT = Path(__file__).resolve().parents[2]
RESULTS_DIR = ROOT / "build" / "bench"
# says to what is started by one `make bench` that it belongs together
RUN_VARIABLE = "BENCH_RUN"


@dataclass(frozen=True)
class Figure:
    """One measured number."""

    name: str
    value: float
    unit: str
    note: str = ""


def machine() -> dict[str, object]:
    """Return processor, usable cores, load and versions."""
    model = ""
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("model name"):
            model = line.partition(":")[2].strip()
            break
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "cpu": model,
        "memory_gib": round(memory / 2**30, 1),
        "cores": len(os.sched_getaffinity(0)),
        "load_1_min": round(os.getloadavg()[0], 2),
        "python": platform.python_version(),
        "paddlepaddle": version("paddlepaddle"),
        "numpy": version("numpy"),
    }


def this_run() -> dict[str, str]:
    """Return which run of the benchmarks this is, and of which commit.

    Returns
    -------
    ``run``: when it began, UTC; ``commit``: its hash, with ``+`` where files differ from it
    """
    known = os.environ.get(RUN_VARIABLE)
    if known:
        run, commit = known.split()
        return {"run": run, "commit": commit}
    began = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    asked = ["git", "describe", "--always", "--abbrev=12", "--exclude=*", "--dirty=+"]
    told = subprocess.run(asked, cwd=ROOT, capture_output=True, text=True, check=False)
    return {"run": began, "commit": told.stdout.strip() or "unknown"}


def median_ms(work: Callable[[], object], repeats: int, warm_up: int = 2) -> float:
    """Return the median duration of ``work`` in milliseconds."""
    for _ in range(warm_up):
        work()
    durations = []
    for _ in range(repeats):
        began = time.perf_counter()
        work()
        durations.append(1000 * (time.perf_counter() - began))
    return statistics.median(durations)


def publish(name: str, title: str, figures: Sequence[Figure]) -> Path:
    """Print ``figures`` as a table and write them to ``build/bench/<name>.json``."""
    about = machine()
    width = max(len(figure.name) for figure in figures)
    print(f"\n{title}")
    print(f"{about['cpu']}, {about['cores']} cores, load {about['load_1_min']}")
    for figure in figures:
        print(f"  {figure.name:<{width}}  {figure.value:>9.1f} {figure.unit:<11} {figure.note}")
    path = RESULTS_DIR / f"{name}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    content = {
        "bench": name,
        "title": title,
        **this_run(),
        "machine": about,
        "figures": [asdict(f) for f in figures],
    }
    path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    return path
