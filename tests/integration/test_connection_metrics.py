"""What the metrics say of connections, of the real HTTP server."""

from __future__ import annotations

import socket
from contextlib import ExitStack

import pytest
from prometheus_client import CollectorRegistry

from ood_face.api.metrics import ConnectionMetrics
from ood_face.api.metrics.connections import REFUSALS
from ood_face.config import Settings
from tests.integration.threaded_server import PATIENCE_S, running, wait_until
from webui import http_refusals
from webui.http_server import StoppableServer

HEAD = b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n"


class Watched:
    """A server's settings, and what its metrics say."""

    def __init__(self, **settings: object) -> None:
        self._registry = CollectorRegistry()
        self.at_work = 0
        self.server = StoppableServer(
            self._answer, Settings(_env_file=None, **settings), ConnectionMetrics(self._registry)
        )

    async def _answer(self, scope, receive, _send):
        # says nothing, and ends when the client has left
        self.at_work += scope["type"] == "http"
        while scope["type"] == "http" and (await receive())["type"] != "http.disconnect":
            pass

    @property
    def open(self) -> float | None:
        return self._registry.get_sample_value("ood_face_connections")

    def refused(self) -> dict[str, float]:
        """Return how many were refused, by reason, where there was one."""
        name = "ood_face_connections_refused_total"
        found = {
            reason: self._registry.get_sample_value(name, {"reason": reason}) for reason in REFUSALS
        }
        return {reason: count for reason, count in found.items() if count}

    def wait(self, open_now: int) -> None:
        wait_until(lambda: self.open == open_now, f"{open_now} open connections")


def connected(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), PATIENCE_S)


def answer(one: socket.socket) -> bytes:
    """Return all that a server says until it closes."""
    with one.makefile("rb") as said:
        return said.read()


def test_connections_are_counted_while_they_are_open():
    watched = Watched()
    with running(watched.server) as port, ExitStack() as opened:
        watched.wait(0)
        connections = [opened.enter_context(connected(port)) for _ in range(3)]
        watched.wait(3)
        connections.pop().close()
        watched.wait(2)
        opened.close()
        watched.wait(0)
    assert watched.refused() == {}


@pytest.mark.parametrize(
    ("sent", "settings", "reason"),
    [
        (HEAD, {"header_timeout_s": 0.1}, "slow_head"),
        (HEAD + b"Content-Length: 9\r\n\r\n", {"body_timeout_s": 0.1}, "slow_body"),
        (HEAD + b"X-Long: " + b"x" * (http_refusals.HEAD_BYTES + 1), {}, "large_head"),
    ],
    ids=["slow-head", "slow-body", "large-head"],
)
def test_a_connection_that_brings_no_request_is_counted_with_its_reason(sent, settings, reason):
    watched = Watched(**settings)
    with running(watched.server) as port, connected(port) as one:
        one.sendall(sent)
        assert f'"code": "request.{reason}"'.encode() in answer(one)
        assert watched.refused() == {reason: 1}


def test_connections_beyond_the_limit_are_counted():
    watched = Watched(max_connections=16)
    with running(watched.server) as port, ExitStack() as opened:
        for _ in range(16):
            opened.enter_context(connected(port)).sendall(HEAD + b"\r\n")
        # those whose request is at work give no way
        wait_until(lambda: watched.at_work == 16, "16 requests at work")
        with connected(port) as one_more:
            assert b'"code": "busy.connections"' in answer(one_more)
        assert watched.refused() == {"connections": 1}


def test_every_refusal_has_its_reason_in_the_metrics():
    known = {
        getattr(http_refusals, name).reason
        for name in http_refusals.__all__
        if isinstance(getattr(http_refusals, name), http_refusals.Refusal)
    }
    assert known == set(REFUSALS)
