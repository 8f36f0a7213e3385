"""The page's controls, and their texts in every language."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import gradio as gr

from ood_face.messages import DEFAULT_LANGUAGE
from webui.catalogue import texts
from webui.markup import tag

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from webui.catalogue import Texts
    from webui.uploads import Limits

__all__ = ["QUIET", "Localized", "live", "picker", "picker_strings", "take_pictures"]

# How every event of the page runs: offered to nobody else, without Gradio's own progress line,
# and answered in its own request. The service bounds what runs at once; Gradio's queue would only
# add a second wait, and its stream of answers can lose an event that follows closely on another.
QUIET: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden", "queue": False}
# the script may arrive after the control; 'submit' and 'clear' are the events it triggers
_MOUNT = """
(function mount() {
  if (window.oodFace) window.oodFace.mountPicker(element, props, trigger, watch);
  else setTimeout(mount, 10);
})();
"""
_SHARED_STRINGS = (
    "webcam",
    "paste",
    "shoot",
    "cancel",
    "alt",
    "face",
    "which_face",
    "pasted",
    "shot",
    "too_large",
    "too_many",
    "nothing_to_paste",
    "paste_refused",
    "webcam_refused",
)
_COUNTED_STRINGS = ("drop", "formats", "choose", "replace", "remove")


class Localized:
    """Controls whose texts follow the language.

    Gradio's own translation follows the browser and cannot be switched by the page, so the
    texts are written by the server: at first in the browser's language, then as chosen.
    """

    def __init__(self) -> None:
        self._entries: list[tuple[Any, Callable[[Texts], dict[str, Any]]]] = []

    def add(self, control: Any, properties: Callable[[Texts], dict[str, Any]]) -> Any:  # noqa: ANN401 - Gradio is untyped here
        """Register a control and what it shows in a language; return the control."""
        self._entries.append((control, properties))
        return control

    def html(self, view: Callable[[Texts], str]) -> gr.HTML:
        """Register and return a control that shows what ``view`` makes in each language."""
        return self.add(
            gr.HTML(view(texts(DEFAULT_LANGUAGE)), apply_default_css=False),
            lambda words: {"value": view(words)},
        )

    def tab(self, key: str, name: str) -> gr.Tab:
        """Register and return a tab.

        Parameters
        ----------
        key : of its label in the catalogue
        name : unique among its neighbours
        """
        return self.add(
            gr.Tab(texts(DEFAULT_LANGUAGE)(key), id=name, render_children=True),
            lambda words: {"label": words(key)},
        )

    @property
    def controls(self) -> list[Any]:
        """The registered controls."""
        return [control for control, _ in self._entries]

    def updates(self, words: Texts) -> list[Any]:
        """Return one Gradio update a control, in the order of ``controls``."""
        return [gr.update(**properties(words)) for _, properties in self._entries]


def live(elem_id: str, value: str = "", on_load: str | None = None) -> gr.HTML:
    """Return a control whose changes are read aloud.

    Parameters
    ----------
    elem_id : unique on the page
    value : what it shows at first
    on_load : a script that runs when it is drawn
    """
    return gr.HTML(
        value,
        html_template='<div role="status" aria-live="polite">${value}</div>',
        js_on_load=on_load,
        apply_default_css=False,
        elem_id=elem_id,
    )


def picker(
    slot: str, group: str, limits: Limits, words: Texts, *, choose_face: bool = False
) -> gr.HTML:
    """Return a control that takes pictures by file, drag, paste or camera.

    It triggers ``submit`` when each picker of its group holds a picture, ``clear`` when one does
    not. ``marks`` are the faces it outlines. Its value stays empty: the pictures stay in the
    browser, and ``take_pictures`` puts them into an event. With ``choose_face``, a click on one of
    several outlines chooses that face: its number goes with the picture, and ``submit`` follows.
    """
    options = {
        "slot": slot,
        "group": group,
        "many": limits.max_files > 1,
        "choose_face": choose_face,
        "max_bytes": limits.max_bytes,
        "max_files": limits.max_files,
        "max_total_bytes": limits.max_total_bytes,
        "max_mib": f"{limits.max_bytes / 2**20:g}",
    }
    return gr.HTML(
        value=[],
        # not among the properties: an update that comes before the control is drawn, as in a
        # hidden tab, replaces all of them
        html_template=tag("div", class_="picker", data_options=json.dumps(options)),
        js_on_load=_MOUNT,
        apply_default_css=False,
        elem_id=f"picker-{slot}",
        elem_classes="picker-holder",
        marks=[],
        strings=picker_strings(slot, words),
    )


def take_pictures(slots: Sequence[str], others: int) -> str:
    """Return the script that fills an event's first inputs with the pictures of pickers.

    Each becomes a list of ``{"name", "data"}``, the data in base64.

    Parameters
    ----------
    slots : the pickers, in the order of the inputs
    others : how many inputs follow, passed as they are
    """
    rest = [f"value{index}" for index in range(others)]
    names = ", ".join([f"_{slot}" for slot in slots] + rest)
    taken = [f'await window.oodFace.pictures("{slot}")' for slot in slots]
    values = ", ".join(taken + rest)
    return f"async ({names}) => {{ window.oodFace.busy(true); return [{values}]; }}"


def picker_strings(slot: str, words: Texts) -> dict[str, str]:
    """Return the sentences of one picker; places such as ``{name}`` are filled by its script."""
    ending = "_many" if slot == "many" else ""
    templates = words.templates()
    strings = {name: templates[f"picker.{name}"] for name in _SHARED_STRINGS}
    counted = {name: templates[f"picker.{name}{ending}"] for name in _COUNTED_STRINGS}
    return strings | counted | {"title": templates[f"picker.{slot}"]}
