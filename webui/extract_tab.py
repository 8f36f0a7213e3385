"""The tab that extracts features and scores from any number of faces."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import gradio as gr

from ood_face.errors import OodFaceError
from ood_face.messages import DEFAULT_LANGUAGE
from webui.catalogue import texts
from webui.controls import QUIET, live, picker, picker_strings, take_pictures
from webui.markup import tag
from webui.outcomes import ExtractOutcome, extract_pictures
from webui.uploads import MAX_EXTRACT_FILES, Limits
from webui.views.extract import extract_view
from webui.visitor import counted

if TYPE_CHECKING:
    from ood_face.api.served import Served
    from ood_face.uncertainty import UncertaintyMethod
    from webui.catalogue import Texts
    from webui.controls import Localized

__all__ = ["ExtractTab"]


class ExtractTab:
    """One picker for many pictures, and the table of their faces.

    Parameters
    ----------
    served : what extracts, and the limits on pictures
    localized : where the controls register their texts
    """

    def __init__(self, served: Served, localized: Localized) -> None:
        self._service, self._access = served.faces, served.access
        self._limits = Limits.of(served.settings, max_files=MAX_EXTRACT_FILES)
        first = texts(DEFAULT_LANGUAGE)
        # remembered so that it can change its language
        self._outcome = gr.State(None)
        localized.add(
            gr.HTML(_intro(first), apply_default_css=False), lambda words: {"value": _intro(words)}
        )
        self._picker = localized.add(
            picker("many", "extract", self._limits, first),
            lambda words: {"strings": picker_strings("many", words)},
        )
        self._uncertainty = localized.add(
            gr.Checkbox(
                value=False,
                label=first("uncertainty.option"),
                info=first("uncertainty.option_note"),
                elem_id="uncertainty",
            ),
            lambda words: {
                "label": words("uncertainty.option"),
                "info": words("uncertainty.option_note"),
            },
        )
        self._table = live("extracted", extract_view(None, first))

    @property
    def remembered(self) -> list[Any]:
        """What was extracted last."""
        return [self._outcome]

    @property
    def results(self) -> list[Any]:
        """The controls that show what came out."""
        return [self._table]

    def show(self, words: Texts, *remembered: Any) -> list[Any]:  # noqa: ANN401 - Gradio's values
        """Return the values of ``results`` in a language."""
        (outcome,) = remembered
        return [extract_view(outcome, words)]

    def connect(self, language: gr.Radio) -> None:
        """Bind the events."""
        outputs = [self._outcome, *self.results, self._picker]
        # a change of the option reads the pictures anew
        for asked in (self._picker.submit, self._uncertainty.input):
            done = asked(
                self._extract,
                [self._picker, language, self._uncertainty],
                outputs,
                js=take_pictures(["many"], others=2),
                trigger_mode="always_last",
                **QUIET,
            )
            done.then(
                None,
                js="() => { window.oodFace.busy(false); window.oodFace.showFaces(); }",
                **QUIET,
            )
        self._picker.clear(self._clear, [language], outputs, **QUIET)

    def _extract(
        self, pictures: object, language: str, uncertainty: object, request: gr.Request
    ) -> list[Any]:
        method: UncertaintyMethod | None = "mc" if uncertainty is True else None
        try:
            if pictures:
                counted(request, self._access)
        except OodFaceError as error:
            return self._updates(ExtractOutcome(self._service.model_id, error=error), language)
        outcome = extract_pictures(self._service, self._limits, pictures, method)
        return self._updates(outcome, language)

    def _clear(self, language: str) -> list[Any]:
        return self._updates(ExtractOutcome(self._service.model_id), language)

    def _updates(self, outcome: ExtractOutcome, language: str) -> list[Any]:
        marks = [file.marks.for_picker() for file in outcome.files]
        return [outcome, *self.show(texts(language), outcome), gr.update(marks=marks)]


def _intro(words: Texts) -> str:
    return tag("p", words("extract.intro"), class_="intro")
