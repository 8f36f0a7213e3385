"""Notices callers who leave before their answer, so that nobody waits or works for them."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from ood_face.ports.departure import CALLER, Departure

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["Departures"]


class Departures:
    """Watches each connection from the end of the body to that of the answer.

    Who works for the caller finds out by :data:`ood_face.ports.departure.CALLER`.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        watch = _Watch(receive)

        async def send_watched(message: Message) -> None:
            if message["type"] == "http.response.body" and not message.get("more_body", False):
                # the server says of everyone who has the whole answer that they left
                watch.end()
            await send(message)

        token = CALLER.set(watch.departure)
        try:
            await self._app(scope, watch.receive, send_watched)
        finally:
            CALLER.reset(token)
            watch.end()


class _Watch:
    """Stands between the server and who receives the body."""

    def __init__(self, receive: Receive) -> None:
        self.departure = Departure()
        self._receive = receive
        self._watcher: asyncio.Task[None] | None = None
        self._over = asyncio.Event()

    async def receive(self) -> Message:
        if self._watcher is not None:
            # the body has been received: what may still come is the end
            await self._over.wait()
            return {"type": "http.disconnect"}
        message = await self._receive()
        if message["type"] == "http.disconnect":
            self.departure.leave()
        elif not message.get("more_body", False):
            self._watcher = asyncio.create_task(self._watch())
        return message

    def end(self) -> None:
        if self._watcher is not None:
            self._watcher.cancel()
            self._over.set()

    async def _watch(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self.departure.leave()
        self._over.set()
