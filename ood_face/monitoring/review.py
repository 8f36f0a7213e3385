"""The review queue: a verdict hands its case over and goes on; a thread writes it."""

from __future__ import annotations

import logging
import queue
import threading
import time
from datetime import timedelta
from typing import TYPE_CHECKING

from ood_face.errors import BackendError
from ood_face.monitoring.review_store import Offer, ReviewStore, utc_now

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from ood_face.types import ReviewCase, ReviewItem, ReviewLabel, ReviewPage, ReviewQuery

__all__ = ["SqliteReviewQueue"]

# in memory; with two aligned faces each, 20 MB
_WAITING = 256
# written at once, so that a crowd costs few transactions
_BATCH = 64
_PRUNE_EVERY_S = 3600.0
# whether so many subjects are enrolled still is asked so often: ten thousand in two hours. Not
# at once: a command that looks at other galleries for a moment is to erase nothing
_SWEEP = 100
_SWEEP_EVERY_S = 60.0
# a disk that stays full is told about this often
_COMPLAIN_EVERY_S = 60.0
_CLOSE_TIMEOUT_S = 15.0

_logger = logging.getLogger(__name__)


class SqliteReviewQueue:
    """See :class:`ood_face.ports.ReviewQueue`; several processes may use one file.

    Parameters
    ----------
    folder : the data folder; made where it is not there
    most_items : the oldest without a label go first; 0: none is taken in
    keep_days : how long an item stays
    keep_crops : whether aligned faces are kept
    now : UTC clock

    Raises
    ------
    StorageError
        The file cannot be used.
    """

    def __init__(
        self,
        folder: Path,
        *,
        most_items: int,
        keep_days: int,
        keep_crops: bool = False,
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        self._store = ReviewStore(folder, most_items, timedelta(days=keep_days), now)
        self._keep_crops = keep_crops
        self._now = now
        self._waiting: queue.Queue[Offer | None] = queue.Queue(_WAITING)
        self._most_items = most_items
        self._closing = threading.Lock()
        self._closed = False
        self._complained_s = -_COMPLAIN_EVERY_S
        self._left_out = 0
        self._enrolled: Callable[[str, str], bool] | None = None
        self._swept = ("", "")
        self._writer = threading.Thread(target=self._write, name="review", daemon=True)
        self._writer.start()

    @property
    def keeps_crops(self) -> bool:
        """Whether aligned faces are kept."""
        return self._keep_crops

    def offer(self, case: ReviewCase, valid: Callable[[], bool]) -> None:
        """Take a case in, soon; never waits and never raises."""
        if self._closed:
            self._complain(1, "it is closed")
            return
        if self._most_items == 0:
            return
        try:
            self._waiting.put_nowait(Offer(self._now(), case, valid))
        except queue.Full:
            self._complain(1, "more come than can be written")

    def flush(self) -> None:
        """Wait until what was offered is written, or was left out."""
        self._waiting.join()

    def size(self) -> tuple[int, int]:
        """Return how many items there are, and how many of them have a label."""
        return self._store.size()

    def page(self, query: ReviewQuery) -> ReviewPage:
        """Return items."""
        return self._store.page(query)

    def item(self, item_id: int) -> ReviewItem:
        """Return one item."""
        return self._store.item(item_id)

    def crops(self, item_id: int) -> tuple[NDArray[np.uint8], ...]:
        """Return the aligned faces of an item, each (112, 112, 3), RGB; empty: none are kept."""
        return self._store.crops(item_id)

    def label(self, item_id: int, label: ReviewLabel | None, by: str) -> ReviewItem:
        """Note what a person says of an item, or take it back."""
        return self._store.label(item_id, label, by)

    def delete(self, item_id: int) -> None:
        """Erase an item."""
        self._store.delete(item_id)

    def labelled(self) -> list[ReviewItem]:
        """Return all items that have a label, oldest first."""
        return self._store.labelled()

    def forget(self, gallery: str, subject_id: str | None = None) -> int:
        """Erase what is about a subject, or about all of a gallery; return how many items."""
        return self._store.forget(gallery, subject_id)

    def watch(self, enrolled: Callable[[str, str], bool]) -> None:
        """Ask from now on, a little every minute, and erase what is about nobody any more."""
        self._enrolled = enrolled

    def sweep(self) -> int:
        """Ask about the next subjects; return how many items were erased.

        Raises
        ------
        BackendError
            It could not be asked, or not be erased; the next call goes on behind it.
        """
        if self._enrolled is None:
            return 0
        subjects = self._store.subjects(self._swept, _SWEEP)
        self._swept = subjects[-1] if len(subjects) == _SWEEP else ("", "")
        return sum(
            self._store.forget(gallery, subject_id)
            for gallery, subject_id in subjects
            if not self._enrolled(gallery, subject_id)
        )

    def prune(self) -> int:
        """Erase what is older than it is kept; return how many items."""
        return self._store.prune()

    def close(self) -> None:
        """Write what was offered, and let go of the file; may be called twice."""
        with self._closing:
            if self._closed:
                return
            self._closed = True
        self._waiting.put(None)
        self._writer.join(_CLOSE_TIMEOUT_S)
        self._store.close()

    def _write(self) -> None:
        pruned_s, swept_s = -_PRUNE_EVERY_S, time.monotonic()
        while True:
            batch = self._next()
            offers = [offer for offer in batch if offer is not None]
            try:
                if offers:
                    self._store.add(offers)
            except BackendError as exc:
                self._complain(len(offers), str(exc))
            try:
                now = time.monotonic()
                if now - pruned_s >= _PRUNE_EVERY_S:
                    pruned_s = now
                    self._store.prune_unasked()
                if now - swept_s >= _SWEEP_EVERY_S:
                    swept_s = now
                    self.sweep()
                if self._store.owing:
                    self._store.settle()
            except BackendError as exc:
                _logger.warning("the review queue is not cleared of what is to go: %s", exc)
            finally:
                for _ in batch:
                    self._waiting.task_done()
            if len(offers) < len(batch):
                return

    def _next(self) -> list[Offer | None]:
        try:
            batch = [self._waiting.get(timeout=_COMPLAIN_EVERY_S)]
        except queue.Empty:
            return []
        while len(batch) < _BATCH:
            try:
                batch.append(self._waiting.get_nowait())
            except queue.Empty:
                break
        return batch

    def _complain(self, count: int, problem: str) -> None:
        # a verdict goes on without its item; the log says how many did, and does not flood
        self._left_out += count
        now = time.monotonic()
        if now - self._complained_s >= _COMPLAIN_EVERY_S:
            self._complained_s = now
            _logger.error("%d verdicts are not in the review queue: %s", self._left_out, problem)
            self._left_out = 0
