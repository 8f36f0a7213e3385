"""What both ways of adding people share: work in the background, watched once a second."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

import gradio as gr

from ood_face.errors import OodFaceError
from ood_face.messages import DEFAULT_LANGUAGE
from ood_face.types import Role
from webui.catalogue import texts
from webui.controls import QUIET, live
from webui.search_enrolment import EnrolTask
from webui.search_outcomes import Shelf
from webui.search_parts import acts
from webui.uploads import Limits
from webui.views.search_enrolled import enrol_view, progress_view
from webui.visitor import session_of, visitor

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ood_face.service import GalleryService
    from webui.bundle_people import PersonPicture
    from webui.catalogue import Texts
    from webui.job_progress import JobView
    from webui.search_galleries import GalleryBar
    from webui.served import PageServed

__all__ = ["EnrolRun"]

_EVERY_S = 1.0


class EnrolRun:
    """Starts an enrolment, shows how far it is, lets it be cancelled, and shows what it did.

    Parameters
    ----------
    served : what the page serves
    galleries : those of it
    bar : shows the galleries, whose numbers change
    slot : unique on the page

    Attributes
    ----------
    state : holds the last view of the work, or the error that kept it from beginning
    """

    def __init__(
        self, served: PageServed, galleries: GalleryService, bar: GalleryBar, slot: str
    ) -> None:
        self._served, self._galleries, self._bar = served, galleries, bar
        self.limits = Limits.of(served.settings, max_files=1)
        first = texts(DEFAULT_LANGUAGE)
        self._job = gr.State(None)
        self.state = gr.State(None)
        self._timer = gr.Timer(_EVERY_S, active=False)
        self._progress = acts(f"progress-{slot}", progress_view(None, first))
        self._result = live(f"enrolled-{slot}", enrol_view(None, None, first))

    @property
    def results(self) -> list[Any]:
        """The controls that show what came out."""
        return [self._progress, self._result]

    @property
    def outputs(self) -> list[Any]:
        """What ``begin`` and ``refused`` return the values of."""
        return [self._job, self.state, self._timer, *self.results]

    def show(self, words: Texts, state: JobView | OodFaceError | None) -> list[Any]:
        """Return the values of ``results`` in a language."""
        if isinstance(state, OodFaceError):
            return [progress_view(None, words), enrol_view(None, state, words)]
        return [progress_view(state, words), enrol_view(state, None, words)]

    def connect(self, language: gr.Radio) -> None:
        """Bind the events."""
        self._timer.tick(
            self._look,
            [self._job, self._bar.shelf, language],
            [*self.outputs, *self._bar.outputs],
            **QUIET,
        )
        self._progress.submit(
            self._cancel,
            [self._job, self._bar.shelf, language],
            [*self.outputs, *self._bar.outputs],
            **QUIET,
        )

    def begin(
        self,
        pictures: Sequence[PersonPicture],
        gallery: str,
        asked: tuple[bool, str | None],
        request: gr.Request,
        words: Texts,
        release: Callable[[], object] | None = None,
    ) -> list[Any]:
        """Start to enrol pictures; return the values of ``outputs``.

        Parameters
        ----------
        pictures : whom each shows
        gallery : its name
        asked : whether faces that another subject has are enrolled as well, which only an
            administrator may ask for; and a name for everybody, or None
        request : of the visitor
        words : the language
        release : called when the pictures are not needed any more
        """
        force, name = asked
        try:
            role = Role.ADMIN if force else Role.ENROLL
            caller = visitor(request, self._served.access, role)
            # an unknown gallery is told at once
            self._galleries.open(gallery)
        except OodFaceError as error:
            if release is not None:
                release()
            return self.refused(error, words)
        task = EnrolTask(self._galleries, gallery, pictures, self.limits, caller, force, name)
        session = session_of(request)
        try:
            job = self._served.jobs.start(session, task, release)
            view = self._served.jobs.look(session, job)
        except OodFaceError as error:
            return self.refused(error, words)
        return [job, view, gr.Timer(active=True), *self.show(words, view)]

    def has_begun(self, values: list[Any]) -> bool:
        """Whether values that ``begin`` returned are of work that began."""
        return values[0] is not None

    def refused(self, error: OodFaceError | None, words: Texts) -> list[Any]:
        """Return the values of ``outputs`` where nothing began; None: the results are cleared."""
        return [None, error, gr.Timer(active=False), *self.show(words, error)]

    def _look(self, job: object, shelf: object, language: str, request: gr.Request) -> list[Any]:
        words = texts(language)
        same_bar = [gr.update() for _ in self._bar.outputs]
        if not isinstance(job, str):
            return [None, gr.update(), gr.Timer(active=False), gr.update(), gr.update(), *same_bar]
        try:
            view = self._served.jobs.collect(session_of(request), job)
        except OodFaceError as error:
            return [*self.refused(error, words), *same_bar]
        if not view.ended:
            shown, _ = self.show(words, view)
            return [job, view, gr.update(), shown, gr.update(), *same_bar]
        chosen = shelf.chosen if isinstance(shelf, Shelf) else None
        bar = self._bar.updates(self._bar.look(request, chosen), words)
        return [None, view, gr.Timer(active=False), *self.show(words, view), *bar]

    def _cancel(self, job: object, shelf: object, language: str, request: gr.Request) -> list[Any]:
        if isinstance(job, str):
            # one that is gone already is told by looking
            with suppress(OodFaceError):
                self._served.jobs.cancel(session_of(request), job)
        return self._look(job, shelf, language, request)
