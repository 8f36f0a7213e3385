"""What the parts of the tab Search share: controls whose HTML has buttons and forms of its own."""

from __future__ import annotations

import gradio as gr

__all__ = ["MANY_AT_ONCE", "acts", "asked"]

# slices follow each other closely; none may be left out
MANY_AT_ONCE = "multiple"
_MOUNT = """
(function mount() {
  if (window.oodFace && window.oodFace.mountActs) window.oodFace.mountActs(element, trigger, watch);
  else setTimeout(mount, 10);
})();
"""


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


def asked(event: gr.EventData) -> dict[str, str]:
    """Return what an event of :func:`acts` brought; texts only."""
    data = event._data
    if not isinstance(data, dict):
        return {}
    return {key: value for key, value in data.items() if isinstance(value, str)}
