"""What happens to a supervised server, and how it comes back."""

from __future__ import annotations

import json
import os
import signal
import threading
from typing import TYPE_CHECKING

import httpx
import psutil
import pytest

from tests.e2e.page_server import ROOT
from tests.e2e.supervised import PATIENCE_S, PROGRAM, Supervised, supervised

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.timeout(6 * PATIENCE_S)

PICTURE = (ROOT / "tests" / "pictures" / "obama_1.jpg").read_bytes()


@pytest.fixture(scope="module")
def server() -> Iterator[Supervised]:
    # a server that does not react to TERM is killed sooner than in earnest
    with supervised({"log_format": "json"}, stopwaitsecs="2") as started:
        yield started


def post(server: Supervised, path: str, **parts: object) -> httpx.Response:
    address = f"http://127.0.0.1:{server.port}{path}"
    return httpx.post(address, timeout=PATIENCE_S, **parts)


def extract(server: Supervised) -> httpx.Response:
    return post(server, "/v1/extract", files={"image": PICTURE})


def test_a_kill_during_requests_breaks_those_and_nothing_that_was_stored(
    server: Supervised,
) -> None:
    before = server.wait_ready()
    gallery = post(server, "/v1/galleries", json={"name": "staff"})
    enrolled = post(
        server,
        "/v1/galleries/staff/subjects",
        data={"subject_id": "tim"},
        files={"image": PICTURE},
    )
    broken: list[httpx.TransportError] = []
    statuses: list[int] = []

    def ask() -> None:
        try:
            while True:
                statuses.append(extract(server).status_code)
        except httpx.TransportError as exc:
            broken.append(exc)

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    server.wait_until(lambda: len(statuses) > 4, "requests are answered")
    os.kill(before, signal.SIGKILL)
    for thread in threads:
        thread.join()
    server.wait_ready(other_than=before)
    subjects = httpx.get(
        f"http://127.0.0.1:{server.port}/v1/galleries/staff/subjects", timeout=PATIENCE_S
    )

    assert (gallery.status_code, enrolled.status_code) == (201, 201), enrolled.text
    assert set(statuses) == {200}
    assert len(broken) == 4
    assert extract(server).status_code == 200
    assert [subject["subject_id"] for subject in subjects.json()["subjects"]] == ["tim"]


def test_a_deleted_control_socket_comes_back_and_the_server_notices_nothing(
    server: Supervised,
) -> None:
    before = server.wait_ready()
    (server.home / "var" / "run" / "supervisor.sock").unlink()
    told = server.ctl("status")

    server.wait_until(lambda: server.pid() == before, "supervisorctl reaches supervisord")

    assert "no such file" in told.stdout
    assert told.returncode == 4
    assert server.status_code() == 200
    assert "had been deleted and is there again" in server.log("housekeeping")


def test_a_server_that_hangs_is_restarted_by_httpok(server: Supervised) -> None:
    before = server.wait_running()
    server.wait_seen_ready(before)

    os.kill(before, signal.SIGSTOP)
    after = server.wait_ready(other_than=before)

    assert after != before
    assert not psutil.pid_exists(before)
    assert f"{PROGRAM} is in RUNNING state, restarting" in server.log("httpok")


def test_a_killed_supervisord_leaves_no_server_and_can_be_started_again(
    server: Supervised,
) -> None:
    before = server.wait_ready()

    server.kill_daemon()
    server.wait_until(lambda: not server.processes(), "nothing is left running")
    server.start()
    server.wait_until(lambda: server.ctl("pid").returncode == 0, "supervisord answers")
    after = server.wait_ready(other_than=before)

    assert after != before
    assert extract(server).status_code == 200


def test_a_supervisord_started_at_once_after_a_killed_one_gets_the_port(
    server: Supervised,
) -> None:
    server.wait_ready()

    server.kill_daemon()
    server.start()
    server.wait_until(lambda: server.ctl("pid").returncode == 0, "supervisord answers")
    server.wait_ready()

    assert extract(server).status_code == 200
    assert len([p for p in server.processes() if "webui" in p.cmdline()]) == 1


def test_every_line_of_all_that_is_an_object_of_json(server: Supervised) -> None:
    lines = [json.loads(line) for line in server.log().splitlines()]
    watch = [json.loads(line) for line in server.log("httpok").splitlines()]
    asked = [line for line in lines if line.get("route") == "/v1/extract"]

    assert {"uvicorn.error", "webui.server"} <= {line["logger"] for line in lines}
    assert all({"time", "level", "logger", "message"} <= line.keys() for line in lines + watch)
    assert all({"request_id", "method", "status", "ms"} <= line.keys() for line in asked)
    assert len(asked) > 4
