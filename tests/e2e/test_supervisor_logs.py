"""The log of a supervised program: rotated by day, or on a full disk; with real supervisord."""

from __future__ import annotations

import os
import re
import signal
from datetime import date, timedelta
from typing import TYPE_CHECKING

import httpx
import pytest

from tests.e2e.page_server import ROOT, free_port
from tests.e2e.supervised import PATIENCE_S, PROGRAM, Supervised, home_folder, supervised

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.timeout(2 * PATIENCE_S)

# in place of the server: writes numbers, as fast as it can for a while and then slowly
COUNTING = (
    """%(here)s/../.venv/bin/python -c """
    """"import itertools, time; [(print(n), time.sleep(0.002)) for n in itertools.count()]" """
)
ROTATIONS = 4


@pytest.fixture
def counting() -> Iterator[Supervised]:
    # port 0: nobody is to ask whether this program is ready
    with supervised({"port": 0}, wait=False, command=COUNTING, startsecs="0") as server:
        server.wait_until(lambda: "\n" in server.log(), "a first line")
        yield server


def pieces(server: Supervised) -> list[str]:
    folder = server.home / "var" / "log"
    return sorted(path.name for path in folder.glob(f"{PROGRAM}.log.*"))


def restart_housekeeping_on(server: Supervised, day: date) -> None:
    """Kill the listener and have it find that the log is the one of ``day``."""
    note = server.home / "var" / "log" / f".{PROGRAM}.log.day"
    server.wait_until(lambda: server.pid("housekeeping") != 0, "housekeeping runs")
    before = server.pid("housekeeping")
    os.kill(before, signal.SIGKILL)
    note.write_text(f"{day}\n", encoding="ascii")
    server.wait_until(lambda: server.pid("housekeeping") not in (0, before), "another listener")


def test_no_line_is_lost_or_doubled_when_the_day_changes(counting: Supervised) -> None:
    first = date.today() - timedelta(days=ROTATIONS)
    for number in range(ROTATIONS):
        day = first + timedelta(days=number)
        restart_housekeeping_on(counting, day)
        counting.wait_until(lambda: len(pieces(counting)) > number, "a piece")  # noqa: B023
        counting.wait_until(lambda: "\n" in counting.log(), "lines in the new file")
    tail = counting.ctl("tail", PROGRAM).stdout.split()
    counting.ctl("stop", PROGRAM)

    names = pieces(counting)
    folder = counting.home / "var" / "log"
    text = "".join((folder / name).read_text(encoding="ascii") for name in names) + counting.log()
    lines = [int(line) for line in text.splitlines()]
    assert len(names) == ROTATIONS
    assert names[0] == f"{PROGRAM}.log.{first}"
    assert lines == list(range(len(lines)))
    assert tail[-1] in counting.log().split()


def test_the_listeners_say_what_they_did_in_the_format_of_the_settings(
    counting: Supervised,
) -> None:
    restart_housekeeping_on(counting, date(2026, 1, 1))
    counting.wait_until(lambda: bool(pieces(counting)), "a piece")

    counting.wait_until(lambda: "is now" in counting.log("housekeeping"), "a line about it")

    assert re.search(
        rf"INFO ood_face.supervision.rotation {PROGRAM}.log is now {PROGRAM}.log.2026-01-01",
        counting.log("housekeeping"),
    )


def test_a_full_disk_for_the_log_leaves_the_server_answering() -> None:
    picture = (ROOT / "tests" / "pictures" / "obama_1.jpg").read_bytes()
    with home_folder() as home:
        (home / "var" / "log" / f"{PROGRAM}.log").symlink_to("/dev/full")
        server = Supervised(home, free_port(), {"log_level": "DEBUG"})
        server.start()
        try:
            pid = server.wait_running()

            answers = [
                httpx.post(
                    f"http://127.0.0.1:{server.port}/v1/extract",
                    files={"image": picture},
                    timeout=PATIENCE_S,
                ).status_code
                for _ in range(20)
            ]

            assert answers == [200] * 20
            assert server.pid() == pid
            assert server.state() == "RUNNING"
        finally:
            server.stop()
