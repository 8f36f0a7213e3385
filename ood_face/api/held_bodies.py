"""A bound on the bytes that requests hold while they wait and are worked on."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from fastapi import Request

from ood_face.api.errors import answer_error
from ood_face.errors import BusyError

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["HeldBodies"]

# has a limit of its own on how many there are at once
_BATCH = re.compile(r"/v1/galleries/[^/:]+/subjects:batch")


class HeldBodies:
    """Answers 503 to a body that would take more memory than all of them may.

    A body counts as it arrives, so that whoever only announces a large one takes nothing from
    others, and until its request is answered.

    Parameters
    ----------
    limit_bytes : of all bodies together
    """

    def __init__(self, app: ASGIApp, limit_bytes: int) -> None:
        self._app = app
        self._limit_bytes = limit_bytes
        # on the event loop, one after the other: no lock is needed
        self._held_bytes = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http" or _BATCH.fullmatch(scope["path"]) is not None:
            await self._app(scope, receive, send)
            return
        own_bytes = 0
        refusal: BusyError | None = None

        async def receive_counted() -> Message:
            nonlocal own_bytes, refusal
            message = await receive()
            size = len(message.get("body", b""))
            if self._held_bytes + size > self._limit_bytes:
                refusal = _too_many(self._limit_bytes)
                raise refusal
            own_bytes += size
            self._held_bytes += size
            return message

        async def send_unless_refused(message: Message) -> None:
            # what the page's framework makes of the error is not what it is
            if refusal is None:
                await send(message)
            elif message["type"] == "http.response.start":
                await answer_error(Request(scope), refusal)(scope, receive, send)

        try:
            await self._app(scope, receive_counted, send_unless_refused)
        finally:
            self._held_bytes -= own_bytes


def _too_many(limit_bytes: int) -> BusyError:
    return BusyError(
        "busy.bodies",
        "requests that are being answered hold {limit} bytes already; try again later",
        limit=limit_bytes,
    )
