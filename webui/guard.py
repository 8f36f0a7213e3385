"""What stands before Gradio: who may see the page, only the routes it needs, headers."""

from __future__ import annotations

import base64
import binascii
import logging
import re
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from anyio import to_thread
from fastapi.responses import PlainTextResponse
from starlette.datastructures import Headers, MutableHeaders

from ood_face.errors import BackendError, UnauthenticatedError
from ood_face.messages import error_sentence, negotiate

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from ood_face.api.auth import Access

__all__ = ["PageGuard", "basic_password"]

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
# these see to their callers themselves, or tell nothing that is worth hiding
_API_PREFIX = "/v1/"
_OPEN = ("/healthz", "/readyz", "/openapi.json", "/metrics")
_CHALLENGE = 'Basic realm="ood_face", charset="UTF-8"'

_logger = logging.getLogger(__name__)


class PageGuard:
    """Closes what the page does not use, and adds the page's security headers.

    The headers of the API's own answers are left as they are. Where the API is closed to whoever
    has no key, so is the page: the browser asks for a name, which is ignored, and a password,
    which is an API key of any role.

    Parameters
    ----------
    access : knows the keys; None: the page is open
    """

    def __init__(self, app: ASGIApp, access: Access | None = None) -> None:
        self._app = app
        self._access = access

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            if scope["type"] == "websocket" and self._is_locked(scope["path"]):
                # the page has none
                await send({"type": "websocket.close", "code": 1008})
                return
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        path = scope["path"]
        refusal = await self._ask_for_key(scope) if self._is_locked(path) else None
        if refusal is None and _is_closed(path):
            refusal = PlainTextResponse("not found", status_code=404)
        if refusal is None and path.startswith(_GRADIO_PREFIX) and _is_foreign(scope):
            refusal = PlainTextResponse("requests of other sites are refused", status_code=403)
        await (refusal or self._app)(scope, receive, send_with_headers)

    def _is_locked(self, path: str) -> bool:
        of_api = path.startswith(_API_PREFIX) or path in _OPEN
        return self._access is not None and self._access.closed and not of_api

    async def _ask_for_key(self, scope: Scope) -> PlainTextResponse | None:
        if self._access is None:
            return None
        headers = Headers(scope=scope)
        try:
            await to_thread.run_sync(self._access.authenticate, _required_password(headers))
        except UnauthenticatedError as exc:
            client = scope["client"][0] if scope.get("client") else "?"
            _logger.warning("page refused to %s: %s", client, exc.key)
            sentence = error_sentence(exc, negotiate(headers.get("accept-language")))
            challenge = {"WWW-Authenticate": _CHALLENGE, "Cache-Control": "no-store"}
            return PlainTextResponse(sentence, status_code=401, headers=challenge)
        except BackendError as exc:
            _logger.error("page refused, the keys cannot be read: %s", exc)  # noqa: TRY400
            return PlainTextResponse("not ready", status_code=503)
        return None


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


def basic_password(headers: Headers) -> str | None:
    """Return the password of Basic authentication, "" where it is unreadable; None: none came."""
    scheme, _, encoded = headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        _, _, password = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return ""
    return password


def _required_password(headers: Headers) -> str:
    password = basic_password(headers)
    if password is None:
        raise UnauthenticatedError(
            "access.page_key", "the page needs an API key: any user name, the key as password"
        )
    return password
