"""The part of the tab Search that adds many people: a folder, a zip, or files with their names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import gradio as gr

from ood_face.errors import OodFaceError
from ood_face.messages import DEFAULT_LANGUAGE
from ood_face.types import Role
from webui.bundle_people import Grouping, by_person
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
from webui.markup import tag
from webui.search_enrol import EnrolRun
from webui.search_enrolment import Plan, plan_of
from webui.search_one import force_box
from webui.search_outcomes import Shelf
from webui.search_parts import MANY_AT_ONCE
from webui.views.search_enrolled import plan_view
from webui.visitor import session_of, visitor

if TYPE_CHECKING:
    from ood_face.service import GalleryService
    from webui.catalogue import Texts
    from webui.controls import Localized
    from webui.search_galleries import GalleryBar
    from webui.served import PageServed

__all__ = ["ManyPart"]

_TITLE = "enrol.many_title"
_GROUPINGS = ("folders", "names")


class ManyPart:
    """The control that sends the pictures, whom they show, and what became of each.

    Parameters
    ----------
    served : what the page serves
    galleries : those of it
    localized : where the controls register their texts
    bar : holds the chosen gallery

    Attributes
    ----------
    plan : holds the :class:`Plan` of the pictures that were sent, or None
    """

    def __init__(
        self,
        served: PageServed,
        galleries: GalleryService,
        localized: Localized,
        bar: GalleryBar,
    ) -> None:
        self._served, self._bar = served, bar
        first = texts(DEFAULT_LANGUAGE)
        self.plan = gr.State(None)
        with gr.Row(elem_classes="compare-row"):
            with gr.Column(scale=5, min_width=280):
                self._grouping = _grouping_choice(first, localized)
                localized.html(_note)
                self._force = force_box("force-many", first, localized)
            with gr.Column(scale=6, min_width=300):
                self._picker = localized.add(
                    bundle_picker("enrol", _TITLE, served.settings, first),
                    lambda words: {"strings": bundle_strings(_TITLE, words)},
                )
                self._planned = live("enrol-plan", plan_view(None, first))
                self._button = localized.add(
                    gr.Button(
                        first("enrol.start"),
                        variant="primary",
                        elem_id="enrol-many",
                        interactive=False,
                    ),
                    lambda words: {"value": words("enrol.start")},
                )
        self.run = EnrolRun(served, galleries, bar, "many")

    @property
    def results(self) -> list[Any]:
        """The controls that show what was sent."""
        return [self._planned]

    @property
    def _sent(self) -> list[Any]:
        return [self._picker, self.plan, self._planned, self._button]

    def show(self, words: Texts, plan: Plan | None) -> list[Any]:
        """Return the values of ``results`` in a language."""
        return [plan_view(plan, words)]

    def connect(self, language: gr.Radio) -> None:
        """Bind the events."""
        self.run.connect(language)
        self._picker.submit(
            self._receive,
            [self._grouping, language],
            self._sent,
            trigger_mode=MANY_AT_ONCE,
            **QUIET,
        )
        self._picker.clear(self._drop, [language], self._sent, trigger_mode=MANY_AT_ONCE, **QUIET)
        self._grouping.input(
            self._regroup, [self._grouping, self.plan, language], self._sent, **QUIET
        )
        self._button.click(
            self._enrol,
            [self.plan, self._force, self._bar.shelf, language],
            [*self._sent, *self.run.outputs],
            **QUIET,
        )

    def _receive(
        self, grouping: str, language: str, event: gr.EventData, request: gr.Request
    ) -> list[Any]:
        words = texts(language)
        try:
            visitor(request, self._served.access, Role.ENROLL)
        except OodFaceError as error:
            return self._updates(refused_slice(event, error, words), None, words)
        received, update = take_slice(self._served.bundles, request, event, words)
        if received is None or not received.complete:
            return self._updates(update, None, words)
        plan = self._planned_of(received.bundle_id, _known(grouping), request)
        return self._updates(update, plan, words)

    def _regroup(
        self, grouping: str, plan: object, language: str, request: gr.Request
    ) -> list[Any]:
        words = texts(language)
        if not isinstance(plan, Plan):
            return self._updates(gr.update(), None, words)
        plan = self._planned_of(plan.bundle_id, _known(grouping), request)
        return self._updates(gr.update(), plan, words)

    def _drop(self, language: str, event: gr.EventData, request: gr.Request) -> list[Any]:
        drop_bundle(self._served.bundles, request, event)
        return self._updates(gr.update(), None, texts(language))

    def _planned_of(self, bundle_id: str, grouping: Grouping, request: gr.Request) -> Plan:
        try:
            files = self._served.bundles.look(session_of(request), bundle_id).files()
        except OodFaceError as error:
            return Plan(bundle_id, grouping, problem=error)
        return plan_of(bundle_id, grouping, by_person(files, grouping))

    def _enrol(
        self, plan: object, force: object, shelf: object, language: str, request: gr.Request
    ) -> list[Any]:
        words = texts(language)
        gallery = shelf.chosen if isinstance(shelf, Shelf) else None
        if not isinstance(plan, Plan) or gallery is None:
            return [*self._updates(gr.update(), None, words), *self.run.refused(None, words)]
        try:
            bundle = self._served.bundles.take(session_of(request), plan.bundle_id)
        except OodFaceError as error:
            gone = self._updates(emptied_picker(), None, words)
            return [*gone, *self.run.refused(error, words)]
        try:
            known = by_person(bundle.files(), plan.grouping)
        except OodFaceError as error:
            # the button is closed for such a plan, but an event can come without it
            bundle.close()
            gone = self._updates(emptied_picker(), None, words)
            return [*gone, *self.run.refused(error, words)]
        pictures = [picture for picture in known if picture.person is not None]
        begun = self.run.begin(
            pictures, gallery, (force is True, None), request, words, bundle.close
        )
        return [*self._updates(emptied_picker(), None, words), *begun]

    def _updates(self, picker: Any, plan: Plan | None, words: Texts) -> list[Any]:  # noqa: ANN401
        ready = plan is not None and bool(plan.people)
        return [picker, plan, *self.show(words, plan), gr.update(interactive=ready)]


def _note(words: Texts) -> str:
    return tag("p", words("enrol.many_note"), class_="plain-note")


def _known(grouping: object) -> Grouping:
    return "names" if grouping == "names" else "folders"


def _grouping_choice(words: Texts, localized: Localized) -> gr.Radio:
    def properties(words: Texts) -> dict[str, Any]:
        return {
            "label": words("enrol.grouping"),
            "choices": [(words(f"enrol.grouping_{name}"), name) for name in _GROUPINGS],
        }

    choice = gr.Radio(value=_GROUPINGS[0], elem_id="grouping", **properties(words))
    localized.add(choice, properties)
    return choice
