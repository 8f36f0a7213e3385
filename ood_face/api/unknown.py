"""What is no address of the API."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import Depends, Request
from starlette.exceptions import HTTPException
from starlette.routing import Match

from ood_face.api.auth import require

if TYPE_CHECKING:
    from fastapi import FastAPI

__all__ = ["add_unknown"]

_METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]


def add_unknown(app: FastAPI) -> None:
    """Answer 404 or 405 to what the routes so far do not answer; call it after all of them.

    A page mounted at ``/`` would else answer for what is not there, in its own form.
    """
    routes = list(app.router.routes)

    @app.api_route(
        "/v1/{rest:path}",
        methods=_METHODS,
        include_in_schema=False,
        dependencies=[Depends(require(None))],
    )
    async def unknown(request: Request) -> None:
        answered = [
            method
            for method in _METHODS
            if any(
                route.matches({**request.scope, "method": method})[0] is Match.FULL
                for route in routes
            )
        ]
        if answered:
            raise HTTPException(405, headers={"Allow": ", ".join(sorted(answered))})
        raise HTTPException(404)
