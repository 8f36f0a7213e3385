"""A log file that begins anew every day, while another process goes on writing to it.

The file is renamed, and its writer told to open it again: until it does, its lines go into the
renamed file, so that none is lost and none comes twice.
"""

from __future__ import annotations

import logging
import os
import re
import stat
from contextlib import suppress
from datetime import date
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

__all__ = ["DailyLog", "Limits"]

_logger = logging.getLogger(__name__)
_ASK_TIMES = 3


class Limits(NamedTuple):
    """How much is kept.

    Attributes
    ----------
    days : days whose lines are kept, beside those of the current one
    piece_bytes : a file that is larger is rotated before the day ends
    total_bytes : all rotated files together
    spare_bytes : nothing is rotated while the disk has less
    """

    days: int = 7
    piece_bytes: int = 50 * 2**20
    total_bytes: int = 2**30
    spare_bytes: int = 2**20


class _Piece(NamedTuple):
    day: date
    number: int
    path: Path


class DailyLog:
    """One log file, its rotated pieces ``NAME.YYYY-MM-DD[.N]``, and the day it belongs to.

    The day stands in the file ``.NAME.day`` beside it, so that a night in which nothing ran does
    not put the lines of two days into one piece. Pieces are counted, never measured against the
    clock: a clock that jumps neither deletes pieces nor makes many.

    Parameters
    ----------
    path : the file
    reopen : tells the writer to open ``path`` again
    limits : how much is kept
    """

    def __init__(
        self, path: Path, reopen: Callable[[], None], limits: Limits | None = None
    ) -> None:
        self._path = path
        self._reopen = reopen
        self._limits = limits or Limits()
        self._today: date | None = None
        self._asked = 0
        self._day_file = path.with_name(f".{path.name}.day")
        # the writer's own emergency brake: it renames a file that grew between two looks at it
        self._overflow = path.with_name(f"{path.name}.1")
        self._pattern = re.compile(rf"{re.escape(path.name)}\.(\d{{4}}-\d\d-\d\d)(?:\.(\d+))?")

    def tend(self, today: date) -> None:
        """Rotate if the day has changed or the file is too large; delete what is too old.

        Parameters
        ----------
        today : the local date

        Raises
        ------
        OSError
            The folder cannot be changed. Nothing is lost; the next call tries again.
        """
        try:
            state = self._path.lstat()
        except FileNotFoundError:
            self._ask_for_file(today)
            return
        self._asked = 0
        if not stat.S_ISREG(state.st_mode):
            return
        day = self._day(state.st_mtime)
        if self._overflow.exists():
            self._archive(self._overflow, day)
        if today > day or state.st_size >= self._limits.piece_bytes:
            self._rotate(state.st_size, day)
        if today != self._today:
            # also when the clock went back: the file is then that of the day it shows
            self._note(today)

    def _ask_for_file(self, today: date) -> None:
        # whoever took it away, its writer must not write on into nothing; a writer that has
        # nothing to write to it, such as a program that was stopped, need not be asked for ever
        if self._asked < _ASK_TIMES:
            self._require_room()
            self._asked += 1
            self._reopen()
        if self._today != today:
            self._note(today)

    def _require_room(self) -> None:
        # supervisord 4.3 ends with an OSError if it has to open its logs again and cannot write
        # what it still holds of the old ones (tried on a full tmpfs)
        disk = os.statvfs(self._path.parent)
        if disk.f_bavail * disk.f_frsize < self._limits.spare_bytes:
            message = "the disk is too full to rotate logs"
            raise OSError(message)

    def _rotate(self, size: int, day: date) -> None:
        if size == 0:
            return
        self._require_room()
        piece = self._archive(self._path, day)
        self._reopen()
        _logger.info("%s is now %s", self._path.name, piece.name)
        self._prune(day)

    def _archive(self, path: Path, day: date) -> Path:
        taken = [piece.number for piece in self._pieces() if piece.day == day]
        name = f"{self._path.name}.{day}"
        target = path.with_name(f"{name}.{max(taken) + 1}" if taken else name)
        path.rename(target)
        return target

    def _prune(self, newest: date) -> None:
        pieces = self._pieces()
        # what was rotated just now stays, even if a wrong clock makes it look the oldest
        others = sorted({piece.day for piece in pieces} - {newest}, reverse=True)
        kept = {newest, *others[: self._limits.days - 1]}
        total = 0
        for piece in sorted(pieces, key=lambda piece: (piece.day == newest, piece), reverse=True):
            size = piece.path.stat().st_size
            total += size
            if piece.day not in kept or (total > self._limits.total_bytes and total > size):
                piece.path.unlink()
                _logger.info("%s is deleted", piece.path.name)

    def _pieces(self) -> list[_Piece]:
        found = []
        for path in self._path.parent.iterdir():
            match = self._pattern.fullmatch(path.name)
            if match is None:
                continue
            with suppress(ValueError):  # a name of somebody else's, such as 2026-99-99
                day = date.fromisoformat(match[1])
                found.append(_Piece(day, int(match[2] or 0), path))
        return found

    def _day(self, changed_at: float) -> date:
        if self._today is not None:
            return self._today
        try:
            return date.fromisoformat(self._day_file.read_text(encoding="ascii").strip())
        except (FileNotFoundError, ValueError):
            return date.fromtimestamp(changed_at)

    def _note(self, day: date) -> None:
        self._today = day  # first: what cannot be written is not to be done again and again
        fresh = self._day_file.with_suffix(".new")
        fresh.write_text(f"{day}\n", encoding="ascii")
        fresh.replace(self._day_file)
