"""The part of the tab Trust that shows whether the server still sees what it was set up on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import gradio as gr

from ood_face.errors import OodFaceError
from ood_face.messages import DEFAULT_LANGUAGE
from ood_face.types import Role
from webui.catalogue import texts
from webui.controls import QUIET
from webui.trust_part import ask_script, asking, done_script
from webui.views.trust_drift import DriftOutcome, drift_view
from webui.visitor import visitor

if TYPE_CHECKING:
    from ood_face.api.served import Served
    from ood_face.monitoring.drift_job import DriftJob
    from webui.catalogue import Texts

__all__ = ["DriftPart"]

_NAME = "drift"


class DriftPart:
    """The drift watch in words, gauges and plots.

    Parameters
    ----------
    served : who may, and what has ``drift``
    drift : the watch
    """

    def __init__(self, served: Served, drift: DriftJob) -> None:
        self._served, self._drift = served, drift
        # remembered so that it can change its language
        self._outcome = gr.State(None)
        self._shown = asking(_NAME, drift_view(None, texts(DEFAULT_LANGUAGE)))

    @property
    def remembered(self) -> list[Any]:
        """How everything stood when it was looked at last."""
        return [self._outcome]

    @property
    def results(self) -> list[Any]:
        """The panel."""
        return [self._shown]

    def show(self, words: Texts, *remembered: Any) -> list[Any]:  # noqa: ANN401 - Gradio's values
        """Return the values of ``results`` in a language."""
        (outcome,) = remembered
        return [drift_view(outcome, words)]

    def connect(self, language: gr.Radio) -> None:
        """Bind the events."""
        done = self._shown.submit(
            self._answer,
            [self._shown, language],
            [self._outcome, *self.results],
            js=ask_script(_NAME, others=1),
            trigger_mode="multiple",
            **QUIET,
        )
        done.then(None, js=done_script(_NAME), **QUIET)

    def _answer(self, _sent: object, language: str, request: gr.Request) -> list[Any]:
        try:
            visitor(request, self._served.access, Role.READ)
            found = DriftOutcome(self._drift.status(), self._drift.shapes())
        except OodFaceError as error:
            found = DriftOutcome(error=error)
        return [found, *self.show(texts(language), found)]
