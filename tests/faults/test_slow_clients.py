"""Clients that send or read too slowly, by the thousand, while others are served."""

from __future__ import annotations

import selectors
import socket
import statistics
import threading
import time
from contextlib import ExitStack, suppress

import httpx
import psutil
import pytest

from tests.faults.live_server import live_server, note, raise_own_file_limit, until

LIMITS = {
    "header_timeout_s": 3,
    "body_timeout_s": 3,
    "answer_timeout_s": 3,
    "keep_alive_s": 2,
    "max_connections": 1500,
}
HEAD = b"POST /v1/extract HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
BODY_BEGUN = HEAD + b'Content-Length: 100000\r\n\r\n{"image": "'
DRIPPED = HEAD + b"X-Slow: and so on\r\n"
COUNTS = {"silent": 400, "head": 300, "body": 300}


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with live_server(tmp_path_factory.mktemp("slow"), **LIMITS) as started:
        yield started


class SlowClients:
    """Holds connections and sends a byte on each of them every half second.

    Attributes
    ----------
    answers : what each kind was told when the server closed the connection
    """

    def __init__(self, port: int, counts: dict[str, int]) -> None:
        self.answers: dict[str, list[bytes]] = {kind: [] for kind in counts}
        self._selector = selectors.DefaultSelector()
        self._told: dict[socket.socket, bytes] = {}
        for kind, count in counts.items():
            for _ in range(count):
                one = socket.create_connection(("127.0.0.1", port))
                one.setblocking(False)
                if kind == "body":
                    one.send(BODY_BEGUN)
                self._selector.register(one, selectors.EVENT_READ, kind)
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._drip)

    def __enter__(self) -> SlowClients:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ending.set()
        self._thread.join()
        for key in list(self._selector.get_map().values()):
            key.fileobj.close()

    @property
    def open(self) -> int:
        return len(self._selector.get_map())

    def _drip(self) -> None:
        due_s, place = 0.0, 0
        while not self._ending.is_set() and self._selector.get_map():
            for key, _ in self._selector.select(timeout=0.1):
                self._read(key.fileobj, key.data)
            if time.monotonic() > due_s:
                due_s = time.monotonic() + 0.5
                self._send(DRIPPED[place : place + 1])
                place += 1

    def _read(self, one: socket.socket, kind: str) -> None:
        try:
            data = one.recv(65536)
        except ConnectionError:
            data = b""
        self._told[one] = self._told.get(one, b"") + data
        if not data:
            self._selector.unregister(one)
            one.close()
            self.answers[kind].append(self._told.pop(one))

    def _send(self, byte: bytes) -> None:
        for key in list(self._selector.get_map().values()):
            if key.data != "silent":
                # that the server has closed it is read next
                with suppress(OSError):
                    key.fileobj.send(byte)


def test_a_thousand_half_open_connections_keep_nobody_out(server):
    raise_own_file_limit(4096)
    quiet_s = [_seconds(server) for _ in range(5)]
    with SlowClients(server.port, COUNTS) as slow:
        assert slow.open == sum(COUNTS.values())
        began_s, busy_s = time.monotonic(), []
        while time.monotonic() - began_s < LIMITS["header_timeout_s"] - 1:
            busy_s.append(_seconds(server))
        assert slow.open > sum(COUNTS.values()) // 2, "they were not there meanwhile"
        until(lambda: slow.open == 0, lambda: f"{slow.open} are still open")
        all_gone_s = time.monotonic() - began_s

    note(
        "1,000 half-open connections",
        f"extract {1000 * statistics.median(busy_s):.0f} ms (median of {len(busy_s)}, slowest "
        f"{1000 * max(busy_s):.0f} ms), before {1000 * statistics.median(quiet_s):.0f} ms; all "
        f"closed after {all_gone_s:.1f} s at limits of 3 s",
    )
    assert max(busy_s) < 5
    assert set(slow.answers["silent"]) == {b""}
    for kind, code in (("head", b"request.slow_head"), ("body", b"request.slow_body")):
        told = slow.answers[kind]
        assert len(told) == COUNTS[kind]
        assert {one[:12] for one in told} == {b"HTTP/1.1 408"}
        assert all(code in one for one in told)
    assert "Traceback" not in server.said()


def test_more_connections_than_there_may_be_take_the_place_of_silent_ones(tmp_path):
    raise_own_file_limit(4096)
    limits = {**LIMITS, "max_connections": 50, "header_timeout_s": 60}
    with (
        live_server(tmp_path, **limits) as few,
        SlowClients(few.port, {"silent": 300}) as silent,
    ):
        assert httpx.get(f"{few.address}/healthz", timeout=10).status_code == 200
        assert few.extract().status_code == 200
        began_s = time.monotonic()
        until(lambda: silent.open <= 50, lambda: f"{silent.open} are open")
        assert time.monotonic() - began_s < limits["header_timeout_s"] / 2, "closed for being slow"


def test_connections_at_work_are_not_given_up_for_more(tmp_path):
    with (
        live_server(tmp_path, **{**LIMITS, "max_connections": 16, "body_timeout_s": 60}) as few,
        ExitStack() as opened,
    ):
        for _ in range(16):
            one = opened.enter_context(socket.create_connection(("127.0.0.1", few.port)))
            one.sendall(BODY_BEGUN)
        seen = []

        def refused() -> bool:
            seen.append(httpx.get(f"{few.address}/healthz", timeout=10))
            return seen[-1].status_code == 503

        until(refused, lambda: f"{len(seen)} were answered")
        assert seen[-1].json()["code"] == "busy.connections"
        assert seen[-1].headers["Retry-After"] == "1"


def test_an_answer_that_nobody_reads_is_given_up(server):
    # the script of the page, asked for again and again, fills what the kernel keeps
    page = httpx.get(f"{server.address}/", timeout=30).text
    process = psutil.Process(server.process.pid)
    with socket.socket() as deaf:
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        deaf.connect(("127.0.0.1", server.port))
        request = b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: text/html\r\n\r\n"
        own_port = deaf.getsockname()[1]
        deaf.sendall(request * (2 + 8 * 2**20 // len(page)))
        until(lambda: _is_open(process, own_port), server.said)
        began_s = time.monotonic()
        until(lambda: not _is_open(process, own_port), server.said)
        assert not _is_open(process, own_port)
        note("an answer that is not read", f"closed after {time.monotonic() - began_s:.1f} s")


def test_a_connection_without_a_next_request_is_closed(server):
    with httpx.Client() as client:
        client.get(f"{server.address}/healthz")
        port = client.get(f"{server.address}/healthz").extensions["network_stream"]
        own_port = port.get_extra_info("client_addr")[1]
        process = psutil.Process(server.process.pid)
        until(lambda: not _is_open(process, own_port), server.said)
        assert client.get(f"{server.address}/healthz").status_code == 200


def test_a_body_that_comes_steadily_may_take_longer(server):
    # 24 KiB a tenth of a second for 5 s, where a trickle is given up after 3
    with socket.create_connection(("127.0.0.1", server.port)) as steady:
        steady.sendall(HEAD + b"Content-Length: 1228800\r\n\r\n")
        for _ in range(50):
            steady.sendall(bytes(24576))
            time.sleep(0.1)
        answer = steady.recv(65536)
    assert answer.startswith(b"HTTP/1.1 422")


def _seconds(server) -> float:
    began_s = time.monotonic()
    assert server.extract().status_code == 200
    return time.monotonic() - began_s


def _is_open(process: psutil.Process, remote_port: int) -> bool:
    return any(one.raddr and one.raddr.port == remote_port for one in process.net_connections())
