"""What stands before the page's events: JSON is bounded before Gradio parses it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from anyio import to_thread
from starlette.requests import Request

from ood_face.api.errors import answer_error
from ood_face.api.values import check_json
from ood_face.errors import OodFaceError

if TYPE_CHECKING:
    import gradio as gr
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["EventGate", "mark_refused"]

_EVENTS = "/gradio_api/"
# name in a request's state
_REFUSED = "event_refused"


class EventGate:
    """Refuses an event with more JSON than the API takes; one that the page refuses it answers 422.

    Gradio makes objects of any JSON that fits into a body, of three bytes a hundred; and whatever
    an event ends with, a refusal or a defect, it answers 500.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if (
            scope["type"] != "http"
            or scope["method"] != "POST"
            or not scope["path"].startswith(_EVENTS)
        ):
            await self._app(scope, receive, send)
            return
        try:
            body = await _whole(receive)
            if body is None:
                return
            await to_thread.run_sync(check_json, body)
        except OodFaceError as exc:
            await answer_error(Request(scope), exc)(scope, receive, send)
            return
        coming: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]
        del body
        state = scope.setdefault("state", {})

        async def receive_again() -> Message:
            return coming.pop() if coming else await receive()

        async def send_status(message: Message) -> None:
            if message["type"] == "http.response.start" and state.get(_REFUSED):
                message = {**message, "status": 422}
            await send(message)

        await self._app(scope, receive_again, send_status)


def mark_refused(request: gr.Request | None) -> None:
    """Have the event that is under way answered 422, not 500."""
    if request is not None:
        setattr(request.request.state, _REFUSED, True)


async def _whole(receive: Receive) -> bytes | None:
    # None: whoever sent it has left
    parts = []
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        parts.append(message.get("body", b""))
        if not message.get("more_body", False):
            return b"".join(parts)
