"""What a visitor does in the review queue, and what came of it: free of language and of layout."""

from __future__ import annotations

import io
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from ood_face.errors import OodFaceError
from ood_face.imaging import encode_png
from ood_face.types import ReviewKind, ReviewLabel, ReviewOrder, ReviewQuery, ReviewState
from webui.event_inputs import unreadable

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import TypeVar

    from ood_face.service import ReviewService
    from ood_face.types import Caller, ReviewItem

    E = TypeVar("E", ReviewOrder, ReviewState)

__all__ = [
    "MOST_LISTED",
    "ReviewCard",
    "ReviewChoice",
    "ReviewOutcome",
    "Said",
    "erased",
    "exported",
    "labelled",
    "listed",
    "read_choice",
    "refused",
    "taken_back",
    "without_download",
]

# so many are looked through; more than that are counted as "more than"
MOST_LISTED = 1000
CARDS_AT_ONCE = 12
_MOST_CARDS = 120
# SQLite has no greater number
_LAST_ITEM = 2**63 - 1


@dataclass(frozen=True, slots=True)
class ReviewChoice:
    """Which verdicts a visitor wants to see.

    Attributes
    ----------
    order : what comes first
    state : open, labelled or all
    kind : what was asked; empty: anything
    scenario : name of the thresholds; empty: any
    shown : at most so many cards
    """

    order: ReviewOrder = ReviewOrder.NEWEST
    state: ReviewState = ReviewState.OPEN
    kind: str = ""
    scenario: str = ""
    shown: int = CARDS_AT_ONCE


@dataclass(frozen=True, slots=True, eq=False)
class ReviewCard:
    """One verdict; ``faces``: the aligned faces as PNG files, empty where none may be seen."""

    item: ReviewItem
    faces: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True)
class Said:
    """What was done last.

    Attributes
    ----------
    what : ``same``, ``different``, ``unusable``, ``taken_back``, ``erased`` or ``exported``
    item_id : of what; None: of nothing that could be taken back
    before : the label it had before; None: it had none
    npz : what was exported
    count : how many items were exported
    """

    what: str
    item_id: int | None = None
    before: ReviewLabel | None = None
    npz: bytes = b""
    count: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class ReviewOutcome:
    """What stands in the queue.

    Attributes
    ----------
    choice : what was asked for
    cards : the first of what matches
    matching : how many match
    waiting, labelled : how many there are, without and with a label
    scenarios : the names that occur
    more_than : there are more than are looked through
    faces_kept : the server keeps aligned faces
    faces_allowed : this visitor may see them
    said : what was done last
    error : why there is no list, or why what was asked for was not done
    """

    choice: ReviewChoice = ReviewChoice()
    cards: tuple[ReviewCard, ...] = ()
    matching: int = 0
    waiting: int = 0
    labelled: int = 0
    scenarios: tuple[str, ...] = ()
    more_than: bool = False
    faces_kept: bool = False
    faces_allowed: bool = False
    said: Said | None = None
    error: OodFaceError | None = None


def read_choice(sent: Mapping[str, Any], before: ReviewChoice) -> ReviewChoice:
    """Return the choice that the browser sent; what it leaves out stays as it was."""
    kind = sent.get("kind", before.kind)
    scenario = sent.get("scenario", before.scenario)
    shown = before.shown + CARDS_AT_ONCE if sent.get("do") == "more" else before.shown
    return ReviewChoice(
        order=_one_of(ReviewOrder, sent.get("order"), before.order),
        state=_one_of(ReviewState, sent.get("state"), before.state),
        kind=kind if isinstance(kind, str) and kind in set(ReviewKind) else "",
        scenario=scenario if isinstance(scenario, str) else "",
        shown=min(shown, _MOST_CARDS),
    )


def listed(
    review: ReviewService, choice: ReviewChoice, said: Said | None, faces_allowed: bool
) -> ReviewOutcome:
    """Return the list; where the queue cannot be read, the error."""
    try:
        everything = review.page(ReviewQuery(ReviewState.ALL, limit=MOST_LISTED))
        wanted = review.page(ReviewQuery(choice.state, choice.order, limit=MOST_LISTED))
        found = [item for item in wanted.items if _matches(item, choice)]
        cards = tuple(_card(review, item, faces_allowed) for item in found[: choice.shown])
    except OodFaceError as error:
        return ReviewOutcome(choice, said=said, error=error)
    labelled_count = sum(item.mark is not None for item in everything.items)
    return ReviewOutcome(
        choice=choice,
        cards=cards,
        matching=len(found),
        waiting=len(everything.items) - labelled_count,
        labelled=labelled_count,
        scenarios=tuple(sorted({item.case.scenario for item in everything.items})),
        more_than=everything.following is not None,
        faces_kept=review.queue.keeps_crops,
        faces_allowed=faces_allowed,
        said=said,
    )


def labelled(review: ReviewService, sent: Mapping[str, Any], caller: Caller) -> Said:
    """Write the label that the browser sent.

    Raises
    ------
    InputError
        It is no label, or there is no such item.
    BackendError
        It cannot be written.
    """
    told, item_id = sent.get("label"), _item_id(sent)
    if not isinstance(told, str) or told not in set(ReviewLabel):
        raise unreadable()
    mark = review.item(item_id).mark
    review.label(item_id, ReviewLabel(told), caller)
    return Said(told, item_id, None if mark is None else mark.label)


def taken_back(review: ReviewService, said: Said | None, caller: Caller) -> Said:
    """Take back what was said last: the item has the label again that it had before."""
    if said is None or said.item_id is None:
        raise unreadable()
    if said.before is None:
        review.take_back(said.item_id, caller)
    else:
        review.label(said.item_id, said.before, caller)
    return Said("taken_back")


def erased(review: ReviewService, sent: Mapping[str, Any], caller: Caller) -> Said:
    """Erase the item that the browser named."""
    review.delete(_item_id(sent), caller)
    return Said("erased")


def exported(review: ReviewService, caller: Caller) -> Said:
    """Return what is labelled as the bytes of an ``.npz`` file."""
    arrays: dict[str, Any] = dict(review.export(caller=caller))
    stream = io.BytesIO()
    np.savez(stream, **arrays)
    return Said("exported", npz=stream.getvalue(), count=len(arrays["labels"]))


def refused(before: ReviewOutcome, error: OodFaceError) -> ReviewOutcome:
    """Return the list as it was, with why what was asked for was not done."""
    return replace(before, error=error)


def without_download(outcome: ReviewOutcome) -> ReviewOutcome:
    """Return the outcome without the exported file, which is not remembered."""
    said = outcome.said
    return outcome if said is None or not said.npz else replace(outcome, said=None)


def _card(review: ReviewService, item: ReviewItem, faces_allowed: bool) -> ReviewCard:
    if not (faces_allowed and item.crop_count):
        return ReviewCard(item)
    return ReviewCard(item, tuple(encode_png(crop) for crop in review.queue.crops(item.item_id)))


def _matches(item: ReviewItem, choice: ReviewChoice) -> bool:
    case = item.case
    return choice.kind in ("", case.kind) and choice.scenario in ("", case.scenario)


def _item_id(sent: Mapping[str, Any]) -> int:
    # as a text: a browser's numbers end at 2^53
    told = sent.get("item")
    if not isinstance(told, str) or not told.isdecimal() or len(told) > len(str(_LAST_ITEM)):
        raise unreadable()
    if int(told) > _LAST_ITEM:
        raise unreadable()
    return int(told)


def _one_of(kind: type[E], told: object, otherwise: E) -> E:
    return next((member for member in kind if member == told), otherwise)
