"""The real supervisord, with the repository's own configuration, keeps the real server alive."""

from __future__ import annotations

import os
import signal
import stat
from typing import TYPE_CHECKING

import psutil
import pytest

from tests.e2e.supervised import PATIENCE_S, PROGRAM, Supervised, supervised

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.timeout(4 * PATIENCE_S)


@pytest.fixture(scope="module")
def server() -> Iterator[Supervised]:
    with supervised() as started:
        yield started


def test_a_killed_server_is_replaced_and_ready_again(server: Supervised) -> None:
    before = server.wait_ready()

    os.kill(before, signal.SIGKILL)
    after = server.wait_ready(other_than=before)

    assert after != before
    assert not psutil.pid_exists(before)


def test_status_says_running(server: Supervised) -> None:
    server.wait_running()

    said = server.ctl("status")

    assert said.returncode == 0, said.stdout + said.stderr
    assert [line.split()[:2] for line in said.stdout.splitlines()] == [
        [PROGRAM, "RUNNING"],
        ["housekeeping", "RUNNING"],
        ["httpok", "RUNNING"],
        ["memmon", "RUNNING"],
    ]


def test_restart_replaces_the_server(server: Supervised) -> None:
    before = server.wait_ready()

    said = server.ctl("restart", PROGRAM)
    after = server.wait_ready(other_than=before)

    assert said.stdout.splitlines() == [f"{PROGRAM}: stopped", f"{PROGRAM}: started"]
    assert after != before
    assert not psutil.pid_exists(before)


def test_the_log_is_a_named_file_that_the_client_can_tail(server: Supervised) -> None:
    server.wait_ready()

    tail = server.ctl("tail", PROGRAM).stdout

    assert "\n" in tail
    assert tail.strip() in server.log()
    assert "Traceback" not in server.log()


def test_the_socket_is_private_and_nothing_else_listens(server: Supervised) -> None:
    folder = server.home / "var" / "run"
    daemon = psutil.Process(int((folder / "supervisord.pid").read_text(encoding="ascii")))

    assert stat.S_IMODE((folder / "supervisor.sock").stat().st_mode) == 0o700
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert daemon.net_connections(kind="inet") == []


def test_stop_ends_the_whole_process_group_and_start_brings_it_back(server: Supervised) -> None:
    before = server.wait_ready()
    family = [before, *(child.pid for child in psutil.Process(before).children(recursive=True))]

    server.ctl("stop", PROGRAM)
    left = [pid for pid in family if psutil.pid_exists(pid)]
    answer = server.status_code()
    server.ctl("start", PROGRAM)

    assert left == []
    assert answer == 0
    assert server.wait_ready() not in family
