"""The control that sends many pictures, and the server's side of it."""

from __future__ import annotations

import json
import secrets
from typing import TYPE_CHECKING, Any

import gradio as gr

from ood_face.errors import OodFaceError
from webui.bundle import MAX_BUNDLE_FILES
from webui.markup import tag
from webui.views.parts import error_text

if TYPE_CHECKING:
    from ood_face.config import Settings
    from webui.bundles import Bundles, Received
    from webui.catalogue import Texts

__all__ = [
    "bundle_picker",
    "bundle_strings",
    "drop_bundle",
    "emptied_picker",
    "refused_slice",
    "take_slice",
]

_MOUNT = """
(function mount() {
  if (window.oodFace && window.oodFace.mountCollector)
    window.oodFace.mountCollector(element, props, trigger, watch);
  else setTimeout(mount, 10);
})();
"""
_STRINGS = (
    "drop", "limits", "folder", "files", "sending", "sent", "cancel", "remove", "nothing",
    "too_many", "too_large", "unreadable",
)  # fmt: skip


def bundle_picker(slot: str, title: str, settings: Settings, words: Texts) -> gr.HTML:
    """Return a control that takes a folder, a zip, or many files.

    It triggers ``submit`` with each slice, to be handed to :func:`take_slice`, and ``clear`` where
    the visitor does not want the pictures after all, to be handed to :func:`drop_bundle`; both as
    ``gr.EventData``. Bind both with ``trigger_mode="multiple"``.

    Parameters
    ----------
    slot : unique on the page
    title : key of the sentence above it
    settings : how much it takes
    words : the first language
    """
    options = {"max_files": MAX_BUNDLE_FILES, "max_bytes": settings.max_batch_bytes}
    return gr.HTML(
        value=[],
        html_template=tag("div", class_="collector", data_options=json.dumps(options)),
        js_on_load=_MOUNT,
        apply_default_css=False,
        elem_id=f"collector-{slot}",
        elem_classes="picker-holder",
        answer={},
        strings=bundle_strings(title, words),
    )


def bundle_strings(title: str, words: Texts) -> dict[str, str]:
    """Return the sentences of the control; places such as ``{count}`` are filled by its script."""
    templates = words.templates()
    return {name: templates[f"bundle.{name}"] for name in _STRINGS} | {"title": templates[title]}


def take_slice(
    bundles: Bundles, request: gr.Request, event: gr.EventData, words: Texts
) -> tuple[Received | None, dict[str, Any]]:
    """Take what a ``submit`` brought.

    Returns
    -------
    What is there now, None where it was refused; and the update of the control, which then sends
    the next slice or says why it does not.
    """
    slice_ = event._data
    try:
        received = bundles.add(str(request.session_hash), slice_)
    except OodFaceError as error:
        return None, refused_slice(event, error, words)
    answer = {
        "bundle": received.bundle_id,
        "files": received.files,
        "size": received.size_bytes,
        "complete": received.complete,
    }
    return received, gr.update(answer=answer)


def refused_slice(event: gr.EventData, error: OodFaceError, words: Texts) -> dict[str, Any]:
    """Return the update of the control where its slice was not let in."""
    match event._data:
        case {"bundle": str(bundle_id)}:
            problem = error_text(error, words)
            return dict(gr.update(answer={"bundle": bundle_id, "problem": problem}))
        case _:
            return dict(gr.update())


def drop_bundle(bundles: Bundles, request: gr.Request, event: gr.EventData) -> None:
    """Erase what a ``clear`` names."""
    match event._data:
        case {"bundle": str(bundle_id)}:
            bundles.drop(str(request.session_hash), bundle_id)
        case _:
            pass  # nothing that a page of ours sent


def emptied_picker() -> dict[str, Any]:
    """Return the update that empties the control, once its pictures are on their way."""
    return dict(gr.update(answer={"reset": secrets.token_hex(8)}))
