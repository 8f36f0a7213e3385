"""What every tab of the page is: controls, what they show, and how that changes its language."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import gradio as gr

    from webui.catalogue import Texts

__all__ = ["PageTab"]


class PageTab(Protocol):
    """One tab.

    It builds its controls inside the Gradio tab that is open when it is made. Texts that never
    change but for the language are registered with ``Localized``; what depends on results is
    drawn by ``show``.
    """

    @property
    def remembered(self) -> list[Any]:
        """The controls whose values ``show`` takes, such as a ``gr.State`` with the outcome."""
        ...

    @property
    def results(self) -> list[Any]:
        """The controls that show what came out."""
        ...

    def show(self, words: Texts, *remembered: Any) -> list[Any]:  # noqa: ANN401 - Gradio's values
        """Return the values of ``results`` in a language.

        Parameters
        ----------
        words : the language's sentences
        remembered : the values of the controls in ``remembered``, in their order
        """
        ...

    def connect(self, language: gr.Radio) -> None:
        """Bind the events."""
        ...
