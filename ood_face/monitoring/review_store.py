"""The review queue's file: what is in it, how much of it, and for how long."""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from ood_face.errors import BackendError, ReviewNotFoundError
from ood_face.monitoring.review_rows import (
    COLUMNS,
    MIGRATIONS,
    crop_of,
    item_of,
    item_values,
    place_of,
    place_values,
    stamp,
    subject_bytes,
    subject_id_of,
)
from ood_face.storage import LOG_CACHE_KIB, Database, Retention
from ood_face.types import ReviewOrder, ReviewPage, ReviewState

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from ood_face.types import ReviewCase, ReviewItem, ReviewLabel, ReviewQuery

__all__ = ["FILE", "Offer", "ReviewStore", "utc_now"]

FILE = "review.sqlite"

_FROM = "FROM item LEFT JOIN subject ON subject.item = item.id"
_WHERE = {
    ReviewState.OPEN: "label IS NULL",
    ReviewState.LABELLED: "label IS NOT NULL",
    ReviewState.ALL: "TRUE",
}
# the first to go come first
_INSERT = """
INSERT INTO item (id, at, kind, verdict, reasons, scenario, model, similarity, score_a, score_b,
  probability, ambiguity, gallery, template)
VALUES (:id, :at, :kind, :verdict, :reasons, :scenario, :model, :similarity, :score_a, :score_b,
  :probability, :ambiguity, :gallery, :template)"""
_ERASE_ITEM = "DELETE FROM item WHERE id = ?"
_ERASE_OLD = "DELETE FROM item WHERE at < ?"
_ERASE_TOO_MANY = """
DELETE FROM item WHERE id IN (SELECT id FROM item ORDER BY label IS NOT NULL, id
  LIMIT MAX(0, (SELECT COUNT(*) FROM item) - ?))"""
_ERASE_GALLERY = "DELETE FROM item WHERE gallery = ?"
_ERASE_SUBJECT = """
DELETE FROM item WHERE gallery = ? AND id IN (SELECT item FROM subject WHERE subject = ?)"""
_LONGEST_NAME = 100

_logger = logging.getLogger(__name__)


class Offer(NamedTuple):
    """A case, when it came, and what says whether whom it is about is still enrolled."""

    at: datetime
    case: ReviewCase
    valid: Callable[[], bool]


