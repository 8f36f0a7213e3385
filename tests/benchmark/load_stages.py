"""One stage of load: so many clients for so long, and what became of their requests."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from tests.benchmark.load_server import ROOT, watched

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from tests.benchmark.load_server import LoadedServer, Usage

__all__ = ["Sample", "Stage", "Times", "run_stage", "times_of"]

# processes start, and every client has its connection
SETTLE_S = 2.0


@dataclass(frozen=True, slots=True)
class Sample:
    """What became of one request; ``status`` 0: the connection failed.

    Attributes
    ----------
    at_s : when the answer was there, since the clients began
    retry_after : the header, if there was one
    code : of a problem with status 503
    """

    name: str
    at_s: float
    ms: float
    status: int
    retry_after: str | None = None
    code: str = ""
    error: str = ""

    @property
    def kind(self) -> str:
        """``answered``, ``refused`` (503 with Retry-After), or what the failure was."""
        if self.status == 503 and self.retry_after is not None:
            return "refused"
        if self.status == 0:
            return f"connection: {self.error[:80]}"
        return "answered" if self.status in (200, 201) else f"status {self.status}"


@dataclass(frozen=True, slots=True)
class Times:
    """Percentiles of durations, milliseconds."""

    count: int
    p50_ms: float
    p95_ms: float
    p99_ms: float
    largest_ms: float


@dataclass(frozen=True, slots=True)
class Stage:
    """What a stage was like.

    Attributes
    ----------
    answered : times of what was done
    refused : times of the answers 503 with Retry-After; None: there were none
    failures : number of each kind of failure: other statuses, and connections that failed
    refusals : number of each code among the refused
    client_cores : that the clients used
    """

    clients: int
    seconds: float
    requests_per_s: float
    answered: Times
    refused: Times | None
    failures: dict[str, int]
    refusals: dict[str, int]
    server: Usage
    client_cores: float
    endpoints: dict[str, Times] = field(default_factory=dict)


def times_of(samples: Iterable[Sample]) -> Times | None:
    """Return the percentiles of some samples; None: there is none."""
    found = [sample.ms for sample in samples]
    if not found:
        return None
    p50, p95, p99, largest = np.percentile(found, [50, 95, 99, 100])
    return Times(len(found), *(round(float(each), 1) for each in (p50, p95, p99, largest)))


def run_stage(
    server: LoadedServer, requests: Path, clients: int, seconds: float, *, patient: bool = True
) -> tuple[Stage, list[Sample]]:
    """Let clients send; return the stage, and the samples it was made of.

    Parameters
    ----------
    requests : folder that they were written to
    seconds : after the first ``SETTLE_S``, which do not count
    patient : clients wait as Retry-After says

    Raises
    ------
    RuntimeError
        No request was answered.
    """
    out = requests / "samples.json"
    command = [sys.executable, "-m", "tests.benchmark.load_clients", "--address", server.address]
    command += ["--requests", str(requests), "--clients", str(clients), "--out", str(out)]
    command += ["--seconds", str(SETTLE_S + seconds), *(["--patient"] if patient else [])]
    with watched(server.process) as used, (requests / "clients.log").open("wb") as log:
        subprocess.run(command, cwd=ROOT, stdout=log, stderr=log, check=True)
    written = json.loads(out.read_text(encoding="utf-8"))
    end_s = SETTLE_S + seconds
    everything = [Sample(**sample) for sample in written["samples"]]
    counted = [sample for sample in everything if SETTLE_S <= sample.at_s < end_s]
    answered = [sample for sample in counted if sample.kind == "answered"]
    refused = [sample for sample in counted if sample.kind == "refused"]
    times = times_of(answered)
    if times is None:
        problem = f"none of {len(everything)} requests was answered in time"
        raise RuntimeError(problem)
    names = sorted({sample.name for sample in answered})
    stage = Stage(
        clients=clients,
        seconds=seconds,
        requests_per_s=round(len(answered) / seconds, 2),
        answered=times,
        refused=times_of(refused),
        # also of those outside the time that counts
        failures=dict(Counter(s.kind for s in everything if s.kind not in ("answered", "refused"))),
        refusals=dict(Counter(sample.code for sample in refused)),
        server=used[0],
        client_cores=round(written["client_cpu_s"] / end_s, 3),
        endpoints={
            name: found
            for name in names
            if (found := times_of(s for s in answered if s.name == name)) is not None
        },
    )
    return stage, everything
