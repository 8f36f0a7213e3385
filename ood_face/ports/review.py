"""What keeps verdicts for people to look at."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray

    from ood_face.types import ReviewCase, ReviewItem, ReviewLabel, ReviewPage, ReviewQuery

__all__ = ["ReviewQueue"]


class ReviewQueue(Protocol):
    """A bounded queue of doubtful verdicts; safe to call from several threads.

    All calls but :meth:`offer` raise BackendError where the file below fails, and
    ReviewNotFoundError where an item is not there.
    """

    @property
    def keeps_crops(self) -> bool:
        """Whether aligned faces are kept."""
        ...

    def offer(self, case: ReviewCase, valid: Callable[[], bool]) -> None:
        """Take a case in, soon; never waits and never raises.

        What cannot be taken in is left out, and the log says so.

        Parameters
        ----------
        case : the verdict
        valid : asked just before it is written; False: whom it is about is not enrolled any more
        """
        ...

    def size(self) -> tuple[int, int]:
        """Return how many items there are, and how many of them have a label."""
        ...

    def page(self, query: ReviewQuery) -> ReviewPage:
        """Return items.

        Raises
        ------
        InputError
            The query's ``after`` is no place in this order.
        """
        ...

    def item(self, item_id: int) -> ReviewItem:
        """Return one item."""
        ...

    def crops(self, item_id: int) -> tuple[NDArray[np.uint8], ...]:
        """Return the aligned faces of an item, each (112, 112, 3), RGB; empty: none are kept."""
        ...

    def label(self, item_id: int, label: ReviewLabel | None, by: str) -> ReviewItem:
        """Note what a person says of an item, in place of what was said before.

        Parameters
        ----------
        item_id : of the item
        label : None takes back what was said: nobody has labelled it then
        by : who says so
        """
        ...

    def delete(self, item_id: int) -> None:
        """Erase an item."""
        ...

    def labelled(self) -> list[ReviewItem]:
        """Return all items that have a label, oldest first."""
        ...

    def forget(self, gallery: str, subject_id: str | None = None) -> int:
        """Erase what is about a subject, or about all of a gallery; return how many items.

        Call it after the subject was erased: what is still on its way in then finds it gone.
        """
        ...

    def watch(self, enrolled: Callable[[str, str], bool]) -> None:
        """Ask from now on, a little every minute, and erase what is about nobody any more.

        So items go, too, of who was erased by another process, or just before one was killed.

        Parameters
        ----------
        enrolled : says of a gallery and an id whether that subject is there
        """
        ...

    def prune(self) -> int:
        """Erase what is older than it is kept; return how many items."""
        ...

    def close(self) -> None:
        """Write what was offered, and let go of the file; may be called twice."""
        ...
