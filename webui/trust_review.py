"""The part of the tab Trust in which people look at doubtful verdicts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import gradio as gr

from ood_face.errors import OodFaceError
from ood_face.messages import DEFAULT_LANGUAGE
from ood_face.types import Role
from webui.catalogue import texts
from webui.controls import QUIET, live
from webui.trust_part import SAVING, ask_script, asked, asking, done_script
from webui.trust_review_outcomes import (
    ReviewOutcome,
    erased,
    exported,
    labelled,
    listed,
    read_choice,
    refused,
    taken_back,
    without_download,
)
from webui.views.trust_review import review_said, review_view
from webui.visitor import may, visitor

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ood_face.api.served import Served
    from ood_face.service import ReviewService
    from webui.catalogue import Texts
    from webui.trust_review_outcomes import Said

__all__ = ["ReviewPart"]

_NAME = "review"


class ReviewPart:
    """The queue as cards, and what was done last.

    Parameters
    ----------
    served : who may, and what has ``review``
    review : the queue
    """

    def __init__(self, served: Served, review: ReviewService) -> None:
        self._served, self._review = served, review
        # remembered so that it can change its language
        self._outcome = gr.State(None)
        self._said = live("review-said", on_load=SAVING)
        self._list = asking(_NAME, review_view(None, texts(DEFAULT_LANGUAGE)))

    @property
    def remembered(self) -> list[Any]:
        """What stood in the queue when it was looked at last."""
        return [self._outcome]

    @property
    def results(self) -> list[Any]:
        """What was done last, and the list."""
        return [self._said, self._list]

    def show(self, words: Texts, *remembered: Any) -> list[Any]:  # noqa: ANN401 - Gradio's values
        """Return the values of ``results`` in a language."""
        (outcome,) = remembered
        return [review_said(outcome, words), review_view(outcome, words)]

    def connect(self, language: gr.Radio) -> None:
        """Bind the events."""
        done = self._list.submit(
            self._answer,
            [self._list, self._outcome, language],
            [self._outcome, *self.results],
            js=ask_script(_NAME, others=2),
            trigger_mode="multiple",
            **QUIET,
        )
        done.then(None, js=done_script(_NAME), **QUIET)

    def _answer(
        self, sent: object, before: ReviewOutcome | None, language: str, request: gr.Request
    ) -> list[Any]:
        wish = asked(sent)
        known = ReviewOutcome() if before is None else before
        try:
            said = self._do(wish, known, request)
            visitor(request, self._served.access, Role.READ)
            faces = self._review.queue.keeps_crops and may(request, self._served.access, Role.ADMIN)
            found = listed(self._review, read_choice(wish, known.choice), said, faces)
        except OodFaceError as error:
            found = refused(known, error)
        return [without_download(found), *self.show(texts(language), found)]

    def _do(
        self, wish: Mapping[str, Any], before: ReviewOutcome, request: gr.Request
    ) -> Said | None:
        access = self._served.access
        match wish.get("do"):
            case "label":
                return labelled(self._review, wish, visitor(request, access, Role.ENROLL))
            case "undo":
                return taken_back(self._review, before.said, visitor(request, access, Role.ENROLL))
            case "delete":
                return erased(self._review, wish, visitor(request, access, Role.ENROLL))
            case "export":
                return exported(self._review, visitor(request, access, Role.ADMIN))
            case _:
                return before.said
