"""The part of the tab Search that says who is in a picture."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import gradio as gr

from ood_face.errors import OodFaceError
from ood_face.messages import DEFAULT_LANGUAGE
from ood_face.types import Role
from webui.catalogue import texts
from webui.controls import QUIET, live, picker, picker_strings, take_pictures
from webui.outcomes import Problem
from webui.search_outcomes import IdentifyOutcome, Shelf, identify_picture
from webui.uploads import Limits
from webui.views.parts import score_bar
from webui.views.search_found import found_view
from webui.visitor import visitor

if TYPE_CHECKING:
    from ood_face.service import GalleryService
    from webui.catalogue import Texts
    from webui.controls import Localized
    from webui.served import PageServed

__all__ = ["IdentifyPart"]

_SLOT = "probe"


class IdentifyPart:
    """One picker, the picture's quality, and the card that answers.

    Parameters
    ----------
    served : what the page serves
    galleries : those of it
    localized : where the controls register their texts
    shelf : holds the chosen gallery
    """

    def __init__(
        self,
        served: PageServed,
        galleries: GalleryService,
        localized: Localized,
        shelf: gr.State,
    ) -> None:
        self._served, self._galleries, self._shelf = served, galleries, shelf
        self._limits = Limits.of(served.settings, max_files=1)
        first = texts(DEFAULT_LANGUAGE)
        # remembered so that it can change its language
        self.outcome = gr.State(None)
        with gr.Row(elem_classes="compare-row"):
            with gr.Column(scale=5, min_width=280):
                self._picker = localized.add(
                    picker(_SLOT, "identify", self._limits, first),
                    lambda words: {"strings": picker_strings(_SLOT, words)},
                )
                self._score = gr.HTML(elem_id="score-probe", apply_default_css=False)
            with gr.Column(scale=6, min_width=300):
                self._button = localized.add(
                    gr.Button(first("identify.button"), variant="primary", elem_id="identify"),
                    lambda words: {"value": words("identify.button")},
                )
                self._found = live("found", found_view(None, False, first))

    @property
    def results(self) -> list[Any]:
        """The controls that show what came out."""
        return [self._found, self._score]

    def show(self, words: Texts, shelf: Shelf | None, outcome: IdentifyOutcome | None) -> list[Any]:
        """Return the values of ``results`` in a language."""
        empty = shelf is not None and shelf.counts is not None and shelf.counts.templates == 0
        found = None if outcome is None else outcome.found
        bar = score_bar(None if found is None else found.probe, words)
        return [found_view(outcome, empty, words), bar]

    def connect(self, language: gr.Radio) -> None:
        """Bind the events."""
        done = gr.on(
            [self._picker.submit, self._button.click],
            self._identify,
            [self._picker, self._shelf, language],
            [self.outcome, *self.results, self._picker],
            js=take_pictures([_SLOT], others=2),
            trigger_mode="always_last",
            **QUIET,
        )
        done.then(
            None,
            js="() => { window.oodFace.busy(false); window.oodFace.showFound(); }",
            **QUIET,
        )
        self._picker.clear(
            self._clear, [self._shelf, language], [self.outcome, *self.results], **QUIET
        )

    def search_again(self, chosen: Any, language: gr.Radio) -> None:  # noqa: ANN401 - Gradio's event
        """Search another gallery for the same picture once one was chosen."""
        again = chosen.then(
            self._identify,
            [self._picker, self._shelf, language],
            [self.outcome, *self.results, self._picker],
            js=take_pictures([_SLOT], others=2),
            **QUIET,
        )
        again.then(None, js="() => window.oodFace.busy(false)", **QUIET)

    def _identify(
        self, picture: object, shelf: object, language: str, request: gr.Request
    ) -> list[Any]:
        words = texts(language)
        outcome = IdentifyOutcome()
        if isinstance(shelf, Shelf) and shelf.chosen is not None and picture:
            outcome = self._outcome(shelf.chosen, picture, request)
        marks = gr.update(marks=[outcome.marks.for_picker()])
        known = shelf if isinstance(shelf, Shelf) else None
        return [outcome, *self.show(words, known, outcome), marks]

    def _outcome(self, gallery: str, picture: object, request: gr.Request) -> IdentifyOutcome:
        try:
            caller = visitor(request, self._served.access, Role.IDENTIFY)
        except OodFaceError as error:
            return IdentifyOutcome(problem=Problem(error))
        faces, asked = self._served.faces, (gallery, picture)
        return identify_picture(faces, self._galleries, self._limits, asked, caller)

    def _clear(self, shelf: object, language: str) -> list[Any]:
        known = shelf if isinstance(shelf, Shelf) else None
        return [None, *self.show(texts(language), known, None)]
