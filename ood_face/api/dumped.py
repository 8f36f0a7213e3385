"""Answers turned into JSON by the thread that made them."""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING, ParamSpec

from fastapi import Response

if TYPE_CHECKING:
    from collections.abc import Callable

    from pydantic import BaseModel

__all__ = ["dumped"]

_Given = ParamSpec("_Given")


def dumped(endpoint: Callable[_Given, BaseModel]) -> Callable[_Given, Response]:
    """Let an endpoint answer with the JSON of the model that it returns.

    Left to FastAPI, the model goes to another thread to be checked once more, and is then turned
    into JSON where all connections are served. The schema still comes from what the endpoint says
    it returns.

    Parameters
    ----------
    endpoint : not async; of a route
    """

    @wraps(endpoint)
    def answer(*args: _Given.args, **kwargs: _Given.kwargs) -> Response:
        content = endpoint(*args, **kwargs).model_dump_json(by_alias=True)
        return Response(content, media_type="application/json")

    return answer
