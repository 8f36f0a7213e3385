"""What stands before Gradio: who may see the page, only the routes it needs, headers."""

from __future__ import annotations

import base64
import binascii
import logging
import math
import re
from typing import TYPE_CHECKING

from anyio import to_thread
from fastapi.responses import PlainTextResponse, RedirectResponse
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request

from ood_face.errors import (
    AccessError,
    BackendError,
    ForbiddenError,
    RateLimitError,
    UnauthenticatedError,
)
from ood_face.messages import error_sentence, negotiate
from webui.signin import SIGN_IN, SIGN_OUT, STYLES, SignIn, is_foreign

if TYPE_CHECKING:
    from starlette.responses import Response
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from ood_face.api.auth import Access

__all__ = ["SIGNED_IN", "PageGuard", "basic_password", "spoke_tls"]

# name in a request's state of the key that its browser signed in with
SIGNED_IN = "page_key"

# Gradio also has routes that store uploads, serve files, fetch addresses, list events and show
# statistics. The page needs none of them: its pictures travel inside the events.
_GRADIO_PREFIX = "/gradio_api/"
_GRADIO_NEEDED = re.compile(r"run/predict|startup-events|heartbeat/[A-Za-z0-9_-]{1,128}")
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
    # as the API's; what is refused here does not come by it
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "SAMEORIGIN",
}
# these see to their callers themselves, or tell nothing that is worth hiding
_API_PREFIX = "/v1/"
_OPEN = ("/healthz", "/readyz", "/openapi.json", "/metrics")
# Gradio would take its own address from these, and write it into the page
_UNTRUSTED = frozenset({b"x-forwarded-host", b"x-direct-url", b"x-gradio-server"})
_CHALLENGE = 'Basic realm="ood_face", charset="UTF-8"'

_logger = logging.getLogger(__name__)


class PageGuard:
    """Closes what the page does not use, and adds the page's security headers.

    The headers of the API's own answers are left as they are. Where the API is closed to whoever
    has no key, so is the page: a browser is led to where one signs in, and a program may send
    the key as the password of Basic authentication, with any name. Otherwise the page is for this
    machine's own browsers alone, by a name that no other site can have.

    Parameters
    ----------
    access : knows the keys; None: the page is open
    signin : begins and ends sessions; None: nobody can sign in
    """

    def __init__(
        self, app: ASGIApp, access: Access | None = None, signin: SignIn | None = None
    ) -> None:
        self._app = app
        self._access = access
        self._signin = signin

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
        if _is_of_api(path):
            await self._app(scope, receive, send_with_headers)
            return
        answer = await self._meet(scope, receive)
        if answer is None and _is_closed(path):
            answer = PlainTextResponse("not found", status_code=404)
        if answer is None and path.startswith(_GRADIO_PREFIX) and is_foreign(scope):
            answer = PlainTextResponse("requests of other sites are refused", status_code=403)
        if answer is None:
            scope = {**scope, "headers": _trusted(scope["headers"])}
        await (answer or self._app)(scope, receive, send_with_headers)

    def _is_locked(self, path: str) -> bool:
        return self._access is not None and self._access.closed and not _is_of_api(path)

    async def _meet(self, scope: Scope, receive: Receive) -> Response | None:
        """Return what to say to who comes; None: welcome."""
        if self._access is None:
            return None
        try:
            if not self._access.closed:
                _check_local(self._access, scope)
            if self._signin is not None and scope["path"] in (SIGN_IN, SIGN_OUT):
                return await self._signin.answer(Request(scope, receive))
            if await self._is_signed_in(scope) or not self._access.closed:
                return None
            return await self._ask_for_key(scope)
        except (ForbiddenError, RateLimitError) as exc:
            return _refused(exc, scope)
        except BackendError as exc:
            _logger.error("page refused, the keys cannot be read: %s", exc)  # noqa: TRY400
            return PlainTextResponse("not ready", status_code=503)

    async def _is_signed_in(self, scope: Scope) -> bool:
        if self._signin is None:
            return False
        key = await to_thread.run_sync(self._signin.signed_in, scope)
        if key is not None:
            scope.setdefault("state", {})[SIGNED_IN] = key
        return key is not None

    async def _ask_for_key(self, scope: Scope) -> Response | None:
        headers = Headers(scope=scope)
        if scope["path"] == STYLES:
            return None
        try:
            password = _required_password(headers)
            if self._access is not None:
                address = scope["client"][0] if scope.get("client") else "?"
                await to_thread.run_sync(self._access.authenticate, password, address)
        except UnauthenticatedError as exc:
            if _is_visit(scope, headers) and self._signin is not None:
                relative = "../" * (scope["path"].count("/") - 1)
                return RedirectResponse(f"{relative or './'}{SIGN_IN[1:]}", status_code=303)
            _log_refusal(scope, exc.key)
            challenge = {"Cache-Control": "no-store"}
            if "sec-fetch-mode" not in headers:
                # a browser would ask for name and password over the page
                challenge["WWW-Authenticate"] = _CHALLENGE
            return PlainTextResponse(_sentence(exc, scope), status_code=401, headers=challenge)
        return None


def _check_local(access: Access, scope: Scope) -> None:
    try:
        access.check_local(Headers(scope=scope))
    except ForbiddenError as exc:
        _log_refusal(scope, exc.key)
        raise ForbiddenError(
            "access.page_local",
            "this page is for browsers on the same machine, at http://localhost or "
            "http://127.0.0.1; to open it to others set OOD_FACE_API_KEYS=required, and they "
            "sign in with an API key",
        ) from exc


def _is_of_api(path: str) -> bool:
    return path.startswith(_API_PREFIX) or path in _OPEN


def _is_closed(path: str) -> bool:
    if path.startswith(_GRADIO_PREFIX):
        return _GRADIO_NEEDED.fullmatch(path.removeprefix(_GRADIO_PREFIX)) is None
    return path.startswith(_CLOSED)


def _trusted(headers: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    return [(name, value) for name, value in headers if name not in _UNTRUSTED]


def _is_visit(scope: Scope, headers: Headers) -> bool:
    return (
        scope["method"] == "GET"
        and "authorization" not in headers
        and "text/html" in headers.get("accept", "")
    )


def spoke_tls(scope: Scope) -> bool:
    """Return whether the browser spoke TLS, to us or to a proxy on this machine that says so."""
    return bool(scope.get("scheme") == "https")


def _refused(error: ForbiddenError | RateLimitError, scope: Scope) -> Response:
    wait_s = error.values.get("retry_after_s")
    if not isinstance(wait_s, float):
        return PlainTextResponse(_sentence(error, scope), status_code=403)
    headers = {"Retry-After": str(math.ceil(wait_s))}
    return PlainTextResponse(_sentence(error, scope), status_code=429, headers=headers)


def _sentence(error: AccessError, scope: Scope) -> str:
    return error_sentence(error, negotiate(Headers(scope=scope).get("accept-language")))


def _log_refusal(scope: Scope, key: str) -> None:
    client = scope["client"][0] if scope.get("client") else "?"
    _logger.warning("page refused to %s: %s", client, key)


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
