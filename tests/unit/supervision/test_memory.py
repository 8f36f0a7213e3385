"""The listener that restarts a server above its limit."""

from __future__ import annotations

import io
import logging
import os
import re

import pytest

from ood_face.supervision.memory import machine_memory_bytes, main, memory_watch
from tests.fakes.supervisor import FakeSupervisor, events_of

PROGRAM = "face-recognition-ood"


@pytest.fixture
def run(monkeypatch):
    """Return a function that gives a watch on this very process one event."""
    monkeypatch.setenv("SUPERVISOR_SERVER_URL", "unix:///nowhere.sock")

    def run(limit_bytes: int) -> list[str]:
        watch = memory_watch(PROGRAM, limit_bytes)
        watch.rpc = FakeSupervisor(PROGRAM)
        watch.rpc.info |= {"pid": os.getpid(), "now": 100, "start": 0}
        watch.rpc.supervisor.getProcessInfo = lambda _name: watch.rpc.info
        watch.stdin, watch.stdout = events_of("TICK_60"), io.StringIO()
        watch.runforever(test=True)
        return watch.rpc.asked

    return run


def test_a_server_above_the_limit_is_restarted(run) -> None:
    assert run(1024 * 1024) == ["stop", "start"]


def test_a_server_below_the_limit_is_left_alone(run) -> None:
    assert run(1 << 50) == []


def test_the_log_says_in_mib_what_is_held_and_what_may_be(run, caplog) -> None:
    caplog.set_level(logging.INFO)

    run(650 * 1024 * 1024)

    assert f"{PROGRAM}=650 MiB" in caplog.text
    held = re.search(rf"RSS of {PROGRAM}\S* is (\d+) MiB\n", caplog.text)
    assert held is not None
    assert 5 < int(held[1]) < 100_000


def test_the_limit_of_a_container_counts_where_it_is_lower(tmp_path) -> None:
    limit = tmp_path / "memory.max"
    machine = machine_memory_bytes(limit)

    limit.write_text("1048576\n")
    assert machine_memory_bytes(limit) == 1048576
    limit.write_text("max\n")
    assert machine_memory_bytes(limit) == machine
    assert machine == os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def test_wrong_arguments_are_refused() -> None:
    assert main([]) == 2
