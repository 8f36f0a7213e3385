"""The report of a bulk enrolment: a CSV file with a line for each picture, written as it goes."""

from __future__ import annotations

import csv
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from ood_face.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

    from ood_face.cli.gallery_outcomes import Outcome

__all__ = ["EnrolmentReport"]

COLUMNS = ("time", "picture", "subject_id", "status", "ood_score", "template_id", "code", "reason")


class EnrolmentReport:
    """A context that appends to a file; each line is there before the next picture is worked on.

    A run that goes on after an interruption adds its lines to those of the run before.

    Parameters
    ----------
    path : the file; UTF-8 with the mark by which spreadsheet programs know it

    Raises
    ------
    InputError
        It cannot be written, or it is there and no such report.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            # names of files that are no text keep their bytes
            self._stream = path.open(
                "a+", encoding="utf-8", errors="surrogateescape", newline="", buffering=1
            )
        except OSError as exc:
            raise self._unwritable() from exc
        self._writer = csv.writer(self._stream)
        try:
            self._begin()
        except BaseException:
            with suppress(OSError):
                self._stream.close()
            raise

    def __enter__(self) -> EnrolmentReport:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        # each line is out already; what could not be written has been said
        with suppress(OSError):
            self._stream.close()

    def write(self, outcome: Outcome) -> None:
        """Add the line of one picture.

        Raises
        ------
        InputError
            It cannot be written.
        """
        row = (
            datetime.now(UTC).isoformat(timespec="seconds"),
            _as_text(outcome.picture),
            _as_text(outcome.subject_id),
            outcome.status,
            "" if outcome.ood_score is None else f"{outcome.ood_score:.4f}",
            "" if outcome.template_id is None else outcome.template_id,
            outcome.code or "",
            " ".join(outcome.reasons),
        )
        self._append(row)

    def _begin(self) -> None:
        head = ",".join(COLUMNS)
        self._stream.seek(0)
        start = self._stream.read(len(head) + 3).removeprefix("\ufeff")
        if not start:
            self._stream.write("\ufeff")
            self._append(COLUMNS)
        elif start.rstrip("\r\n") != head and not start.startswith(f"{head}\r\n"):
            raise InputError(
                "enroll.report_other",
                "{file} is there and is no report of an enrolment; name another file",
                file=str(self._path),
            )
        elif not self._ends_whole():
            self._stream.write("\r\n")

    def _ends_whole(self) -> bool:
        with self._path.open("rb") as stream:
            stream.seek(-1, 2)
            return stream.read(1) == b"\n"

    def _append(self, row: tuple[object, ...]) -> None:
        try:
            self._writer.writerow(row)
            self._stream.flush()
        except OSError as exc:
            raise self._unwritable() from exc

    def _unwritable(self) -> InputError:
        return InputError(
            "file.unwritable", "{file} cannot be written; check its folder", file=str(self._path)
        )


def _as_text(cell: str) -> str:
    # a spreadsheet takes such a beginning for a formula; names of files come from elsewhere
    return f"'{cell}" if cell.startswith(("=", "+", "-", "@", "\t", "\r")) else cell
