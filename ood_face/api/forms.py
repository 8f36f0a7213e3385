"""Fields of a request: multipart/form-data, or JSON with base64; kept in memory only."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from fastapi import Depends, Request
from python_multipart.multipart import DEFAULT_MAX_HEADER_COUNT, DEFAULT_MAX_HEADER_SIZE
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import ClientDisconnect

from ood_face.api.errors import BodyTimeoutError, ContentTypeError, RequestFormError
from ood_face.api.values import Values, as_text, from_base64, from_file, json_items

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from ood_face.api.values import Names

__all__ = ["Body", "Fields", "ReadBody", "read_body"]

# enough for a 15 MiB picture over 2 Mbit/s
BODY_TIMEOUT_S = 60.0
# far above any form with named pictures; what is wrong beyond it needs no names
_MAX_PARTS = 16
# what the parser below says without the limit -> the limit; names of fields and of files lie
# in these headers
_PART_LIMITS = {
    "Maximum header count exceeded": f"a part has up to {DEFAULT_MAX_HEADER_COUNT}",
    "Maximum header size exceeded": f"a header of a part has up to {DEFAULT_MAX_HEADER_SIZE} bytes",
}
_JSON = "application/json"
_FORM = "multipart/form-data"


class _MemoryParser(MultiPartParser):
    # 0: never spooled to disk, so no face lies in a temporary file; BodyLimit bounds the memory
    spool_max_size = 0


@dataclass(frozen=True, slots=True)
class Fields:
    """The fields of one request by name, checked to be among those the endpoint knows."""

    pictures: Mapping[str, bytes]
    texts: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Body:
    """A body as it came: the parts of a form, or the bytes of a JSON document."""

    form: tuple[tuple[str, bytes | str], ...] | None
    document: bytes = b""

    def fields(self, pictures: tuple[str, ...], texts: tuple[str, ...] = ()) -> Fields:
        """Return the fields.

        Parameters
        ----------
        pictures : names of the pictures, all of which must be there
        texts : names of the text fields, which may be left out

        Raises
        ------
        RequestFormError
            The body can't be read, a field is missing, unknown, sent twice or of a wrong kind.
        """
        items = self.items()
        names = [name for name, _ in items]
        known = (*pictures, *texts)
        if set(names) - set(known) or set(pictures) - set(names) or len(set(names)) < len(names):
            raise RequestFormError(
                "request.fields",
                "the fields must be {expected}, each once, but the request has {got}",
                expected=", ".join([*pictures, *(f"{name} (optional)" for name in texts)]),
                got=", ".join(ascii(name[:64]) for name in names[:_MAX_PARTS]) or "none",
            )
        values = dict(items)
        return Fields(
            pictures={name: self._picture(name, values[name]) for name in pictures},
            texts={name: as_text(name, values[name]) for name in texts if name in values},
        )

    def values(self, required: Names, optional: Names = (), pictures: Names = ()) -> Values:
        """Return fields of any kind.

        Parameters
        ----------
        required, optional : names of fields that come once
        pictures : names of pictures, of which there may be none or several

        Raises
        ------
        RequestFormError
            The body can't be read, a field is missing, unknown or sent twice.
        """
        return Values(self.items(), required, optional, pictures, in_form=self.form is not None)

    def items(self) -> Sequence[tuple[str, object]]:
        """Return names and values as they came; a JSON object has ``Pairs`` for objects in it.

        Raises
        ------
        RequestFormError
            The document is no JSON object.
        """
        return json_items(self.document) if self.form is None else self.form

    def _picture(self, name: str, value: object) -> bytes:
        return from_base64(name, value) if self.form is None else from_file(name, value)


def read_body(
    *media_types: str, max_parts: int = _MAX_PARTS, timeout_s: float | None = None
) -> Callable[[Request], Awaitable[Body]]:
    """Return the dependency that reads a body of one of these media types.

    Parameters
    ----------
    media_types : which the endpoint takes
    max_parts : of a form, so many files and as many texts
    timeout_s : for the whole body; None: ``BODY_TIMEOUT_S``
    """

    async def read(request: Request) -> Body:
        media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if media_type not in media_types:
            raise ContentTypeError(
                "request.content_type",
                "the body must be {expected}, not {got}",
                expected=" or ".join(media_types),
                got=ascii(media_type[:64]) if media_type else "unnamed",
            )
        limit_s = BODY_TIMEOUT_S if timeout_s is None else timeout_s
        try:
            async with asyncio.timeout(limit_s):
                if media_type == _FORM:
                    return Body(form=await _read_form(request, max_parts))
                return Body(form=None, document=await request.body())
        except ClientDisconnect as exc:
            raise RequestFormError("request.disconnected", "the body ended too early") from exc
        except TimeoutError as exc:
            raise BodyTimeoutError(
                "request.timeout",
                "the request body did not arrive within {limit_s:g} seconds",
                limit_s=limit_s,
            ) from exc

    return read


async def _read_form(request: Request, max_parts: int) -> tuple[tuple[str, bytes | str], ...]:
    parser = _MemoryParser(
        request.headers, request.stream(), max_files=max_parts, max_fields=max_parts
    )
    try:
        form = await parser.parse()
    except MultiPartException as exc:
        raise RequestFormError(
            "request.bad_form",
            "the multipart body is malformed: {problem}",
            problem=_problem(exc),
        ) from exc
    items: list[tuple[str, bytes | str]] = []
    for name, value in form.multi_items():
        items.append((name, await value.read() if isinstance(value, UploadFile) else value))
    await form.close()
    return tuple(items)


def _problem(error: MultiPartException) -> str:
    told = error.message if error.__cause__ is None else str(error.__cause__)
    return f"{told}: {_PART_LIMITS[told]}" if told in _PART_LIMITS else told


ReadBody = Annotated[Body, Depends(read_body(_FORM, _JSON))]
