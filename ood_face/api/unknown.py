"""What is no address of the API."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import Depends, Request
from starlette.exceptions import HTTPException
from starlette.routing import Match, Route

from ood_face.api.auth import require

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fastapi import FastAPI
    from starlette.routing import BaseRoute
    from starlette.types import Receive, Scope, Send

__all__ = ["add_unknown"]

_METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
_BESIDE = ("/healthz", "/readyz", "/metrics", "/openapi.json")


def add_unknown(app: FastAPI) -> None:
    """Answer 404 or 405 to what the routes so far do not answer; call it after all of them.

    A page mounted at ``/`` would else answer for what is not there, in its own form.
    """
    refusal = _Refusal(list(app.router.routes))

    @app.api_route(
        "/v1/{rest:path}",
        methods=_METHODS,
        include_in_schema=False,
        dependencies=[Depends(require(None))],
    )
    async def unknown(request: Request) -> None:
        refusal.refuse(request.scope)

    # of any other method, there are as many as somebody likes to write
    for path in ("/v1/{rest:path}", *_BESIDE):
        app.router.routes.append(Route(path, refusal, include_in_schema=False))


class _Refusal:
    """Answers 405 with what an address answers, 404 where it answers nothing."""

    def __init__(self, routes: Sequence[BaseRoute]) -> None:
        self._routes = routes

    async def __call__(self, scope: Scope, _receive: Receive, _send: Send) -> None:
        """Refuse one request."""
        self.refuse(scope)

    def refuse(self, scope: Scope) -> None:
        """Raise HTTPException."""
        answered = [
            method
            for method in _METHODS
            if any(
                route.matches({**scope, "method": method})[0] is Match.FULL
                for route in self._routes
            )
        ]
        if answered:
            raise HTTPException(405, headers={"Allow": ", ".join(sorted(answered))})
        raise HTTPException(404)
