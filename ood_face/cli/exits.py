"""Exit codes, and how an error becomes one line and one of them."""

from __future__ import annotations

import json
import sys
from contextlib import contextmanager
from enum import IntEnum
from typing import TYPE_CHECKING

import typer

from ood_face.errors import (
    AccessError,
    ArtifactError,
    BackendError,
    ConfigError,
    GalleryError,
    GalleryNotFoundError,
    InputError,
    MultipleFacesError,
    NoFaceError,
    OodFaceError,
    ReviewNotFoundError,
    SubjectNotFoundError,
    TemplateNotFoundError,
    UnknownScenarioError,
)
from ood_face.messages import error_sentence
from ood_face.types import IdentifyVerdict, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ood_face.messages import Language

__all__ = [
    "EXIT_OF_IDENTITY",
    "EXIT_OF_VERDICT",
    "HELP_EPILOG",
    "ExitCode",
    "errors_as_exits",
    "exit_code",
    "printable",
    "report",
]


class ExitCode(IntEnum):
    """What the command says to a script."""

    OK = 0
    DIFFERENT = 1
    USAGE = 2
    REVIEW = 3
    RECAPTURE = 4
    NO_FACE = 5
    SEVERAL_FACES = 6
    PICTURE = 7
    SETUP = 8
    FAILED = 9
    REFUSED = 10
    INTERRUPTED = 130  # as shells say it of a program that Ctrl-C has ended


HELP_EPILOG = (
    "Exit codes: 0 the same person, identified, or done; 1 different people, or nobody who is "
    "enrolled; 2 wrong usage, or no such scenario, gallery, subject or key; 3 a person should "
    "look; 4 take another picture; 5 no face; 6 several faces; 7 a file is missing, unreadable or "
    "too large; 8 weights or settings are wrong; 9 the service failed or is busy; 10 refused "
    "because of what is there already, or some of many pictures were refused; 130 interrupted. Of "
    "several files that fail, the highest code counts."
)
EXIT_OF_VERDICT = {
    Verdict.SAME: ExitCode.OK,
    Verdict.DIFFERENT: ExitCode.DIFFERENT,
    Verdict.REVIEW: ExitCode.REVIEW,
    Verdict.RECAPTURE: ExitCode.RECAPTURE,
}
EXIT_OF_IDENTITY = {
    IdentifyVerdict.IDENTIFIED: ExitCode.OK,
    IdentifyVerdict.UNKNOWN: ExitCode.DIFFERENT,
    IdentifyVerdict.REVIEW: ExitCode.REVIEW,
    IdentifyVerdict.RECAPTURE: ExitCode.RECAPTURE,
}
# errors that say something else to a script than their class does
_EXIT_OF_KEY = {
    "access.expires_days": ExitCode.USAGE,
    "access.name": ExitCode.USAGE,
    "access.no_such_key": ExitCode.USAGE,
    "access.rate": ExitCode.USAGE,
    "backup.exists": ExitCode.REFUSED,
    "backup.occupied": ExitCode.REFUSED,
    "calibrate.prior": ExitCode.USAGE,
    "calibrate.target": ExitCode.USAGE,
    "gallery.name": ExitCode.USAGE,
    "review.after": ExitCode.USAGE,
    "review.several_models": ExitCode.USAGE,
    "scaling.name": ExitCode.USAGE,
    "subject.id": ExitCode.USAGE,
}
_EXIT_OF_ERROR: dict[type[OodFaceError], ExitCode] = {
    NoFaceError: ExitCode.NO_FACE,
    MultipleFacesError: ExitCode.SEVERAL_FACES,
    UnknownScenarioError: ExitCode.USAGE,
    InputError: ExitCode.PICTURE,
    GalleryNotFoundError: ExitCode.USAGE,
    SubjectNotFoundError: ExitCode.USAGE,
    TemplateNotFoundError: ExitCode.USAGE,
    ReviewNotFoundError: ExitCode.USAGE,
    GalleryError: ExitCode.REFUSED,
    AccessError: ExitCode.REFUSED,
    ArtifactError: ExitCode.SETUP,
    ConfigError: ExitCode.SETUP,
    BackendError: ExitCode.FAILED,
    OodFaceError: ExitCode.FAILED,
}


def exit_code(error: OodFaceError) -> ExitCode:
    """Return the exit code of an error: its key's, its class's, or that of a class above."""
    if error.key in _EXIT_OF_KEY:
        return _EXIT_OF_KEY[error.key]
    return next(_EXIT_OF_ERROR[cls] for cls in type(error).__mro__ if cls in _EXIT_OF_ERROR)


def report(
    error: OodFaceError, language: Language, *, as_json: bool, file: str | None = None
) -> None:
    """Write an error to stderr, in one line."""
    detail = error_sentence(error, language)
    if as_json:
        body = {"file": file, "code": error.key, "detail": detail, "exit_code": exit_code(error)}
        line = json.dumps({"error": body}, ensure_ascii=False)
    else:
        # a file may be named anything, also with line breaks
        where = "" if file is None else f"{printable(file)}: "
        line = f"ood-face: {where}{printable(detail)}"
    print(line, file=sys.stderr)  # noqa: T201 - the command line's own output


def printable(text: str) -> str:
    """Return a text without what would break a line or steer a terminal."""
    return "".join(char if char.isprintable() else ascii(char)[1:-1] for char in text)


@contextmanager
def errors_as_exits(
    language: Language, *, as_json: bool, file: str | None = None
) -> Iterator[None]:
    """Turn an error of ours into its line, which names the file if one is given, and its code."""
    try:
        yield
    except OodFaceError as exc:
        report(exc, language, as_json=as_json, file=file)
        raise typer.Exit(exit_code(exc)) from exc
