"""Which servers are restarted, and which are left alone."""

from __future__ import annotations

import io
import logging
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from ood_face.config import Settings
from ood_face.supervision.readiness import ReadinessWatch, ready_url
from tests.fakes.supervisor import STARTING, FakeSupervisor, events_of

PROGRAM = "face-recognition-ood"


@pytest.fixture
def server():
    """Yield a server that answers ``server.status`` and counts."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.server.asked.append(self.path)
            self.send_response(self.server.status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    made = HTTPServer(("127.0.0.1", 0), Handler)
    made.status, made.asked = 200, []
    thread = threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield made
    made.shutdown()
    thread.join()
    made.server_close()


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def supervisor() -> FakeSupervisor:
    return FakeSupervisor(PROGRAM)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def watch(supervisor, server, clock) -> ReadinessWatch:
    def url() -> str:
        return f"http://127.0.0.1:{server.server_port}/readyz"

    return ReadinessWatch(supervisor, PROGRAM, url, clock)


def look(watch: ReadinessWatch, times: int = 1) -> None:
    for _ in range(times):
        watch.look()


def test_a_ready_server_is_left_alone(watch, server, supervisor) -> None:
    look(watch, 5)

    assert server.asked == ["/readyz"] * 5
    assert supervisor.asked == []


def test_a_server_that_was_ready_is_restarted_after_the_second_bad_answer(
    watch, server, supervisor, caplog
) -> None:
    look(watch)
    server.status = 503
    look(watch)
    assert supervisor.asked == []

    look(watch)

    assert supervisor.asked == ["stop", "start"]
    assert any("is in RUNNING state, restarting" in line for line in caplog.messages)


def test_a_single_bad_answer_is_forgotten_after_a_good_one(watch, server, supervisor) -> None:
    for status in (200, 503, 200, 503, 200, 503):
        server.status = status
        look(watch)

    assert supervisor.asked == []


def test_a_server_that_still_loads_has_two_minutes(watch, server, supervisor, clock) -> None:
    server.status = 503
    look(watch, 5)
    clock.now += 119
    look(watch)
    assert supervisor.asked == []

    clock.now += 2
    look(watch)

    assert supervisor.asked == ["stop", "start"]


def test_a_server_that_no_restart_helps_is_restarted_every_two_minutes(
    watch, server, supervisor, clock
) -> None:
    look(watch)
    server.status = 503
    for _ in range(120):  # ten minutes
        look(watch)
        clock.now += 5

    assert supervisor.asked == ["stop", "start"] * 5


def test_a_server_that_is_not_running_is_not_asked(watch, server, supervisor) -> None:
    supervisor.info["state"] = STARTING

    look(watch, 3)

    assert server.asked == []


def test_no_answer_at_all_is_a_bad_answer(watch, supervisor) -> None:
    look(watch)
    watch.url = "http://127.0.0.1:1/readyz"

    look(watch, 2)

    assert supervisor.asked == ["stop", "start"]


def test_the_address_is_read_when_the_server_is_another(supervisor, clock) -> None:
    read = []
    watch = ReadinessWatch(supervisor, PROGRAM, lambda: read.append(1) or "", clock)
    look(watch, 3)
    supervisor.info["pid"] = 200
    look(watch, 3)

    assert len(read) == 2


def test_events_are_answered_and_an_unreachable_supervisor_is_no_end(
    watch, supervisor, caplog
) -> None:
    supervisor.fault = ConnectionRefusedError("no socket")
    watch.stdin, watch.stdout = events_of("TICK_5", "TICK_5"), io.StringIO()

    with caplog.at_level(logging.WARNING):
        watch.runforever()

    assert watch.stdout.getvalue() == "READY\nRESULT 2\nOKREADY\nRESULT 2\nOKREADY\n"
    assert caplog.messages == ["supervisord cannot be asked: no socket"] * 2
    assert supervisor.closed == 2


@pytest.mark.parametrize(
    ("host", "port", "url"),
    [
        ("127.0.0.1", 7860, "http://127.0.0.1:7860/readyz"),
        ("0.0.0.0", 80, "http://127.0.0.1:80/readyz"),  # noqa: S104
        ("::", 80, "http://[::1]:80/readyz"),
        ("fd00::1", 80, "http://[fd00::1]:80/readyz"),
        ("faces.example", 80, "http://faces.example:80/readyz"),
        ("127.0.0.1", 0, ""),
    ],
)
def test_the_address_is_that_of_the_settings(host, port, url) -> None:
    assert ready_url(Settings(host=host, port=port)) == url
    assert ready_url(None) == ""
