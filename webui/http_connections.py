"""Connections that keep pace: who sends or reads too slowly makes room for others."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import h11
from uvicorn.protocols.http.flow_control import CLOSE_HEADER
from uvicorn.protocols.http.h11_impl import H11Protocol

from webui.http_refusals import HEAD_BYTES, LARGE_HEAD, NO_ROOM, SLOW_BODY, SLOW_HEAD, STOPS

if TYPE_CHECKING:
    import asyncio

    from uvicorn.config import Config
    from uvicorn.server import ServerState

    from ood_face.api.metrics import ConnectionMetrics
    from ood_face.config import Settings
    from webui.http_refusals import Refusal

__all__ = ["Pace", "PacedProtocol"]

# of a body: 256 kbit/s, below any line over which pictures are sent
_LEAST_BYTES_PER_S = 32 * 1024
# in which a refused client may read why, before what it still sends resets the connection
_LINGER_S = 1.0
# a stop closes a connection without a request after this: one may be under way
_LAST_CALL_S = 0.5
# Gradio's answer that lasts as long as the page is open
_ENDLESS = "/gradio_api/heartbeat/"


@dataclass(slots=True, eq=False)
class Pace:
    """What all connections of a server share.

    Attributes
    ----------
    settings : the limits
    max_connections : so many at once
    metrics : is told what becomes of connections
    waiting : connections without a request, longest first
    stopping : the server is about to end
    """

    settings: Settings
    max_connections: int
    metrics: ConnectionMetrics | None = None
    waiting: dict[PacedProtocol, None] = field(default_factory=dict)
    stopping: bool = False

    def protocol(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> PacedProtocol:
        """Return what handles one connection; uvicorn calls it for each."""
        return PacedProtocol(self, config, server_state, app_state, _loop)


class PacedProtocol(H11Protocol):
    """One connection, closed when its client is too slow.

    uvicorn has a limit for the pause between two requests only: a head or a body may come, and an
    answer be taken, as slowly as the client likes.

    Parameters
    ----------
    pace : shared with all others
    config, server_state, app_state, _loop : as uvicorn's
    """

    def __init__(
        self,
        pace: Pace,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self.timeout_keep_alive = pace.settings.keep_alive_s  # type: ignore[assignment]
        self._pace = pace
        self._refused = False
        self._timer: asyncio.TimerHandle | None = None  # of the head or the body
        self._answer_timer: asyncio.TimerHandle | None = None
        self._received = 0
        self._body_began_s: float | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take a connection, if there is room or can be made."""
        super().connection_made(transport)
        self._count()
        if len(self.connections) > self._pace.max_connections:
            if not self._pace.waiting:
                self._refuse(NO_ROOM)
                return
            next(iter(self._pace.waiting)).give_way(NO_ROOM)
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Let go of what the connection had."""
        self._stop_waiting()
        if self._answer_timer is not None:
            self._answer_timer.cancel()
        super().connection_lost(exc)
        self._count()

    def data_received(self, data: bytes) -> None:
        """Read on; see whether the request is further than before."""
        if self._refused:
            return
        self._received += len(data)
        super().data_received(data)
        if self.transport.is_closing():
            self._watch_answer()
        self._look()

    def send_400_response(self, msg: str) -> None:
        """Answer what is no HTTP; a head that is too large is told the limit."""
        if self.conn.our_state is h11.IDLE and len(self.conn.trailing_data[0]) > HEAD_BYTES:
            self._refuse(LARGE_HEAD)
        else:
            super().send_400_response(msg)

    def on_response_complete(self) -> None:
        """Wait for the next request."""
        super().on_response_complete()
        if self.transport.is_closing():
            self._watch_answer()
        else:
            self._look()

    def pause_writing(self) -> None:
        """Note that the client does not take its answer as fast as it comes."""
        super().pause_writing()
        self._watch_answer()

    def resume_writing(self) -> None:
        """Note that it took most of it."""
        super().resume_writing()
        if self._answer_timer is not None and not self.transport.is_closing():
            self._answer_timer.cancel()
            self._answer_timer = None

    def timeout_keep_alive_handler(self) -> None:
        """Close a connection that brought no further request."""
        super().timeout_keep_alive_handler()
        self._watch_answer()

    def shutdown(self) -> None:
        """End after the answer under way; without one, soon, as a request may be under way."""
        cycle = self.cycle
        if cycle is None or cycle.response_complete:
            self._stop_waiting()
            self._unset_keepalive_if_required()
            self._timer = self.loop.call_later(_LAST_CALL_S, self.give_way, STOPS)
        elif cycle.scope["path"].startswith(_ENDLESS):
            self._close()
        else:
            cycle.keep_alive = False
            cycle.default_headers = [*cycle.default_headers, CLOSE_HEADER]

    def give_way(self, refusal: Refusal) -> None:
        """Close, as the connection has brought no request; say why if some of one came."""
        begun = self._received > 0
        # at once: the next to ask for room must find another
        self._stop_waiting()
        if self.transport.is_closing():
            return
        if begun:
            self._refuse(refusal)
        else:
            # a client that asks nothing would take an answer for that to its next request
            self._close()

    def _look(self) -> None:
        """Start or stop the clock of head and body, by how far the request is."""
        if self._refused or self.transport.is_closing():
            return
        state, in_body = self.conn.their_state, self._body_began_s is not None
        if state is h11.SEND_BODY:
            if not in_body:
                self._await_body()
        elif state is h11.IDLE:
            if in_body:
                self._stop_waiting()
            if self._timer is None:
                self._await_head()
        else:
            self._stop_waiting()

    def _await_head(self) -> None:
        self._pace.waiting[self] = None
        if self._pace.stopping:
            self._timer = self.loop.call_later(_LAST_CALL_S, self.give_way, STOPS)
        elif self.timeout_keep_alive_task is None:
            limit_s = self._pace.settings.header_timeout_s
            self._timer = self.loop.call_later(limit_s, self.give_way, SLOW_HEAD)
        # else uvicorn's own clock runs, between two requests

    def _await_body(self) -> None:
        self._stop_waiting()
        self._body_began_s = self.loop.time()
        limit_s = self._pace.settings.body_timeout_s
        self._timer = self.loop.call_later(limit_s, self._judge_body)

    def _stop_waiting(self) -> None:
        self._pace.waiting.pop(self, None)
        self._body_began_s, self._received = None, 0
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _judge_body(self) -> None:
        if self.transport.is_closing() or self._body_began_s is None:
            return
        limit_s = self._pace.settings.body_timeout_s
        due_s = self._body_began_s + limit_s + self._received / _LEAST_BYTES_PER_S
        left_s = due_s - self.loop.time()
        if self.flow.read_paused:
            # it is us who do not read
            left_s = limit_s
        if left_s <= 0:
            self._refuse(SLOW_BODY)
        else:
            self._timer = self.loop.call_later(left_s, self._judge_body)

    def _refuse(self, refusal: Refusal) -> None:
        """Say why, unless an answer has begun, and close."""
        self._stop_waiting()
        self._unset_keepalive_if_required()
        self._refused = True
        if self._pace.metrics is not None:
            self._pace.metrics.refused(refusal.reason)
        if self.cycle is not None and not self.cycle.response_complete:
            begun = self.cycle.response_started
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        else:
            begun = self.cycle is not None and self.conn.our_state is not h11.IDLE
        if begun:
            self._close()
            return
        self.transport.write(refusal.encoded())
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self._timer = self.loop.call_later(_LINGER_S, self.transport.abort)

    def _count(self) -> None:
        if self._pace.metrics is not None:
            self._pace.metrics.opened(len(self.connections))

    def _close(self) -> None:
        self.transport.close()
        self._watch_answer()

    def _watch_answer(self) -> None:
        # also of a connection that is closing: it does so when its client has taken everything
        if self._answer_timer is None:
            self._answer_timer = self.loop.call_later(
                self._pace.settings.answer_timeout_s, self.transport.abort
            )
