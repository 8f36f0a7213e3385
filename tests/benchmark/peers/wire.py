"""The other end of a player: read a question, do it, answer. Standard library only."""

from __future__ import annotations

import json
import os
import sys
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["CORES", "answer", "measured"]

# how many cores the player lends us
CORES = int(sys.argv[1]) if len(sys.argv) > 1 else 1


def measured(work: Callable[[], object]) -> tuple[object, dict[str, float]]:
    """Do ``work`` once; returns its result, and its milliseconds: ``cpu_ms`` of all threads."""
    cpu, wall = time.process_time(), time.perf_counter()
    result = work()
    wall_ms = 1000 * (time.perf_counter() - wall)
    return result, {"cpu_ms": 1000 * (time.process_time() - cpu), "wall_ms": wall_ms}


def answer(commands: Mapping[str, Callable[..., dict[str, object]]]) -> None:
    """Answer questions until there are no more.

    Whatever a library prints goes to standard error, also what it prints past Python.
    """
    with os.fdopen(os.dup(1), "w", encoding="utf-8") as out:
        os.dup2(2, 1)
        for line in sys.stdin:
            question = json.loads(line)
            out.write(json.dumps(commands[question.pop("do")](**question)) + "\n")
            out.flush()
