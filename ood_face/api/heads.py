"""Limits on a request's head: its address, how many parameters that has, and its headers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import Request

from ood_face.api.errors import (
    AddressTooLongError,
    HeadersTooLargeError,
    RequestFormError,
    answer_error,
)

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

__all__ = ["MAX_ADDRESS_BYTES", "MAX_HEADERS", "MAX_HEADER_BYTES", "MAX_PARAMETERS", "HeadLimit"]

# the longest address of ours, two names of which every character takes nine bytes, has 2 KiB
MAX_ADDRESS_BYTES = 8 * 1024
# no address of ours takes more than seven
MAX_PARAMETERS = 32
# browsers send about 20; the bytes are those of h11 and of nginx's two largest buffers
MAX_HEADERS = 100
MAX_HEADER_BYTES = 16 * 1024


class HeadLimit:
    """Answers 414, 422 or 431 to a request whose head exceeds a limit, before it is looked at.

    How much of a head is read at all is for the server before it to say.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        refused = _refusal(scope) if scope["type"] == "http" else None
        if refused is None:
            await self._app(scope, receive, send)
        else:
            await answer_error(Request(scope), refused)(scope, receive, send)


def _refusal(scope: Scope) -> RequestFormError | None:
    query: bytes = scope["query_string"]
    if len(scope.get("raw_path") or scope["path"]) + 1 + len(query) > MAX_ADDRESS_BYTES:
        return AddressTooLongError(
            "request.long_address",
            "the address exceeds the limit of {limit} bytes",
            limit=MAX_ADDRESS_BYTES,
        )
    if query.count(b"&") >= MAX_PARAMETERS:
        return RequestFormError(
            "request.many_parameters",
            "the address has more than {limit} parameters",
            limit=MAX_PARAMETERS,
        )
    headers: list[tuple[bytes, bytes]] = scope["headers"]
    if len(headers) > MAX_HEADERS:
        return HeadersTooLargeError(
            "request.many_headers",
            "the request has {got} headers, and the limit is {limit}",
            got=len(headers),
            limit=MAX_HEADERS,
        )
    # as they came: name, colon, space, value, line end
    if sum(len(name) + len(value) + 4 for name, value in headers) > MAX_HEADER_BYTES:
        return HeadersTooLargeError(
            "request.large_headers",
            "the headers exceed the limit of {limit} bytes together",
            limit=MAX_HEADER_BYTES,
        )
    return None
