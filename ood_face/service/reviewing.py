"""``ReviewService``: doubtful verdicts to look at, to label, and to learn from."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ood_face.errors import InputError, ReviewNotFoundError
from ood_face.service.auditing import noted
from ood_face.service.observing import VerdictFeed
from ood_face.types import LOCAL, AuditAction, ReviewLabel, ReviewQuery

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ood_face.ports import AuditLog, ReviewQueue
    from ood_face.types import Caller, ReviewItem, ReviewPage

__all__ = ["ReviewService"]


class ReviewService:
    """Shows, labels, erases and exports what is in the queue; safe to call from several threads.

    Where an item is not there, ReviewNotFoundError is raised. Labels, erasures and exports are
    noted in the audit log.

    Parameters
    ----------
    queue : keeps the items
    audit : notes who did what

    Attributes
    ----------
    feed : tells observers what people said of verdicts that came with a P(same)
    """

    def __init__(self, queue: ReviewQueue, audit: AuditLog) -> None:
        self._queue = queue
        self._audit = audit
        # until the next start; few, for a person took each of them back
        self._taken_back: set[int] = set()
        self.feed = VerdictFeed()

    @property
    def queue(self) -> ReviewQueue:
        """What keeps the items."""
        return self._queue

    def size(self) -> tuple[int, int]:
        """Return how many items there are, and how many of them have a label."""
        return self._queue.size()

    def page(self, query: ReviewQuery | None = None) -> ReviewPage:
        """Return items; without a query, the newest that nobody has labelled."""
        return self._queue.page(ReviewQuery() if query is None else query)

    def item(self, item_id: int) -> ReviewItem:
        """Return one item."""
        return self._queue.item(item_id)

    def crop(self, item_id: int, index: int) -> NDArray[np.uint8]:
        """Return an aligned face of an item: uint8 (112, 112, 3), RGB.

        Parameters
        ----------
        index : 0: the first picture, or the probe; 1: the second

        Raises
        ------
        ReviewNotFoundError
            There is no such item, or the face was not kept.
        """
        crops = self._queue.crops(item_id)
        if not 0 <= index < len(crops):
            raise ReviewNotFoundError(
                "review.no_crop",
                "item {number} of the review queue has {count} aligned faces, and no face "
                "{index}; they are kept only with OOD_FACE_REVIEW_CROPS=true",
                number=item_id,
                count=len(crops),
                index=index,
            )
        return crops[index]

    def label(self, item_id: int, label: ReviewLabel, caller: Caller = LOCAL) -> ReviewItem:
        """Note what the caller says of an item, in place of what was said before."""
        before = self._queue.item(item_id)
        case = before.case
        with noted(
            self._audit, caller, AuditAction.LABEL_REVIEW, case.gallery or "", case.subject_id
        ) as note:
            note.values["item"] = item_id
            labelled = self._queue.label(item_id, label, caller.name)
            note.outcome = label.value
        # the first label alone: one that is corrected or taken back would count twice
        first = before.mark is None and item_id not in self._taken_back
        if first and case.probability is not None and label != ReviewLabel.UNUSABLE:
            self.feed.labelled(case.probability, label == ReviewLabel.SAME)
        return labelled

    def take_back(self, item_id: int, caller: Caller = LOCAL) -> ReviewItem:
        """Take back what was said of an item: it waits for a label again."""
        case = self._queue.item(item_id).case
        with noted(
            self._audit, caller, AuditAction.LABEL_REVIEW, case.gallery or "", case.subject_id
        ) as note:
            note.values["item"] = item_id
            waiting = self._queue.label(item_id, None, caller.name)
            note.outcome = "taken_back"
        self._taken_back.add(item_id)
        return waiting

    def delete(self, item_id: int, caller: Caller = LOCAL) -> None:
        """Erase an item."""
        case = self._queue.item(item_id).case
        with noted(
            self._audit, caller, AuditAction.DELETE_REVIEW, case.gallery or "", case.subject_id
        ) as note:
            note.values["item"] = item_id
            self._queue.delete(item_id)

    def prune(self) -> int:
        """Erase what is older than it is kept; return how many items."""
        return self._queue.prune()

    def export(
        self, model_id: str | None = None, caller: Caller = LOCAL
    ) -> dict[str, NDArray[np.generic]]:
        """Return the items that are labelled as one person or two, as a calibration set.

        A row's group is the enrolled subject it is about; a comparison, of whose people nothing
        is known, is a group of its own. Groups are numbers that mean nothing elsewhere.

        Parameters
        ----------
        model_id : only the items of this model; None: there must be items of one model alone
        caller : for the audit log

        Returns
        -------
        of N rows: ``scores`` float64, similarities; ``labels`` int64, 1: one person, 0: two;
        ``groups`` int64; ``ood_score_a``, ``ood_score_b`` float64, NaN: the model gave none;
        and ``model_id``, one text

        Raises
        ------
        InputError
            Nothing is labelled, or by several models.
        """
        with noted(self._audit, caller, AuditAction.EXPORT_REVIEW, "") as note:
            items = [item for item in self._queue.labelled() if _usable(item, model_id)]
            models = sorted({item.case.model_id for item in items})
            if not items:
                raise InputError(
                    "review.nothing_labelled",
                    "no item of the review queue is labelled as same or different, of model "
                    "{model}",
                    model=model_id or "*",
                )
            if len(models) > 1:
                raise InputError(
                    "review.several_models",
                    "the labelled items are of several models, whose numbers do not compare: "
                    "{models}; name one",
                    models=", ".join(models),
                )
            note.values["items"] = len(items)
        return _arrays(items, models[0])

    def close(self) -> None:
        """Write what is on its way and let go of the queue and of the log."""
        self._queue.close()
        self._audit.close()


def _usable(item: ReviewItem, model_id: str | None) -> bool:
    told = item.mark is not None and item.mark.label is not ReviewLabel.UNUSABLE
    return told and model_id in (None, item.case.model_id)


def _arrays(items: list[ReviewItem], model_id: str) -> dict[str, NDArray[np.generic]]:
    cases = [item.case for item in items]
    groups: dict[object, int] = {}
    whose = [
        groups.setdefault(
            item.item_id
            if item.case.subject_id is None
            else (item.case.gallery, item.case.subject_id),
            len(groups),
        )
        for item in items
    ]
    same = [item.mark is not None and item.mark.label is ReviewLabel.SAME for item in items]
    return {
        "scores": np.array([case.similarity for case in cases], np.float64),
        "labels": np.array(same, np.int64),
        "groups": np.array(whose, np.int64),
        "ood_score_a": _scores([case.score_a for case in cases]),
        "ood_score_b": _scores([case.score_b for case in cases]),
        "model_id": np.array(model_id),
    }


def _scores(scores: list[float | None]) -> NDArray[np.float64]:
    return np.array([np.nan if score is None else score for score in scores], np.float64)
