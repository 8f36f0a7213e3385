"""What stands before Gradio: only the routes the page needs, no other site's requests, headers."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from fastapi.responses import PlainTextResponse
from starlette.datastructures import Headers, MutableHeaders

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["PageGuard"]

# Gradio also has routes that store uploads, serve files, fetch addresses, list events and show
# statistics. The page needs none of them: its pictures travel inside the events.
_GRADIO_PREFIX = "/gradio_api/"
_GRADIO_NEEDED = re.compile(r"run/predict|startup-events|heartbeat/[\w-]+")
_CLOSED = ("/monitoring", "/login", "/logout", "/config", "/custom_component", "/svelte")
# Gradio runs templates and inline scripts, hence 'unsafe-*'; nothing comes from or goes to
# another host
_PAGE_POLICY = "; ".join(
    (
        "default-src 'self'",
        "script-src 'self' 'unsafe-inline' 'unsafe-eval'",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data: blob:",
        "media-src 'self' blob:",
        "font-src 'self' data:",
        "object-src 'none'",
        "base-uri 'self'",
        "form-action 'self'",
        "frame-ancestors 'self'",
    )
)
_HEADERS = {
    "Content-Security-Policy": _PAGE_POLICY,
    "Permissions-Policy": "camera=(self), microphone=(), geolocation=()",
    "Cross-Origin-Opener-Policy": "same-origin",
}
_SAFE_METHODS = ("GET", "HEAD", "OPTIONS")


class PageGuard:
    """Closes what the page does not use, and adds the page's security headers.

    The headers of the API's own answers are left as they are.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        path = scope["path"]
        if _is_closed(path):
            refusal = PlainTextResponse("not found", status_code=404)
            await refusal(scope, receive, send_with_headers)
        elif path.startswith(_GRADIO_PREFIX) and _is_foreign(scope):
            refusal = PlainTextResponse("requests of other sites are refused", status_code=403)
            await refusal(scope, receive, send_with_headers)
        else:
            await self._app(scope, receive, send_with_headers)


def _is_closed(path: str) -> bool:
    if path.startswith(_GRADIO_PREFIX):
        return _GRADIO_NEEDED.fullmatch(path.removeprefix(_GRADIO_PREFIX)) is None
    return path.startswith(_CLOSED)


def _is_foreign(scope: Scope) -> bool:
    # a page of another site may send requests to this one, but must say where it comes from
    headers = Headers(scope=scope)
    origin = headers.get("origin")
    if scope["method"] in _SAFE_METHODS or origin is None:
        return False
    return urlsplit(origin).netloc != headers.get("host")
