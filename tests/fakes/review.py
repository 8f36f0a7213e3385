"""A review queue in memory, and cases to put into one."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from ood_face.errors import ReviewNotFoundError, StorageError
from ood_face.monitoring.review_rows import place_of, place_values
from ood_face.types import (
    Reason,
    ReviewCase,
    ReviewItem,
    ReviewKind,
    ReviewMark,
    ReviewOrder,
    ReviewPage,
    ReviewQuery,
    ReviewState,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray

    from ood_face.types import ReviewLabel

START = datetime(2026, 3, 1, 12, tzinfo=UTC)


def case(number: int = 1, **changes: object) -> ReviewCase:
    """Return a verdict about the subject of this number; what is given replaces its fields."""
    made = ReviewCase(
        kind=ReviewKind.VERIFY,
        verdict="review",
        reasons=(Reason("similarity.between", {"similarity": 0.4, "low": 0.35, "high": 0.45}),),
        scenario="default",
        model_id="fake-1",
        similarity=0.4,
        score_a=0.5,
        score_b=0.75,
        probability=None,
        ambiguity=1.0,
        gallery="staff",
        subject_id=f"subject-{number}",
        template_id=number,
    )
    return replace(made, **changes)


def yes() -> bool:
    return True


class FakeReviewQueue:
    """See :class:`ood_face.ports.ReviewQueue`; what is offered is there at once.

    ``broken``: erasing a subject's items fails, as on a full disk.
    """

    def __init__(self, *, keeps_crops: bool = False, broken: bool = False) -> None:
        self._keeps_crops = keeps_crops
        self.broken = broken
        self._items: dict[int, ReviewItem] = {}
        self._crops: dict[int, tuple[NDArray[np.uint8], ...]] = {}
        self._last = 0
        self.closed = False

    @property
    def keeps_crops(self) -> bool:
        return self._keeps_crops

    def offer(self, case: ReviewCase, valid: Callable[[], bool]) -> None:
        if not valid():
            return
        self._last += 1
        at = START + timedelta(seconds=self._last)
        self._crops[self._last] = case.crops
        bare = replace(case, crops=())
        self._items[self._last] = ReviewItem(self._last, at, bare, len(case.crops))

    def flush(self) -> None:
        pass

    def size(self) -> tuple[int, int]:
        return len(self._items), len(self.labelled())

    def page(self, query: ReviewQuery) -> ReviewPage:
        def place(item: ReviewItem) -> tuple[int, ...]:
            return place_values(place_of(item, query.order), query.order)

        found = [
            item
            for item in self._items.values()
            if query.state is ReviewState.ALL
            or (item.mark is not None) == (query.state is ReviewState.LABELLED)
        ]
        found.sort(key=place, reverse=True)
        if query.after is not None:
            after = place_values(query.after, query.order)
            found = [item for item in found if place(item) < after]
        items = found[: query.limit]
        more = len(found) > query.limit
        return ReviewPage(tuple(items), place_of(items[-1], query.order) if more else None)

    def item(self, item_id: int) -> ReviewItem:
        if item_id not in self._items:
            raise ReviewNotFoundError(
                "review.unknown", "the review queue has no item {number}", number=item_id
            )
        return self._items[item_id]

    def crops(self, item_id: int) -> tuple[NDArray[np.uint8], ...]:
        self.item(item_id)
        return self._crops[item_id]

    def label(self, item_id: int, label: ReviewLabel | None, by: str) -> ReviewItem:
        mark = None if label is None else ReviewMark(label, by, START)
        marked = replace(self.item(item_id), mark=mark)
        self._items[item_id] = marked
        return marked

    def delete(self, item_id: int) -> None:
        self.item(item_id)
        del self._items[item_id]

    def labelled(self) -> list[ReviewItem]:
        return [item for item in self._items.values() if item.mark is not None]

    def forget(self, gallery: str, subject_id: str | None = None) -> int:
        if self.broken:
            raise StorageError("storage.failed", "broken")
        gone = [
            key
            for key, item in self._items.items()
            if item.case.gallery == gallery and subject_id in (None, item.case.subject_id)
        ]
        for key in gone:
            del self._items[key]
        return len(gone)

    def watch(self, enrolled: Callable[[str, str], bool]) -> None:
        self.enrolled = enrolled

    def prune(self) -> int:
        return 0

    def close(self) -> None:
        self.closed = True


def everything(queue: object, order: ReviewOrder = ReviewOrder.NEWEST) -> list[ReviewItem]:
    """Return all items of a queue, whatever is said of them."""
    return list(queue.page(ReviewQuery(ReviewState.ALL, order, None, 1000)).items)
