"""The tab that compares two pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import gradio as gr

from ood_face.errors import OodFaceError
from ood_face.messages import DEFAULT_LANGUAGE
from webui.catalogue import texts
from webui.controls import QUIET, live, picker, picker_strings, take_pictures
from webui.outcomes import CompareOutcome, Problem, compare_pictures
from webui.uploads import Limits
from webui.views import frame
from webui.views.verdict import scenario_note, scenario_title, score_bars, verdict_view
from webui.visitor import counted

if TYPE_CHECKING:
    from ood_face.api.served import Served
    from webui.catalogue import Texts
    from webui.controls import Localized

__all__ = ["CompareTab"]

_DEFAULT_SCENARIO = "default"
_SLOTS = ("left", "right")


class CompareTab:
    """Two pickers, the scenario, and the card with the verdict.

    Parameters
    ----------
    served : what compares, and the limits on pictures
    localized : where the controls register their texts
    """

    def __init__(self, served: Served, localized: Localized) -> None:
        self._service, self._access = served.faces, served.access
        self._limits = Limits.of(served.settings, max_files=1)
        first = texts(DEFAULT_LANGUAGE)
        # remembered so that it can change its language
        self._outcome = gr.State(None)
        with gr.Row(elem_classes="compare-row"):
            with gr.Column(scale=6, min_width=300):
                with gr.Row(elem_classes="pictures-row"):
                    self._pickers, self._scores = zip(
                        *[self._picture(slot, first, localized) for slot in _SLOTS],
                        strict=True,
                    )
                localized.html(frame.examples)
            with gr.Column(scale=5, min_width=300):
                self._scenario, self._note = self._scenarios(first, localized)
                self._button = localized.add(
                    gr.Button(first("compare.button"), variant="primary", elem_id="compare"),
                    lambda words: {"value": words("compare.button")},
                )
                self._verdict = live("verdict", verdict_view(None, first))

    @property
    def remembered(self) -> list[Any]:
        """What was compared last, and the scenario that is chosen."""
        return [self._outcome, self._scenario]

    @property
    def results(self) -> list[Any]:
        """The controls that show what came out, and the note on the scenario."""
        return [self._verdict, *self._scores, self._note]

    def show(self, words: Texts, *remembered: Any) -> list[Any]:  # noqa: ANN401 - Gradio's values
        """Return the values of ``results`` in a language."""
        outcome, scenario = remembered
        chosen = self._service.scenarios.get(scenario)
        note = "" if chosen is None else scenario_note(chosen, words)
        return [verdict_view(outcome, words), *score_bars(outcome, words), note]

    def connect(self, language: gr.Radio) -> None:
        """Bind the events."""
        outputs = [self._outcome, *self.results, *self._pickers]
        done = gr.on(
            [self._pickers[0].submit, self._pickers[1].submit, self._button.click,
             self._scenario.input],
            self._compare,
            [*self._pickers, self._scenario, language],
            outputs,
            js=take_pictures(_SLOTS, others=2),
            trigger_mode="always_last",
            **QUIET,
        )  # fmt: skip
        done.then(
            None, js="() => { window.oodFace.busy(false); window.oodFace.showVerdict(); }", **QUIET
        )
        gr.on(
            [self._pickers[0].clear, self._pickers[1].clear],
            self._clear,
            [self._scenario, language],
            outputs,
            **QUIET,
        )

    def _picture(self, slot: str, words: Texts, localized: Localized) -> tuple[gr.HTML, gr.HTML]:
        with gr.Column(min_width=140):
            chooser = localized.add(
                picker(slot, "compare", self._limits, words, choose_face=True),
                lambda words: {"strings": picker_strings(slot, words)},
            )
            return chooser, gr.HTML(elem_id=f"score-{slot}", apply_default_css=False)

    def _scenarios(self, words: Texts, localized: Localized) -> tuple[gr.Radio, gr.HTML]:
        choice = gr.Radio(
            self._choices(words),
            value=self._first_scenario(),
            label=words("scenario.label"),
            elem_id="scenario",
        )
        localized.add(
            choice,
            lambda words: {"label": words("scenario.label"), "choices": self._choices(words)},
        )
        return choice, gr.HTML(elem_id="scenario-note", apply_default_css=False)

    def _choices(self, words: Texts) -> list[tuple[str, str]]:
        return [(scenario_title(name, words), name) for name in self._service.scenarios]

    def _first_scenario(self) -> str:
        names = list(self._service.scenarios)
        return _DEFAULT_SCENARIO if _DEFAULT_SCENARIO in names else names[0]

    def _compare(
        self,
        first: object,
        second: object,
        scenario: str | None,
        language: str,
        request: gr.Request,
    ) -> list[Any]:
        chosen = self._first_scenario() if scenario is None else scenario
        try:
            if first and second:
                counted(request, self._access)
        except OodFaceError as error:
            return self._updates(CompareOutcome(problem=Problem(error)), chosen, language)
        outcome = compare_pictures(self._service, self._limits, first, second, chosen)
        return self._updates(outcome, chosen, language)

    def _clear(self, scenario: str, language: str) -> list[Any]:
        return self._updates(CompareOutcome(), scenario, language)

    def _updates(self, outcome: CompareOutcome, scenario: str, language: str) -> list[Any]:
        marks = [gr.update(marks=[mark.for_picker()]) for mark in outcome.marks]
        return [outcome, *self.show(texts(language), outcome, scenario), *marks]
