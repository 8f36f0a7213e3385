"""The tab that shows how far the answers can be trusted: doubtful cases, drift, own pictures."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any

import gradio as gr

from webui.markup import tag
from webui.trust_drift import DriftPart
from webui.trust_own import OwnPart
from webui.trust_review import ReviewPart

if TYPE_CHECKING:
    from collections.abc import Callable

    from webui.catalogue import Texts
    from webui.controls import Localized
    from webui.served import PageServed
    from webui.trust_part import TrustPart

__all__ = ["TrustTab"]


class TrustTab:
    """Its parts, each behind a tab of its own; what the server lacks is left out.

    Parameters
    ----------
    served : the review queue, the drift watch, and what measures pictures
    localized : where the controls register their texts
    """

    def __init__(self, served: PageServed, localized: Localized) -> None:
        self._parts: list[TrustPart] = []
        review = served.review
        made: list[tuple[str, Callable[[], TrustPart]]] = []
        if review is not None:
            made.append(("review", lambda: ReviewPart(served, review)))
        drift = served.drift
        if drift is not None:
            made.append(("drift", lambda: DriftPart(served, drift)))
        made.append(("own", lambda: OwnPart(served, localized)))
        with gr.Tabs(elem_classes="trust-tabs"):
            for name, make in made:
                with _part(localized, name):
                    self._parts.append(make())

    @property
    def remembered(self) -> list[Any]:
        """What the parts remember, one after the other."""
        return [control for part in self._parts for control in part.remembered]

    @property
    def results(self) -> list[Any]:
        """What the parts show, one after the other."""
        return [control for part in self._parts for control in part.results]

    def show(self, words: Texts, *remembered: Any) -> list[Any]:  # noqa: ANN401 - Gradio's values
        """Return the values of ``results`` in a language."""
        left = iter(remembered)
        return [
            value
            for part in self._parts
            for value in part.show(words, *islice(left, len(part.remembered)))
        ]

    def connect(self, language: gr.Radio) -> None:
        """Bind the events."""
        for part in self._parts:
            part.connect(language)


def _part(localized: Localized, name: str) -> gr.Tab:
    part = localized.tab(f"trust.{name}", f"trust-{name}")
    with part:
        localized.html(lambda words: _intro(words, name))
    return part


def _intro(words: Texts, name: str) -> str:
    return tag("p", words(f"trust.intro_{name}"), class_="intro")
