"""Start programs of :mod:`tests.benchmark.peers` on so many cores, and ask them in turns."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Mapping
    from types import TracebackType

__all__ = [
    "NO_PEERS",
    "Player",
    "PlayerError",
    "cores_in_words",
    "cores_to_measure",
    "in_words",
    "median_of",
    "peers_python",
    "take_turns",
]

ROOT = Path(__file__).resolve().parents[2]
# how the libraries below NumPy, torch and Paddle learn how many threads they may start
LIBRARY_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
# the threads of the one asked before look for more work for a while, and hold a core in doing so:
# measured, ONNX Runtime's for 40 to 50 ms
SETTLE_S = 0.1
NO_PEERS = (
    "no facenet-pytorch and no ONNX Runtime beside us: `make bench` installs them, or "
    "BENCH_PEERS_PYTHON names a Python that has them"
)


class PlayerError(RuntimeError):
    """A program that is measured ended before it answered; carries what it said."""


def peers_python() -> Path | None:
    """Return the Python that has what others offer; None where there is none."""
    path = ROOT / os.environ.get("BENCH_PEERS_PYTHON", ".venv-peers/bin/python")
    return path if path.exists() else None


def cores_to_measure() -> list[int]:
    """Return one core, and two where there are two."""
    return [1, 2][: len(os.sched_getaffinity(0))]


def cores_in_words(cores: int) -> str:
    """Return how many cores, for the name of a figure."""
    return f"{cores} core{'s' * (cores > 1)}"


def in_words(about: Mapping[str, Any]) -> str:
    """Return what a program says of itself: the versions of its packages."""
    packages = [f"{name} {version}" for name, version in about["packages"].items()]
    return ", ".join([*packages, *filter(None, [about.get("suppression")])])


class Player(AbstractContextManager["Player"]):
    """A program of :mod:`tests.benchmark.peers`, confined to some cores; ends with the context.

    Parameters
    ----------
    name : of the module
    cores : the first so many cores, and as many threads of the libraries
    python : which interpreter; None: this one

    Raises
    ------
    ValueError
        The machine does not lend so many cores.
    """

    def __init__(self, name: str, cores: int, python: Path | None = None) -> None:
        lent = sorted(os.sched_getaffinity(0))
        if not 1 <= cores <= len(lent):
            message = f"{name} is to have {cores} cores, and there are {len(lent)}"
            raise ValueError(message)
        self._name = name
        self._said = tempfile.TemporaryFile()  # noqa: SIM115  (closed with the context)
        module = f"tests.benchmark.peers.{name}"
        environment = {
            key: value for key, value in os.environ.items() if not key.startswith("OOD_FACE_")
        }
        os.sched_setaffinity(0, lent[:cores])  # the child inherits it
        try:
            self._child = subprocess.Popen(
                [str(python or sys.executable), "-W", "ignore", "-m", module, str(cores)],
                cwd=ROOT,
                env=environment | dict.fromkeys(LIBRARY_THREADS, str(cores)),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._said,
                text=True,
            )
        finally:
            os.sched_setaffinity(0, lent)

    def ask(self, do: str, **values: object) -> dict[str, Any]:
        """Let the program do something; returns its answer.

        Raises
        ------
        PlayerError
            It has ended.
        """
        try:
            self._child.stdin.write(json.dumps({"do": do, **values}) + "\n")
            self._child.stdin.flush()
            answer = self._child.stdout.readline()
        except BrokenPipeError:
            answer = ""
        if not answer:
            self._child.wait()
            self._said.seek(0)
            said = self._said.read().decode(errors="replace")[-2000:]
            message = f"{self._name} ended with {self._child.returncode}:\n{said}"
            raise PlayerError(message)
        return json.loads(answer)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End the program."""
        for stream in (self._child.stdin, self._child.stdout):
            try:
                stream.close()
            except BrokenPipeError:
                continue  # it has ended before
        self._child.wait()
        self._said.close()


def take_turns(
    questions: Mapping[Hashable, Callable[[], dict[str, Any]]], rounds: int
) -> dict[Hashable, list[dict[str, Any]]]:
    """Ask every question once a round, in turn; the first round warms up and is left out."""
    answers: dict[Hashable, list[dict[str, Any]]] = defaultdict(list)
    for turn in range(rounds + 1):
        for key, ask in questions.items():
            answer = ask()
            time.sleep(SETTLE_S)
            if turn:
                answers[key].append(answer)
    return answers


def median_of(answers: list[dict[str, Any]], what: str) -> float:
    """Return the median of one number over the rounds."""
    return float(statistics.median(answer[what] for answer in answers))
