"""The HTTP server: ends without losing a request that it has taken."""

from __future__ import annotations

import asyncio
import logging
import resource
import signal
from contextlib import contextmanager
from typing import TYPE_CHECKING, cast

import uvicorn
from starlette.responses import PlainTextResponse
from uvicorn.protocols.http.flow_control import CLOSE_HEADER

from webui.http_connections import Pace
from webui.http_refusals import HEAD_BYTES

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterator
    from types import FrameType

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from ood_face.api.metrics import ConnectionMetrics
    from ood_face.config import Settings

__all__ = ["StoppableServer", "accepted", "raised_limit"]

# descriptors for files, databases and what is refused
_SPARE_FILES = 256
_WANTED_FILES = 65536

_logger = logging.getLogger(__name__)


class StoppableServer(uvicorn.Server):
    """Serves until SIGTERM or SIGINT; the second one ends the process at once.

    On the first, nobody new is let in, every connection that was is answered, and requests that
    are not done in time are answered 503.

    Parameters
    ----------
    app : what answers
    settings : the limits
    metrics : is told what becomes of connections
    """

    def __init__(
        self, app: ASGIApp, settings: Settings, metrics: ConnectionMetrics | None = None
    ) -> None:
        limit = _raise_file_limit(settings.max_connections)
        if limit < settings.max_connections:
            _logger.warning("%d connections at most: the limit on open files allows no more", limit)
        self._pace = Pace(settings, limit, metrics)
        config = uvicorn.Config(
            _answered(app),
            # a factory serves as well as a class
            http=cast("type[asyncio.Protocol]", self._pace.protocol),
            # read as much more than the API lets pass as it can be told what the limit is
            h11_max_incomplete_event_size=HEAD_BYTES,
            # the page and the API have none
            ws="none",
            log_config=None,
            access_log=False,
            server_header=False,
            # else uvicorn would look into the environment itself
            forwarded_allow_ips=settings.trusted_proxies,
        )
        # a float does as well as the int that is declared
        config.timeout_graceful_shutdown = cast("int", settings.stop_timeout_s)
        super().__init__(config)

    def install_signals(self) -> None:
        """From now on SIGTERM and SIGINT stop the server, also one that has not begun."""
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self.handle_exit)

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the signals as they are; uvicorn would raise them again at the end."""
        yield

    def handle_exit(self, sig: int, _frame: FrameType | None) -> None:
        """Stop in order, or at once if that is asked for already."""
        if self.should_exit:
            signal.signal(sig, signal.SIG_DFL)
            signal.raise_signal(sig)
        self.should_exit = True

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Let nobody in any more, and end when those who are in have their answers."""
        self._pace.stopping = True
        headers = self.server_state.default_headers
        self.server_state.default_headers = [*headers, CLOSE_HEADER]
        # those that the system has let in, and asyncio has not seen yet
        late = [one for listener in sockets or () for one in accepted(listener)]
        for server in self.servers:
            server.close()
        loop = asyncio.get_running_loop()
        for one in late:
            await loop.connect_accepted_socket(self._protocol, one)
        await super().shutdown(sockets)

    def _protocol(self) -> asyncio.Protocol:
        return self._pace.protocol(self.config, self.server_state, self.lifespan.state)


def accepted(listener: socket.socket) -> Iterator[socket.socket]:
    """Yield the connections that wait on a listener; ends when none does, or none can be taken."""
    while True:
        try:
            connection, _ = listener.accept()
        except ConnectionAbortedError:
            continue
        except OSError as exc:
            if not isinstance(exc, BlockingIOError):
                # without a descriptor for them, who is in must have an answer all the same
                _logger.warning("connections that wait are not answered: %s", exc.strerror)
            return
        connection.setblocking(False)
        yield connection


def _answered(app: ASGIApp) -> ASGIApp:
    """Return the application, with 503 for what is cut short by the end of the server."""

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        started = False

        async def send_noted(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await app(scope, receive, send_noted)
        except asyncio.CancelledError:
            if scope["type"] != "http" or started:
                raise
            stopped = PlainTextResponse(
                "the server stops", status_code=503, headers={"Retry-After": "1"}
            )
            await stopped(scope, receive, send)

    return answer


def raised_limit(soft: int, hard: int, max_connections: int) -> tuple[int, int]:
    """Return the limit on open files to set, and how many connections that allows.

    Parameters
    ----------
    soft, hard : the limits there are, as of ``getrlimit``
    max_connections : wanted
    """
    if soft == resource.RLIM_INFINITY:
        return soft, max_connections
    most = _WANTED_FILES if hard == resource.RLIM_INFINITY else min(hard, _WANTED_FILES)
    raised = max(soft, most)
    return raised, max(min(max_connections, raised - _SPARE_FILES), 1)


def _raise_file_limit(max_connections: int) -> int:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    raised, connections = raised_limit(soft, hard, max_connections)
    if raised != soft:
        resource.setrlimit(resource.RLIMIT_NOFILE, (raised, hard))
    return connections
