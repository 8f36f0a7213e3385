"""The real server under a clock that jumps by years: it goes on, and nothing stored is deleted."""

from __future__ import annotations

import shutil
import subprocess
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import httpx
import numpy as np
import pytest

from ood_face.access import AuditQuery, SqliteAuditLog
from ood_face.types import AuditAction
from tests.faults.gallery_requests import PICTURE, best, enrol, make_gallery, subject
from tests.faults.live_server import PATIENCE_S, LiveServer

if TYPE_CHECKING:
    from collections.abc import Iterator

SOURCE = Path(__file__).with_name("moved_clock.c")
DAY_S = 86_400
# beyond what audit log and review queue keep (365 and 90 days)
DAYS = 800


class Clock:
    """The time of day of the processes that are started with it."""

    def __init__(self, library: Path, file: Path) -> None:
        self._file = file
        self.prefix = ("env", f"LD_PRELOAD={library}", f"MOVED_CLOCK={file}")
        self.move(0)

    def move(self, days: int) -> None:
        """Let it be so many days ahead of the right time."""
        written = self._file.with_suffix(".new")
        written.write_text(str(days * DAY_S), encoding="ascii")
        written.replace(self._file)


@pytest.fixture
def clock(tmp_path: Path) -> Clock:
    compiler = shutil.which("cc")
    if compiler is None:
        # the project is used and tested without one too, and no other way moves one process's clock
        pytest.skip("no C compiler: a process's clock cannot be moved")
    library = tmp_path / "moved_clock.so"
    subprocess.run([compiler, "-shared", "-fPIC", "-O1", "-o", library, SOURCE], check=True)
    return Clock(library, tmp_path / "moved")


@pytest.fixture
def server(clock: Clock, tmp_path: Path) -> Iterator[LiveServer]:
    server = LiveServer(tmp_path, prefix=clock.prefix)
    try:
        server.wait_ready()
        yield server
    finally:
        server.end()


def compare_with_a_bad_picture(server: LiveServer) -> None:
    """Have a doubtful verdict, which goes into the review queue."""
    pixels = cv2.imdecode(np.frombuffer(PICTURE, np.uint8), cv2.IMREAD_COLOR)
    tiny = cv2.resize(pixels, None, fx=0.05, fy=0.05, interpolation=cv2.INTER_AREA)
    bad = cv2.imencode(".png", cv2.resize(tiny, pixels.shape[1::-1]))[1].tobytes()
    answer = httpx.post(
        f"{server.address}/v1/compare",
        files={"image_a": ("a.jpg", PICTURE), "image_b": ("b.jpg", bad)},
        timeout=PATIENCE_S,
    )
    assert answer.status_code == 200, answer.text
    assert answer.json()["verdict"] == "recapture"


def queued(server: LiveServer) -> set[int]:
    """Return the ids of what waits for a person to look at."""
    answer = httpx.get(f"{server.address}/v1/review", timeout=60)
    assert answer.status_code == 200, answer.text
    return {item["id"] for item in answer.json()["items"]}


def enrolled_at(server: LiveServer, subject_id: str) -> datetime:
    assert enrol(server, subject_id).status_code == 201
    return datetime.fromisoformat(subject(server, subject_id).json()["created_at"])


@pytest.mark.parametrize("days", [DAYS, -DAYS], ids=["ahead", "back"])
def test_a_clock_that_jumps_stops_nothing_and_deletes_nothing(clock, server, days):
    make_gallery(server)
    right = enrolled_at(server, "before")
    compare_with_a_bad_picture(server)
    waiting = queued(server)
    assert waiting
    assert abs(right - datetime.now(UTC)) < timedelta(hours=1)

    clock.move(days)
    for started in ("before the jump", "after it"):
        assert server.is_ready(), started
        assert httpx.get(f"{server.address}/", timeout=60).status_code == 200
        assert server.extract().status_code == 200
        assert best(server) > 0.99
        compare_with_a_bad_picture(server)
        # so the clock did jump
        assert abs(enrolled_at(server, started.split()[0] + "-1") - right) > timedelta(days=799)
        assert subject(server, "before").status_code == 200
        assert waiting <= queued(server)
        if started == "before the jump":
            server.process.terminate()
            assert server.process.wait(PATIENCE_S) == 0
            server.start()
            server.wait_ready()

    clock.move(0)
    assert server.is_ready()
    assert waiting <= queued(server)
    server.process.terminate()
    assert server.process.wait(PATIENCE_S) == 0
    with closing(SqliteAuditLog(server.data_dir, keep_days=10_000)) as log:
        enrolled = log.find(AuditQuery(action=AuditAction.ENROLL), 100)
    at_once = [abs(event.at - right) < timedelta(hours=1) for event in enrolled]
    assert sorted(at_once) == [False, False, True]
    if days > 0:
        assert "days ahead of the audit log's newest event: is it right?" in server.said()
    assert "Traceback" not in server.said()
