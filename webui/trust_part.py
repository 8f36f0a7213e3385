"""What the parts of the tab Trust share: how the browser asks, and what the server hears."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import gradio as gr

if TYPE_CHECKING:
    from collections.abc import Mapping

    from webui.catalogue import Texts

__all__ = ["SAVING", "TrustPart", "ask_script", "asked", "asking", "done_script"]

_MOUNT = """
(function mount() {
  if (window.oodFace?.trust) window.oodFace.trust.mount("%s", %s, element, trigger, watch);
  else setTimeout(mount, 10);
})();
"""
# of a control that may show a link to a file which is to be saved at once
SAVING = 'watch("value", () => window.oodFace.trust.save(element));'


class TrustPart(Protocol):
    """One part of the tab; see :class:`webui.tabs.PageTab`, whose methods it has."""

    @property
    def remembered(self) -> list[Any]:
        """The controls whose values ``show`` takes."""
        ...

    @property
    def results(self) -> list[Any]:
        """The controls that show what came out."""
        ...

    def show(self, words: Texts, *remembered: Any) -> list[Any]:  # noqa: ANN401 - Gradio's values
        """Return the values of ``results`` in a language."""
        ...

    def connect(self, language: gr.Radio) -> None:
        """Bind the events."""
        ...


def asking(name: str, value: str, *, fresh: bool = True) -> gr.HTML:
    """Return a control whose buttons and fields ask the server.

    It triggers ``submit`` at every click on an element with ``data-do``; ``ask_script`` puts what
    was asked into the event.

    Parameters
    ----------
    name : unique on the page; the element's id
    value : what it shows at first
    fresh : it also asks whenever it comes into view
    """
    script = _MOUNT % (name, "true" if fresh else "false")
    return gr.HTML(value, js_on_load=script, apply_default_css=False, elem_id=name)


def ask_script(name: str, others: int) -> str:
    """Return the script that fills an event's first input with what was asked."""
    values = "".join(f", value{index}" for index in range(others))
    return f'(_{values}) => [window.oodFace.trust.asked("{name}"){values}]'


def done_script(name: str) -> str:
    """Return the script that runs after the answer."""
    return f'() => window.oodFace.trust.done("{name}")'


def asked(sent: object) -> Mapping[str, Any]:
    """Return what the browser asked for; anything of another form asks for the list."""
    return sent if isinstance(sent, dict) else {}
