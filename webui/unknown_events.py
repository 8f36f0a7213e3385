"""Events that the page does not have are refused as such; Gradio would fail at them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

import gradio as gr
from fastapi.exceptions import HTTPException
from fastapi.responses import JSONResponse
from gradio.route_utils import FnIndexInferError
from starlette.routing import Mount

if TYPE_CHECKING:
    from fastapi import FastAPI, Request
    from gradio.blocks import BlockFunction

__all__ = ["refuse_unknown_events"]


class _Events(dict[int, "BlockFunction"]):
    """The page's events by number; Gradio copies and asks it as the dict it is."""

    def __missing__(self, number: int) -> NoReturn:
        raise HTTPException(404, "the page has no such event")


def refuse_unknown_events(app: FastAPI) -> None:
    """Let an event without a number, or with one that the page does not have, be answered 404.

    A body that is no text is answered 400.

    Parameters
    ----------
    app : a page is mounted in it
    """
    for route in app.routes:
        if isinstance(route, Mount) and isinstance(route.app, gr.routes.App):
            events = route.app.get_blocks().default_config
            events.fns = _Events(events.fns)
            route.app.add_exception_handler(FnIndexInferError, _unknown)
            route.app.add_exception_handler(UnicodeDecodeError, _unreadable)


def _unknown(_request: Request, _error: Exception) -> JSONResponse:
    return JSONResponse({"detail": "the page has no such event"}, status_code=404)


def _unreadable(_request: Request, _error: Exception) -> JSONResponse:
    return JSONResponse({"detail": "the body is not UTF-8"}, status_code=400)
