"""What the parts of the tab Search share: controls whose HTML has buttons and forms of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import gradio as gr

from ood_face.errors import OodFaceError
from ood_face.types import Role
from webui.visitor import visitor

if TYPE_CHECKING:
    from webui.served import PageServed

__all__ = ["MANY_AT_ONCE", "acts", "asked", "live", "may_admin", "session_of"]

# slices follow each other closely; none may be left out
MANY_AT_ONCE = "multiple"
_MOUNT = """
(function mount() {
  if (window.oodFace && window.oodFace.mountActs) window.oodFace.mountActs(element, trigger, watch);
  else setTimeout(mount, 10);
})();
"""
_LIVE = '<div role="status" aria-live="polite">${value}</div>'


def acts(elem_id: str, value: str) -> gr.HTML:
    """Return a control that triggers ``submit`` when something in it with ``data-act`` is used.

    The event brings the element's data (``data-act="open" data-id="7"``), of a form what its
    fields hold as well, of a selection its ``value``; see :func:`asked`.
    """
    return gr.HTML(
        value,
        js_on_load=_MOUNT,
        apply_default_css=False,
        elem_id=elem_id,
    )


def live(elem_id: str, value: str) -> gr.HTML:
    """Return a control whose changes are read aloud."""
    return gr.HTML(value, html_template=_LIVE, apply_default_css=False, elem_id=elem_id)


def asked(event: gr.EventData) -> dict[str, str]:
    """Return what an event of :func:`acts` brought; texts only."""
    data = event._data
    if not isinstance(data, dict):
        return {}
    return {key: value for key, value in data.items() if isinstance(value, str)}


def session_of(request: gr.Request) -> str:
    """Return what stands for the visitor's page while it is open."""
    return str(request.session_hash)


def may_admin(request: gr.Request, served: PageServed) -> bool:
    """Whether the visitor may do everything."""
    try:
        visitor(request, served.access, Role.ADMIN)
    except OodFaceError:
        return False
    return True
