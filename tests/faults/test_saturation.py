"""More than the real server can do: refused at once, in bounded memory; who leaves is forgotten."""

from __future__ import annotations

import re
import socket
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import httpx
import psutil
import pytest

from tests.faults.live_server import PATIENCE_S, PICTURES, live_server, note, until

MIB = 2**20
PICTURE = (PICTURES / "two_people.jpg").read_bytes()
PART = b'--x\r\nContent-Disposition: form-data; name="image"; filename="a.jpg"\r\n\r\n'
FORM = PART + PICTURE + b"\r\n--x--\r\n"
HEAD = (
    "POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: multipart/form-data; boundary=x\r\n"
    "Content-Length: {length}\r\n\r\n"
)
# two faces, 200 times each: long beside the time it takes to notice that somebody left
LONG = "/v1/extract?uncertainty=mc&passes=200"


def sent(server, path: str, body: bytes, length: int | None = None) -> socket.socket:
    """Return a connection on which a request was sent."""
    connection = socket.create_connection(("127.0.0.1", server.port))
    head = HEAD.format(path=path, length=len(body) if length is None else length)
    connection.sendall(head.encode() + body)
    return connection


def load(server) -> dict[str, float]:
    """Return how many are at work, wait and were refused."""
    text = httpx.get(f"{server.address}/metrics", timeout=30).text
    found = re.findall(r"^ood_face_admission_(\w+) (\S+)$", text, re.MULTILINE)
    return {name: float(value) for name, value in found}


def test_a_hundred_clients_at_once_are_answered_or_told_to_come_again(tmp_path):
    with live_server(tmp_path) as server, ThreadPoolExecutor(101) as pool:
        process = psutil.Process(server.process.pid)
        before = process.memory_info().rss
        asked = [pool.submit(server.extract) for _ in range(100)]
        slowest_s, peak = 0.0, before
        while not all(one.done() for one in asked):
            began_s = time.monotonic()
            assert httpx.get(f"{server.address}/healthz", timeout=30).status_code == 200
            slowest_s = max(slowest_s, time.monotonic() - began_s)
            peak = max(peak, process.memory_info().rss)
        answers = [one.result() for one in asked]
        statuses = Counter(answer.status_code for answer in answers)
        note(
            "100 clients at once",
            f"{statuses[200]} answered, {statuses[503]} told to come again; healthz within "
            f"{1000 * slowest_s:.0f} ms; {(peak - before) / MIB:.0f} MiB more at the peak",
        )
        assert set(statuses) == {200, 503}
        # the workers and the queue
        assert statuses[200] >= 32
        refused = [answer for answer in answers if answer.status_code == 503]
        assert {answer.headers["Retry-After"] for answer in refused} == {"1"}
        assert {answer.json()["code"] for answer in refused} == {"busy.queue_full"}
        assert server.extract().status_code == 200
        assert "Traceback" not in server.said()


@pytest.fixture(scope="module")
def narrow(tmp_path_factory):
    """Start a server that keeps little and has one worker."""
    limits = {"max_held_bytes": 12 * MIB, "max_image_bytes": 4 * MIB, "workers": 1}
    with live_server(tmp_path_factory.mktemp("narrow"), queue_size=8, **limits) as server:
        yield server


def test_bodies_take_no_more_memory_than_they_may_together(narrow):
    process = psutil.Process(narrow.process.pid)
    before = process.memory_info().rss
    body = PART + bytes(10 * MIB)
    with ExitStack() as opened:
        held = [
            opened.enter_context(sent(narrow, "/v1/extract", body, len(body) + 1))
            for _ in range(20)
        ]
        grown = process.memory_info().rss - before
        # what is refused is answered when it has come as a whole
        held[-1].sendall(b"\0")
        held[-1].settimeout(PATIENCE_S)
        answer = held[-1].recv(65536)
    note("20 bodies of 10 MiB held", f"{grown / MIB:.0f} MiB more where 12 MiB are allowed")
    assert answer.startswith(b"HTTP/1.1 503")
    assert b'"busy.bodies"' in answer
    assert b"retry-after: 1" in answer.lower()
    assert grown < 60 * MIB
    until(lambda: narrow.extract().status_code == 200, narrow.said)


def test_whoever_leaves_the_queue_frees_a_place(narrow):
    with ExitStack() as opened:
        long = [opened.enter_context(sent(narrow, LONG, FORM)) for _ in range(2)]
        until(lambda: load(narrow)["at_work"] == 1, narrow.said)
        leaving = [sent(narrow, "/v1/extract", FORM) for _ in range(7)]
        until(lambda: load(narrow)["waiting"] == 8, narrow.said)
        began_s = time.monotonic()
        for one in leaving:
            one.close()
        until(lambda: load(narrow)["waiting"] <= 1, narrow.said)
        took_s = time.monotonic() - began_s
        # those before and after them have their answers
        for one in long:
            one.settimeout(PATIENCE_S)
            assert one.recv(65536).startswith(b"HTTP/1.1 200")
    note("7 of 8 in the queue leave", f"their places are free after {1000 * took_s:.0f} ms")
