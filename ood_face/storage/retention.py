"""How old what is kept may grow, by a clock that may have jumped."""

from __future__ import annotations

import logging
import time
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Retention"]

# longer than a server is off over a holiday; a clock that is wrong is mostly wrong by years
_LEAP = timedelta(days=45)
# for people to see the warning and set the clock
_CONFIRMED_AFTER = timedelta(days=1)

_logger = logging.getLogger(__name__)


class Retention:
    """Says from which moment on things are kept.

    A clock that is far ahead would have everything deleted. So the time is believed only where
    it follows, within 45 days, on what was there last: the newest thing kept that is older than a
    day, and later the time believed before. A leap beyond is believed when the clock has stayed
    there for a day; until then the time goes on from where it was.

    Parameters
    ----------
    what : is kept, for the log
    keep : how long
    now : UTC clock
    seconds : monotonic clock
    """

    def __init__(
        self,
        what: str,
        keep: timedelta,
        now: Callable[[], datetime],
        seconds: Callable[[], float] = time.monotonic,
    ) -> None:
        self._what = what
        self._keep = keep
        self._now = now
        self._seconds = seconds
        # the time that was believed, and when that was
        self._believed: tuple[datetime, float] | None = None
        self._doubted_s: float | None = None

    def oldest(self, newest_before: Callable[[datetime], datetime | None]) -> datetime:
        """Return the moment before which everything may be deleted.

        Parameters
        ----------
        newest_before : returns when the newest thing was kept that is older than a moment;
            None: there is none
        """
        now, seconds = self._now(), self._seconds()
        if self._believed is None:
            # what is younger may have come by the same wrong clock
            newest = newest_before(now - _CONFIRMED_AFTER)
            due = now if newest is None else newest
        else:
            before, before_s = self._believed
            due = before + timedelta(seconds=seconds - before_s)
        if now - due <= _LEAP or self._is_confirmed(now - due, seconds):
            self._doubted_s = None
            due = now
        self._believed = due, seconds
        return due - self._keep

    def _is_confirmed(self, leap: timedelta, seconds: float) -> bool:
        if self._doubted_s is None:
            self._doubted_s = seconds
            _logger.warning(
                "the clock is %d days ahead of the %s: is it right? Old entries stay for a day",
                leap.days,
                self._what,
            )
        return seconds - self._doubted_s >= _CONFIRMED_AFTER.total_seconds()
