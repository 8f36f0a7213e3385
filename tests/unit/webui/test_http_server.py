"""The limit on open files, and what a stop in the middle of a request is answered."""

from __future__ import annotations

import asyncio
import errno
import resource
import socket

import pytest

from ood_face.config import Settings
from webui.http_server import StoppableServer, accepted, raised_limit


@pytest.mark.parametrize(
    ("soft", "hard", "raised", "connections"),
    [
        (1024, 4096, 4096, 2000),
        (1024, 1024, 1024, 768),
        (1024, resource.RLIM_INFINITY, 65536, 2000),
        (1024, 1_000_000, 65536, 2000),
        (100_000, 1_000_000, 100_000, 2000),
        (resource.RLIM_INFINITY, resource.RLIM_INFINITY, resource.RLIM_INFINITY, 2000),
        (64, 64, 64, 1),
    ],
)
def test_the_limit_on_files_is_raised_and_leaves_room(soft, hard, raised, connections):
    assert raised_limit(soft, hard, 2000) == (raised, connections)


def test_what_is_cut_short_by_the_end_is_answered_503():
    began = asyncio.Event()
    sent = []

    async def working(_scope, _receive, _send):
        began.set()
        await asyncio.sleep(60)

    async def send(message):
        sent.append(message)

    async def story():
        app = StoppableServer(working, Settings()).config.app
        request = asyncio.create_task(app({"type": "http"}, None, send))
        await began.wait()
        request.cancel()
        await request

    asyncio.run(story())
    assert sent[0]["status"] == 503
    assert (b"retry-after", b"1") in sent[0]["headers"]
    assert sent[1]["body"] == b"the server stops"


def test_a_signal_before_the_server_serves_is_not_lost():
    server = StoppableServer(lambda *_: None, Settings())
    assert not server.should_exit
    server.handle_exit(15, None)
    assert server.should_exit


class Listener:
    """Gives what it has been given, in order: connections, and errors that it raises."""

    def __init__(self, *waiting):
        self._waiting = list(waiting)

    def accept(self):
        found = self._waiting.pop(0)
        if isinstance(found, OSError):
            raise found
        return found, ("127.0.0.1", 1)


@pytest.mark.parametrize(
    ("end", "said"),
    [
        (BlockingIOError(errno.EAGAIN, "none waits"), ""),
        (OSError(errno.EMFILE, "Too many open files"), "Too many open files"),
    ],
)
def test_a_stop_takes_who_waits_as_far_as_the_system_can(end, said, caplog):
    one, two = socket.socketpair()
    with one, two:
        gone = ConnectionAbortedError(errno.ECONNABORTED, "it left")
        assert list(accepted(Listener(one, gone, two, end))) == [one, two]
        assert not one.getblocking()
    assert said in caplog.text
    assert bool(said) == bool(caplog.records)
