"""The clients of the benchmark of requests a second."""

from __future__ import annotations

import threading
from email import message_from_bytes
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests.benchmark.client import BOUNDARY, Clients, requests_of


class Answering(BaseHTTPRequestHandler):
    """Answers with the server's status, and keeps the connection."""

    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.asked.append((self.path, len(body)))
        self.send_response(self.server.status)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_):
        """Say nothing."""


@pytest.fixture
def server():
    with ThreadingHTTPServer(("127.0.0.1", 0), Answering) as made:
        made.asked, made.status, made.daemon_threads = [], 200, True
        threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.01}).start()
        yield made
        made.shutdown()


def address(server):
    return f"http://127.0.0.1:{server.server_port}"


@pytest.mark.parametrize(
    ("kind", "fields"), [("extract", ["image"]), ("compare", ["image_a", "image_b"])]
)
def test_a_request_is_a_form_with_its_pictures(kind, fields):
    head = f"Content-Type: multipart/form-data; boundary={BOUNDARY}\r\n\r\n".encode()

    for body in requests_of(kind):
        parts = message_from_bytes(head + body).get_payload()
        names = [part.get_param("name", header="content-disposition") for part in parts]
        assert names == fields
        assert all(part.get_payload(decode=True).startswith(b"\xff\xd8") for part in parts)


def test_every_answer_is_counted_once(server):
    clients = Clients(address(server), "compare", 3)

    clients.run(0.05)

    assert len(clients.durations_s) == len(server.asked) >= 3
    assert {path for path, _ in server.asked} == {"/v1/compare"}
    assert clients.failed == {}


def test_an_answer_that_refuses_counts_as_failed(server):
    server.status = 503
    clients = Clients(address(server), "extract", 2)

    clients.run(0.02)

    assert clients.durations_s == []
    assert clients.failed == {503: len(server.asked)}


def test_nobody_there_counts_as_failed(server):
    gone = address(server)
    server.server_close()
    clients = Clients(gone, "extract", 1)

    clients.run(0.01)

    assert clients.durations_s == []
    assert clients.failed[0] >= 1