class ReviewStore:
    """Keeps items; safe to call from several threads and processes.

    What is deleted is overwritten in the file (``secure_delete``), and the write-ahead log is
    emptied after it; where another process reads just then, at the next chance: ``owing`` says so.

    Parameters
    ----------
    folder : the data folder; made where it is not there
    most : items; the oldest without a label go first, then the oldest
    keep : how long an item stays
    now : UTC clock

    Raises
    ------
    StorageError
        The file cannot be used.
    """

    def __init__(
        self, folder: Path, most: int, keep: timedelta, now: Callable[[], datetime]
    ) -> None:
        self._database = Database(
            folder / FILE, MIGRATIONS, synchronous="NORMAL", cache_kib=LOG_CACHE_KIB
        )
        self._most = most
        self._keep = keep
        self._retention = Retention("review queue's newest item", keep, now)
        self._now = now
        self.owing = False

    def add(self, offers: Sequence[Offer]) -> int:
        """Write cases, except those about somebody who is not enrolled any more; return how many.

        Whether somebody is, is asked while nobody else can write: who erases a subject and calls
        :meth:`forget` afterwards either comes later or has made the answer no.
        """
        added = 0
        with self._database.writing() as connection:
            (item_id,) = connection.execute("SELECT COALESCE(MAX(id), 0) FROM item").fetchone()
            for at, case, valid in offers:
                if not valid():
                    continue
                item_id = max(item_id + 1, _microseconds(at))
                connection.execute(_INSERT, item_values(item_id, at, case))
                if case.subject_id is not None:
                    who = (item_id, subject_bytes(case.subject_id))
                    connection.execute("INSERT INTO subject (item, subject) VALUES (?, ?)", who)
                for index, crop in enumerate(case.crops):
                    connection.execute(
                        "INSERT INTO crop (number, item, pixels) VALUES (?, ?, ?)",
                        (2 * item_id + index, item_id, crop.tobytes()),
                    )
                added += 1
            connection.execute(_ERASE_TOO_MANY, (self._most,))
        return added

    def size(self) -> tuple[int, int]:
        """Return how many items there are, and how many of them have a label."""
        with self._database.reading() as connection:
            row = connection.execute("SELECT COUNT(*), COUNT(label) FROM item").fetchone()
        return int(row[0]), int(row[1])

    def page(self, query: ReviewQuery) -> ReviewPage:
        """Return items; see :class:`ood_face.ports.ReviewQueue`."""
        newest = query.order is ReviewOrder.NEWEST
        where = _WHERE[query.state]
        values: tuple[int, ...] = ()
        columns = "item.id" if newest else "ambiguity, item.id"
        order = "item.id DESC" if newest else "ambiguity DESC, item.id DESC"
        if query.after is not None:
            values = place_values(query.after, query.order)
            where += f" AND ({columns}) < ({', '.join('?' * len(values))})"
        with self._database.reading() as connection:
            rows = connection.execute(
                f"SELECT {COLUMNS} {_FROM} WHERE {where} ORDER BY {order} LIMIT ?",
                (*values, query.limit + 1),
            ).fetchall()
        items = tuple(item_of(row) for row in rows[: query.limit])
        more = len(rows) > query.limit
        return ReviewPage(items, place_of(items[-1], query.order) if more else None)

    def item(self, item_id: int) -> ReviewItem:
        """Return one item."""
        with self._database.reading() as connection:
            row = connection.execute(
                f"SELECT {COLUMNS} {_FROM} WHERE item.id = ?",
                (item_id,),
            ).fetchone()
        if row is None:
            raise _unknown(item_id)
        return item_of(row)

    def crops(self, item_id: int) -> tuple[NDArray[np.uint8], ...]:
        """Return the aligned faces of an item."""
        self.item(item_id)
        with self._database.reading() as connection:
            rows = connection.execute(
                "SELECT pixels FROM crop WHERE item = ? ORDER BY number", (item_id,)
            ).fetchall()
        return tuple(crop_of(pixels) for (pixels,) in rows)

    def labelled(self) -> list[ReviewItem]:
        """Return all items that have a label, oldest first."""
        with self._database.reading() as connection:
            rows = connection.execute(
                f"SELECT {COLUMNS} {_FROM} WHERE label IS NOT NULL ORDER BY item.id"
            ).fetchall()
        return [item_of(row) for row in rows]

    def label(self, item_id: int, label: ReviewLabel | None, by: str) -> ReviewItem:
        """Note what a person says of an item; None: take it back."""
        told: tuple[str | None, str | None, str | None] = (None, None, None)
        if label is not None:
            told = (label.value, by[:_LONGEST_NAME], stamp(self._now()))
        row = (*told, item_id)
        with self._database.writing() as connection:
            changed = connection.execute(
                "UPDATE item SET label = ?, label_by = ?, label_at = ? WHERE id = ?", row
            ).rowcount
        if not changed:
            raise _unknown(item_id)
        return self.item(item_id)

    def delete(self, item_id: int) -> None:
        """Erase an item."""
        if not self._erase(_ERASE_ITEM, (item_id,)):
            raise _unknown(item_id)

    def forget(self, gallery: str, subject_id: str | None) -> int:
        """Erase what is about a subject, or about all of a gallery."""
        if subject_id is None:
            return self._erase(_ERASE_GALLERY, (gallery,))
        return self._erase(
            _ERASE_SUBJECT,
            (gallery, subject_bytes(subject_id)),
        )

    def subjects(self, after: tuple[str, str], limit: int) -> list[tuple[str, str]]:
        """Return whom items are about, as gallery and id, in an order of their own.

        Parameters
        ----------
        after : the last of those before; two empty texts: from the beginning
        """
        with self._database.reading() as connection:
            rows = connection.execute(
                "SELECT DISTINCT gallery, subject FROM subject JOIN item ON item.id = item "
                "WHERE (gallery, subject) > (?, ?) ORDER BY gallery, subject LIMIT ?",
                (after[0], subject_bytes(after[1]), limit),
            ).fetchall()
        return [(gallery, subject_id_of(subject)) for gallery, subject in rows]

    def prune(self) -> int:
        """Erase what is older than it is kept, by the clock, and what is too many."""
        return self._prune(self._now() - self._keep)

    def prune_unasked(self) -> int:
        """Do so, unless the clock may have jumped: see :class:`ood_face.storage.Retention`."""
        return self._prune(self._retention.oldest(self._newest_before))

    def _newest_before(self, moment: datetime) -> datetime | None:
        with self._database.reading() as connection:
            (at,) = connection.execute(
                "SELECT MAX(at) FROM item WHERE at < ?", (stamp(moment),)
            ).fetchone()
        return None if at is None else datetime.fromisoformat(at)

    def settle(self) -> None:
        """Empty the write-ahead log of what was deleted, or remember that this is owed."""
        try:
            self.owing = not self._database.scrub()
        except BackendError as exc:
            self.owing = True
            _logger.warning("what was deleted is still in the review queue's log: %s", exc)

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    def _prune(self, oldest: datetime) -> int:
        old = self._erase(_ERASE_OLD, (stamp(oldest),))
        return old + self._erase(_ERASE_TOO_MANY, (self._most,))

    def _erase(self, statement: str, values: tuple[object, ...]) -> int:
        with self._database.writing() as connection:
            erased = connection.execute(statement, values).rowcount
        if erased or self.owing:
            self.settle()
        return erased


def utc_now() -> datetime:
    """Return the time."""
    return datetime.now(UTC)


def _microseconds(moment: datetime) -> int:
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


def _unknown(item_id: int) -> ReviewNotFoundError:
    return ReviewNotFoundError(
        "review.unknown", "the review queue has no item {number}", number=item_id
    )
