"""Verdicts that a person should look at: what is kept of them, and what people said."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np

from ood_face.errors import InputError
from ood_face.types.arrays import frozen_array
from ood_face.types.faces import CROP_SIDE_PX, check_score

if TYPE_CHECKING:
    from datetime import datetime

    from numpy.typing import NDArray

    from ood_face.types.decisions import Reason

__all__ = [
    "ReviewCase",
    "ReviewItem",
    "ReviewKind",
    "ReviewLabel",
    "ReviewMark",
    "ReviewOrder",
    "ReviewPage",
    "ReviewQuery",
    "ReviewState",
]

MAX_CROPS = 2
MAX_PAGE = 1000


class ReviewKind(StrEnum):
    """What was asked."""

    COMPARE = "compare"
    IDENTIFY = "identify"
    VERIFY = "verify"


class ReviewLabel(StrEnum):
    """What a person says of the two faces; ``unusable``: nobody can tell."""

    SAME = "same"
    DIFFERENT = "different"
    UNUSABLE = "unusable"


class ReviewOrder(StrEnum):
    """What comes first."""

    NEWEST = "newest"
    UNCERTAIN = "uncertain"


class ReviewState(StrEnum):
    """Which items are meant; ``open``: nobody has labelled them."""

    OPEN = "open"
    LABELLED = "labelled"
    ALL = "all"


@dataclass(frozen=True, slots=True, eq=False)
class ReviewCase:
    """A verdict on its way into the queue; never a feature.

    Attributes
    ----------
    kind : what was asked
    verdict : what was answered
    reasons : why, most important first
    scenario : name of the thresholds that were applied
    model_id : the model that made similarity and scores
    similarity : cosine of the two faces; of a search: with the first candidate
    score_a, score_b : 0..1, of the first picture or the probe, and of the second or the enrolled
        one; None: the model gives none
    probability : P(same), 0..1; None: no calibration was there
    ambiguity : 0..1, 1: the numbers say nothing either way
    gallery, subject_id, template_id : whom the probe was compared with; None: nobody enrolled
    crops : uint8 arrays of shape (112, 112, 3), RGB: the aligned faces that were sent, if the
        operator wants them kept
    """

    kind: ReviewKind
    verdict: str
    reasons: tuple[Reason, ...]
    scenario: str
    model_id: str
    similarity: float
    score_a: float | None
    score_b: float | None
    probability: float | None
    ambiguity: float
    gallery: str | None = None
    subject_id: str | None = None
    template_id: int | None = None
    crops: tuple[NDArray[np.uint8], ...] = ()

    def __post_init__(self) -> None:
        check_score(self.score_a)
        check_score(self.score_b)
        if not 0 <= self.ambiguity <= 1 or not -1.001 <= self.similarity <= 1.001:
            raise InputError(
                "review.numbers",
                "a similarity lies in -1..1 and an ambiguity in 0..1, these are {similarity} and "
                "{ambiguity}",
                similarity=self.similarity,
                ambiguity=self.ambiguity,
            )
        shape = (CROP_SIDE_PX, CROP_SIDE_PX, 3)
        crops = tuple(frozen_array(crop, np.uint8, shape) for crop in self.crops[:MAX_CROPS])
        object.__setattr__(self, "crops", crops)


@dataclass(frozen=True, slots=True)
class ReviewMark:
    """Who said what of an item, and when (UTC)."""

    label: ReviewLabel
    by: str
    at: datetime


@dataclass(frozen=True, slots=True, eq=False)
class ReviewItem:
    """A case in the queue.

    Attributes
    ----------
    item_id : unique in the queue; later ones are greater
    at : when the verdict was given, UTC
    case : what it was about; its crops are left out
    crop_count : so many aligned faces are kept
    mark : what a person said last; None: nobody has yet
    """

    item_id: int
    at: datetime
    case: ReviewCase
    crop_count: int
    mark: ReviewMark | None = None


@dataclass(frozen=True, slots=True)
class ReviewQuery:
    """Which items are sought.

    Attributes
    ----------
    state : open, labelled, or all
    order : what comes first
    after : ``next`` of the page before; None: from the beginning
    limit : at most so many, 1..1000
    """

    state: ReviewState = ReviewState.OPEN
    order: ReviewOrder = ReviewOrder.NEWEST
    after: str | None = None
    limit: int = 100

    def __post_init__(self) -> None:
        if not 1 <= self.limit <= MAX_PAGE:
            raise InputError(
                "review.page",
                "a page has 1 to {limit} entries, not {got}",
                limit=MAX_PAGE,
                got=self.limit,
            )


@dataclass(frozen=True, slots=True, eq=False)
class ReviewPage:
    """Some items; ``following`` leads to the next page, None: there is none."""

    items: tuple[ReviewItem, ...]
    following: str | None
