"""Who sends an event of the page, and whether that visitor may do it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.datastructures import Headers

from ood_face.types import Caller
from webui.guard import basic_password

if TYPE_CHECKING:
    import gradio as gr

    from ood_face.api.auth import Access
    from ood_face.types import Role

__all__ = ["visitor"]

_OPEN_NAME = "page"


def visitor(request: gr.Request, access: Access | None, role: Role | None) -> Caller:
    """Return who sent an event, if that visitor may do what it asks for.

    Parameters
    ----------
    request : of the event; Gradio passes it to a handler that has a parameter of this type
    access : knows the keys; None: everyone may do everything
    role : what the visitor's key must have; None: any key will do

    Raises
    ------
    AccessError
        A key is needed and was not given, does not count, lacks the role, or has used up its
        requests.
    StorageError
        The keys cannot be read.
    """
    if access is None:
        return Caller(_OPEN_NAME)
    headers = Headers(raw=request.headers.raw)
    return Caller(access.admit(basic_password(headers), role, headers))
