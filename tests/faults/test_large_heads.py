"""Heads that are too large for the real server: refused with the limit, and nobody else notices."""

from __future__ import annotations

import socket

import pytest

from ood_face.api.heads import MAX_HEADER_BYTES
from tests.faults.live_server import PATIENCE_S, live_server
from webui.http_refusals import HEAD_BYTES


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with live_server(tmp_path_factory.mktemp("server")) as server:
        yield server


def answer_to(server, *pieces: bytes) -> str:
    """Send what a client would, piece by piece, and return all that comes back."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE_S) as connection:
        for piece in pieces:
            connection.sendall(piece)
        with connection.makefile("rb") as received:
            return received.read().decode("latin-1")


@pytest.mark.parametrize(
    ("filling", "limit"),
    [(20_000, MAX_HEADER_BYTES), (60_000, MAX_HEADER_BYTES), (200_000, HEAD_BYTES)],
)
@pytest.mark.parametrize("path", ["/v1/scenarios", "/"])
def test_a_head_that_is_too_large_is_told_the_limit(server, path, filling, limit):
    said = answer_to(
        server,
        f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\nX-A: ".encode(),
        b"a" * filling,
        b"\r\n\r\n",
    )
    head, _, body = said.partition("\r\n\r\n")
    assert " 431 " in head.splitlines()[0]
    assert "application/problem+json" in head
    assert f"limit of {limit} bytes" in body


def test_what_is_no_http_is_answered_as_before(server):
    assert " 400 " in answer_to(server, b"\x16\x03\x01 no http\r\n\r\n").splitlines()[0]
    assert server.extract().status_code == 200
