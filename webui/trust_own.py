"""The part of the tab Trust in which operators measure the model on their own pictures."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import gradio as gr

from ood_face.bootstrap import model_folders
from ood_face.errors import InputError, OodFaceError
from ood_face.messages import DEFAULT_LANGUAGE
from ood_face.types import Role
from webui.bundle_picker import (
    bundle_picker,
    bundle_strings,
    drop_bundle,
    emptied_picker,
    refused_slice,
    take_slice,
)
from webui.catalogue import texts
from webui.controls import QUIET, live
from webui.event_inputs import unreadable
from webui.job_progress import JobState
from webui.trust_own_outcomes import OwnOutcome, SaveForm, read_form, save_as_scenario
from webui.trust_own_work import OwnTask, own_plan
from webui.trust_part import ask_script, asked, asking, done_script
from webui.uploads import Limits
from webui.views.trust_operating import recommended
from webui.views.trust_own import own_said, own_view
from webui.visitor import session_of, visitor

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ood_face.types import Caller
    from webui.catalogue import Texts
    from webui.controls import Localized
    from webui.served import PageServed
    from webui.trust_own_work import OwnResult

__all__ = ["OwnPart"]

_NAME = "own"
_TITLE = "own.title"
_LOOK_EVERY_S = 1
_FOLDER = "uploads"


class OwnPart:
    """A picker, what to do with its pictures, and the report.

    Parameters
    ----------
    served : who may, what measures, and where scenarios are saved
    localized : where the controls register their texts
    """

    def __init__(self, served: PageServed, localized: Localized) -> None:
        self._served, self._localized = served, localized
        self._limits = Limits.of(served.settings, max_files=1)
        first = texts(DEFAULT_LANGUAGE)
        self._outcome = gr.State(None)
        self._picker = localized.add(
            bundle_picker(_NAME, _TITLE, served.settings, first),
            lambda words: {"strings": bundle_strings(_TITLE, words)},
        )
        self._said = live("own-said")
        self._panel = asking(_NAME, self._view(None, first), fresh=False)
        self._timer = gr.Timer(_LOOK_EVERY_S, active=False)

    @property
    def remembered(self) -> list[Any]:
        """How far the visitor has come."""
        return [self._outcome]

    @property
    def results(self) -> list[Any]:
        """What was reached last, and what stands below the picker."""
        return [self._said, self._panel]

    def show(self, words: Texts, *remembered: Any) -> list[Any]:  # noqa: ANN401 - Gradio's values
        """Return the values of ``results`` in a language."""
        (outcome,) = remembered
        return [own_said(outcome, words), self._view(outcome, words)]

    def connect(self, language: gr.Radio) -> None:
        """Bind the events."""
        shown = [self._outcome, *self.results]
        sent = {"trigger_mode": "multiple", **QUIET}
        self._picker.submit(
            self._take, [self._outcome, language], [self._picker, self._timer, *shown], **sent
        )
        self._picker.clear(self._drop, [self._outcome, language], shown, **sent)
        done = self._panel.submit(
            self._answer,
            [self._panel, self._outcome, language],
            [self._picker, self._timer, *shown],
            js=ask_script(_NAME, others=2),
            **sent,
        )
        done.then(None, js=done_script(_NAME), **QUIET)
        # a scenario that was saved stands in the choices of the other tabs at once
        done.then(self._spread, [self._outcome, language], self._localized.controls, **QUIET)
        self._timer.tick(self._look, [self._outcome, language], [self._timer, *shown], **QUIET)

    def _spread(self, outcome: OwnOutcome | None, language: str) -> list[Any]:
        if outcome is None or not outcome.saved:
            return [gr.skip() for _ in self._localized.controls]
        return self._localized.updates(texts(language))

    def _view(self, outcome: OwnOutcome | None, words: Texts) -> str:
        saving = self._served.policies is not None
        return own_view(outcome, self._served.faces.scenarios, saving, words)

    def _take(
        self, before: OwnOutcome | None, language: str, request: gr.Request, event: gr.EventData
    ) -> list[Any]:
        words = texts(language)
        known = OwnOutcome() if before is None else before
        same: list[Any] = [gr.skip() for _ in range(4)]
        try:
            self._admin(request)
            received, update = take_slice(self._served.bundles, request, event, words)
        except OodFaceError as error:
            return [refused_slice(event, error, words), *same]
        if received is None or not received.complete:
            return [update, *same]
        self._stop(known, request)
        try:
            bundle = self._served.bundles.look(session_of(request), received.bundle_id)
            found = OwnOutcome(
                bundle_id=received.bundle_id,
                plan=own_plan(bundle.files()),
                scenario=known.scenario,
            )
        except OodFaceError as error:
            self._served.bundles.drop(session_of(request), received.bundle_id)
            return [emptied_picker(), gr.skip(), *self._shown(OwnOutcome(error=error), words)]
        return [update, gr.skip(), *self._shown(found, words)]

    def _drop(
        self, before: OwnOutcome | None, language: str, request: gr.Request, event: gr.EventData
    ) -> list[Any]:
        drop_bundle(self._served.bundles, request, event)
        if before is None or not before.plan or before.job_id or before.result is not None:
            return [gr.skip()] * 3
        return self._shown(None, texts(language))

    def _answer(
        self, sent: object, before: OwnOutcome | None, language: str, request: gr.Request
    ) -> list[Any]:
        wish, words = asked(sent), texts(language)
        known = OwnOutcome() if before is None else before
        same = [gr.skip(), gr.skip()]
        try:
            match wish.get("do"):
                case "measure":
                    found = self._measure(wish, known, request)
                    timer = gr.Timer(active=bool(found.job_id))
                    return [emptied_picker(), timer, *self._shown(found, words)]
                case "cancel":
                    self._served.jobs.cancel(session_of(request), known.job_id)
                    return [*same, gr.skip(), gr.skip(), gr.skip()]
                case "save":
                    found = self._save(wish, known, self._admin(request))
                    return [*same, *self._shown(found, words)]
                case _:
                    return [*same, gr.skip(), gr.skip(), gr.skip()]
        except OodFaceError as error:
            found = replace(known, error=error, saved="")
            return [*same, *self._shown(found, words)]

    def _measure(
        self, wish: Mapping[str, Any], known: OwnOutcome, request: gr.Request
    ) -> OwnOutcome:
        served, session = self._served, session_of(request)
        try:
            self._admin(request)
            scenario = served.faces.scenario(str(wish.get("scenario", known.scenario)))
            bundle = served.bundles.take(session, known.bundle_id)
            task = OwnTask(
                served.faces,
                bundle.files(),
                texts(DEFAULT_LANGUAGE)("own.source"),
                self._limits,
                scenario,
                served.settings.data_dir / _FOLDER,
            )
            job_id = served.jobs.start(session, task, bundle.close)
        except OodFaceError as error:
            # the pictures are gone, or are to go: they are chosen again
            served.bundles.drop(session, known.bundle_id)
            return OwnOutcome(scenario=known.scenario, error=error)
        return OwnOutcome(scenario=scenario.name, job_id=job_id)

    def _stop(self, known: OwnOutcome, request: gr.Request) -> None:
        # other pictures were chosen while some were measured
        try:
            if known.job_id:
                self._served.jobs.cancel(session_of(request), known.job_id)
        except InputError:
            pass  # it has ended and was forgotten

    def _look(self, before: OwnOutcome | None, language: str, request: gr.Request) -> list[Any]:
        if before is None or not before.job_id:
            return [gr.Timer(active=False), gr.skip(), gr.skip(), gr.skip()]
        words = texts(language)
        try:
            view = self._served.jobs.collect(session_of(request), before.job_id)
        except OodFaceError as error:
            return [gr.Timer(active=False), *self._shown(OwnOutcome(error=error), words)]
        if not view.ended:
            found = replace(before, step=view.step, ahead=view.ahead)
            return [gr.skip(), *self._shown(found, words)]
        found = OwnOutcome(
            scenario=before.scenario,
            cancelled=view.state is JobState.CANCELLED,
            result=view.result,
            form=_first_form(view.result),
            error=view.error,
        )
        return [gr.Timer(active=False), *self._shown(found, words)]

    def _save(self, wish: Mapping[str, Any], known: OwnOutcome, caller: Caller) -> OwnOutcome:
        policies, result = self._served.policies, known.result
        if policies is None or result is None:
            raise unreadable()
        form = read_form(wish)
        filled = replace(known, form=form, error=None, saved="")
        folders = model_folders(self._served.settings, self._served.faces.model_id)
        try:
            saved = save_as_scenario(result.report, form, policies, folders, caller)
        except OodFaceError as error:
            return replace(filled, error=error)
        return replace(filled, saved=saved)

    def _admin(self, request: gr.Request) -> Caller:
        return visitor(request, self._served.access, Role.ADMIN)

    def _shown(self, outcome: OwnOutcome | None, words: Texts) -> list[Any]:
        return [outcome, *self.show(words, outcome)]


def _first_form(result: OwnResult | None) -> SaveForm:
    found = None if result is None else recommended(result.report)
    return SaveForm(fmr=None if found is None else found[1])
