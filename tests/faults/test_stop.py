"""SIGTERM to the real server while clients wait for answers."""

from __future__ import annotations

import signal
import threading
import time
from dataclasses import dataclass, field

import httpx
import pytest

from tests.faults.live_server import PATIENCE_S, PICTURES, live_server, note, until

CLIENTS = 24
PICTURE = (PICTURES / "obama_1.jpg").read_bytes()
# a request that works for a second or more
LONG = "/v1/extract?uncertainty=mc&passes=200"


@dataclass
class Load:
    """Clients that ask again and again, each time over a connection of its own, until refused.

    Attributes
    ----------
    answers : what was answered
    lost : what went wrong after a connection was made
    refused : how many found nobody listening
    """

    address: str
    path: str = "/v1/extract"
    clients: int = CLIENTS
    answers: list[httpx.Response] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    refused: int = 0

    def __enter__(self) -> Load:
        self._threads = [threading.Thread(target=self._ask) for _ in range(self.clients)]
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        for thread in self._threads:
            thread.join()

    def statuses(self) -> list[int]:
        return sorted({answer.status_code for answer in self.answers})

    def _ask(self) -> None:
        end_s = time.monotonic() + PATIENCE_S
        while time.monotonic() < end_s:
            try:
                answer = httpx.post(
                    f"{self.address}{self.path}",
                    files={"image": ("a.jpg", PICTURE)},
                    timeout=PATIENCE_S,
                )
            except httpx.ConnectError:
                self.refused += 1
                return
            except httpx.TransportError as exc:
                self.lost.append(repr(exc))
                return
            self.answers.append(answer)


def test_sigterm_under_load_loses_no_request_that_was_let_in(tmp_path):
    with live_server(tmp_path) as server:
        with Load(server.address) as load:
            until(lambda: len(load.answers) > 2 * CLIENTS, server.said)
            before, began_s = len(load.answers), time.monotonic()
            server.process.send_signal(signal.SIGTERM)
            assert server.process.wait(timeout=30) == 0
            took_s = time.monotonic() - began_s
        note(
            "SIGTERM under load",
            f"{CLIENTS} clients: {len(load.answers) - before} answered after it, {len(load.lost)} "
            f"lost, {load.refused} found nobody; ended with 0 after {took_s:.1f} s",
        )
    assert load.lost == []
    assert load.refused == CLIENTS
    assert load.statuses() in ([200], [200, 503])
    assert "Traceback" not in server.said()
    assert "Cancel" not in server.said()


def test_what_is_not_done_in_time_is_answered_503(tmp_path):
    with live_server(tmp_path, stop_timeout_s=0.5) as server, Load(server.address, LONG) as load:
        until(lambda: len(load.answers) >= 1, server.said)
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(timeout=30) == 0
    assert load.lost == []
    late = [answer for answer in load.answers if answer.status_code == 503]
    assert late
    assert {answer.headers["Retry-After"] for answer in late} == {"1"}
    assert "Traceback" not in server.said()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_second_signal_ends_the_server_at_once(tmp_path, number):
    with live_server(tmp_path) as server:
        with Load(server.address, path=LONG) as load:
            until(lambda: len(load.answers) >= 1, server.said)
            server.process.send_signal(signal.SIGTERM)
            until(lambda: "Shutting down" in server.said(), server.said)
            began_s = time.monotonic()
            server.process.send_signal(number)
            assert server.process.wait(timeout=30) == -number
            assert time.monotonic() - began_s < 3
        assert load.lost, "there was nothing left to do"


def test_an_open_page_and_idle_connections_do_not_delay_the_end(tmp_path):
    with live_server(tmp_path) as server, httpx.Client() as idle:
        idle.get(f"{server.address}/healthz")
        url = f"{server.address}/gradio_api/heartbeat/abcdefghijk"
        with httpx.stream("GET", url, timeout=PATIENCE_S) as heartbeat:
            assert next(heartbeat.iter_text()) == "data: ALIVE\n\n"
            began_s = time.monotonic()
            server.process.send_signal(signal.SIGTERM)
            assert server.process.wait(timeout=30) == 0
            took_s = time.monotonic() - began_s
    note("SIGTERM with an open page", f"ended with 0 after {took_s:.1f} s")
    assert took_s < 10
