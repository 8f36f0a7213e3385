"""What every request passes: an id, a log line, headers, a limit on its body."""

from __future__ import annotations

import logging
import re
import time
import uuid
from http import HTTPStatus
from typing import TYPE_CHECKING

from fastapi import Request
from starlette.datastructures import Headers, MutableHeaders

from ood_face.api.errors import BodyTooLargeError, answer_error

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["BodyLimit", "RequestLog"]

_logger = logging.getLogger(__name__)
_SANE_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_BATCH = re.compile(r"/v1/galleries/[^/:]+/subjects:batch")
# what monitors ask every few seconds; only a bad answer is worth a line
_PROBES = ("/healthz", "/readyz", "/metrics")
_API_PATHS = ("/v1/", "/healthz", "/readyz", "/openapi.json", "/metrics")
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "SAMEORIGIN",
    "Referrer-Policy": "no-referrer",
}
# answers hold features, and no answer of the API is a page
_API_HEADERS = {"Cache-Control": "no-store", "Content-Security-Policy": "default-src 'none'"}


class RequestLog:
    """Gives each request an id, puts headers on the answer, and logs a line when it is done.

    The line holds id, method, route, status and milliseconds; never pictures, features, names
    or the raw address, which a caller could fill with anything. Good answers to monitors are
    logged at level DEBUG.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        given = Headers(scope=scope).get("x-request-id", "")
        request_id = given if _SANE_ID.fullmatch(given) else uuid.uuid4().hex
        scope.setdefault("state", {})["request_id"] = request_id
        of_api = scope["path"].startswith(_API_PATHS)
        status = 500  # what the server answers if nobody below does

        async def send_with_headers(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                headers["X-Request-ID"] = request_id
                for name, value in {**_HEADERS, **(_API_HEADERS if of_api else {})}.items():
                    headers.setdefault(name, value)
            await send(message)

        start = time.perf_counter()
        try:
            await self._app(scope, receive, send_with_headers)
        finally:
            if of_api:
                ms = 1000 * (time.perf_counter() - start)
                route = getattr(scope.get("route"), "path_format", "-")
                fields = {
                    "request_id": request_id,
                    "method": scope["method"],
                    "route": route,
                    "status": status,
                    "ms": round(ms, 1),
                }
                good_probe = route in _PROBES and status < HTTPStatus.BAD_REQUEST
                level = logging.DEBUG if good_probe else logging.INFO
                _logger.log(level, "%s %s %s %d %.1f ms", *fields.values(), extra=fields)


class BodyLimit:
    """Answers 413 to a body over the limit, before it is read or while it is.

    Parameters
    ----------
    limit_bytes : the largest body that is let through
    batch_limit_bytes : the largest where many subjects are enrolled at once
    """

    def __init__(self, app: ASGIApp, limit_bytes: int, batch_limit_bytes: int) -> None:
        self._app = app
        self._limit_bytes = limit_bytes
        self._batch_limit_bytes = batch_limit_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        batch = _BATCH.fullmatch(scope["path"]) is not None
        limit_bytes = self._batch_limit_bytes if batch else self._limit_bytes
        declared = Headers(scope=scope).get("content-length", "")
        if declared.isdecimal() and int(declared) > limit_bytes:
            await answer_error(Request(scope), _too_large(limit_bytes))(scope, receive, send)
            return
        received = 0

        async def receive_counted() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > limit_bytes:
                raise _too_large(limit_bytes)
            return message

        await self._app(scope, receive_counted, send)


def _too_large(limit_bytes: int) -> BodyTooLargeError:
    return BodyTooLargeError(
        "request.too_large",
        "the request body exceeds the limit of {limit} bytes",
        limit=limit_bytes,
    )
