"""What is done in the background: indexes are saved, erasures finished."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from ood_face.matching.sqlite.cache import IndexCache
    from ood_face.matching.sqlite.erasing import Eraser

__all__ = ["Keeper"]

# an index that changes all the time is saved this often
_AT_MOST_S = 60.0


class Keeper:
    """A thread that saves indexes some time after they have changed, and retries erasures.

    Parameters
    ----------
    caches : returns the indexes there are
    eraser : what finishes erasures
    save_after_s : an index is saved when it has not changed for so long, and every 60 s
    """

    def __init__(
        self, caches: Callable[[], Iterable[IndexCache]], eraser: Eraser, save_after_s: float
    ) -> None:
        self._caches = caches
        self._eraser = eraser
        self._save_after_s = save_after_s
        self._not_before = 0.0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="gallery-keeper", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Finish what is under way, and save what is not saved."""
        self._stop.set()
        self._thread.join()
        for cache in self._caches():
            cache.save()
        if self._eraser.pending:
            self._eraser.finish()

    def _run(self) -> None:
        while not self._stop.wait(min(1.0, self._save_after_s)):
            self._save(time.monotonic())
            if self._eraser.pending:
                # without waiting: a backup that reads for a minute is not to stop those who write
                self._eraser.finish(wait_s=0)

    def _save(self, now: float) -> None:
        for cache in self._caches():
            unsaved = cache.unsaved
            if unsaved is None or now < self._not_before:
                continue
            since, last = unsaved
            due = now - last >= self._save_after_s or now - since >= _AT_MOST_S
            if due and not cache.save():
                # a full disk does not empty itself: nothing is gained by trying all the time
                self._not_before = now + _AT_MOST_S
