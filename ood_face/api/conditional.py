"""Versions as entity tags (RFC 9110): not sent again what is known, not changed what is not."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, TypeVar

from fastapi import Depends, Header, Response

from ood_face.api.errors import RequestFormError
from ood_face.errors import VersionConflictError

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["IfNoneMatch", "SeenVersion", "change_latest", "etag", "unchanged"]

_T = TypeVar("_T")
_TAG = r'(?:W/)?"[\x21\x23-\x7e\x80-\xff]*"'
_TAGS = re.compile(rf"\*|{_TAG}(?:\s*,\s*{_TAG})*")
# a version, and in a gallery's tag the number of its subjects and templates
_OURS = re.compile(r'"([0-9]{1,18})(?:\.[0-9]+)*"')
_STRONG = re.compile(r'"[^"]*"')
_NEVER = 0  # no version
_ATTEMPTS = 8

IfNoneMatch = Annotated[
    str | None,
    Header(
        alias="If-None-Match",
        description="ETag of an answer at hand; if it is still true, the answer is 304.",
    ),
]


def etag(version: int, *counts: int) -> str:
    """Return the strong entity tag of a version.

    Parameters
    ----------
    version : of the gallery or subject
    counts : what the answer also holds and no version follows
    """
    return '"' + ".".join(str(number) for number in (version, *counts)) + '"'


def unchanged(if_none_match: str | None, tag: str) -> Response | None:
    """Return the answer 304 if the caller has the representation of this tag.

    Raises
    ------
    RequestFormError
        The header is malformed.
    """
    if if_none_match is None:
        return None
    _check("If-None-Match", if_none_match)
    known = {part.strip().removeprefix("W/") for part in if_none_match.split(",")}
    return Response(status_code=304, headers={"ETag": tag}) if known & {"*", tag} else None


def _seen(
    if_match: Annotated[
        str | None,
        Header(
            alias="If-Match",
            description="ETag of the gallery or subject as last read, or its `version` in quotes "
            '(`"1760000000000000"`): if it was changed since, the answer is 412 and nothing '
            "happens. `*` or left out: change whatever is there.",
        ),
    ] = None,
) -> int | None:
    if if_match is None:
        return None
    _check("If-Match", if_match)
    if if_match == "*":
        return None
    if _STRONG.fullmatch(if_match) is None:
        raise RequestFormError(
            "request.strong_tag",
            "the header If-Match must be * or one strong entity tag, as ETag gave it, not {got}",
            got=ascii(if_match[:64]),
        )
    ours = _OURS.fullmatch(if_match)
    return _NEVER if ours is None else int(ours[1])


SeenVersion = Annotated[int | None, Depends(_seen)]


def change_latest(seen: int | None, change: Callable[[], _T]) -> _T:
    """Return what a change returns, made again on what is there if somebody else was faster.

    Parameters
    ----------
    seen : the version that the caller demands; then a conflict is the caller's
    change : reads, and changes what it has read
    """
    for _ in range(_ATTEMPTS - 1):
        try:
            return change()
        except VersionConflictError:
            if seen is not None:
                raise
    return change()


def _check(name: str, value: str) -> None:
    if _TAGS.fullmatch(value) is None:
        raise RequestFormError(
            "request.entity_tag",
            "the header {name} must be * or entity tags in double quotes, not {got}",
            name=name,
            got=ascii(value[:64]),
        )
