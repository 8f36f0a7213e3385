"""Who sends an event of the page, and whether that visitor may do it."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from starlette.datastructures import Headers

from ood_face.errors import AccessError
from ood_face.types import Caller
from webui.guard import SIGNED_IN, basic_password, spoke_tls

if TYPE_CHECKING:
    import gradio as gr

    from ood_face.access import ApiKey
    from ood_face.api.auth import Access
    from ood_face.types import Role

__all__ = ["address_of", "counted", "may", "owner_of", "session_of", "signed_in", "visitor"]

_OPEN_NAME = "page"
_LONGEST_HOST = 260


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
    key = signed_in(request)
    if key is not None:
        return Caller(access.admit_again(key.id, role))
    headers = Headers(raw=request.headers.raw)
    client = request.client
    address = "?" if client is None else client.host
    return Caller(access.admit(basic_password(headers), role, headers, address))


def may(request: gr.Request, access: Access | None, role: Role) -> bool:
    """Whether the visitor has a role; what stands in the way is told when it is needed."""
    try:
        visitor(request, access, role)
    except AccessError:
        return False
    return True


def session_of(request: gr.Request) -> str:
    """Return what stands for the visitor's page while it is open."""
    return str(request.session_hash)


def counted(request: gr.Request, access: Access | None) -> None:
    """Count an event that everybody who sees the page may send, as the API counts its requests.

    Raises
    ------
    AccessError
        The visitor's key does not count any more, or has used up its requests.
    StorageError
        The keys cannot be read.
    """
    shown = basic_password(Headers(raw=request.headers.raw)) is not None
    if signed_in(request) is not None or shown:
        visitor(request, access, None)


def signed_in(request: gr.Request) -> ApiKey | None:
    """Return the key that the visitor's browser signed in with; None: it did not."""
    state = getattr(request.request, "state", None)
    key: ApiKey | None = getattr(state, SIGNED_IN, None)
    return key


def owner_of(request: gr.Request) -> str:
    """Return what tells the visitors of different keys apart; empty: no key was shown."""
    key = signed_in(request)
    if key is not None:
        return key.id
    password = basic_password(Headers(raw=request.headers.raw))
    return "" if password is None else hashlib.sha256(password.encode()).hexdigest()


def address_of(request: gr.Request) -> str:
    """Return this server's address as the visitor's browser knows it, without a slash at its end.

    Parameters
    ----------
    request : of the event; a proxy on this machine says whether it speaks TLS to the browser
    """
    headers = Headers(raw=request.headers.raw)
    scheme = "https" if spoke_tls(request.request.scope) else "http"
    return f"{scheme}://{headers.get('host', '')[:_LONGEST_HOST]}"
