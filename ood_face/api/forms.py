"""Fields of a request: multipart/form-data, or JSON with base64; kept in memory only."""

from __future__ import annotations

import asyncio
import base64
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from fastapi import Depends, Request
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import ClientDisconnect

from ood_face.api.errors import BodyTimeoutError, ContentTypeError, RequestFormError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Body", "Fields", "ReadBody"]

# enough for a 15 MiB picture over 2 Mbit/s
BODY_TIMEOUT_S = 60.0
# far above any form of ours; what is wrong beyond it needs no names
_MAX_PARTS = 16


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
        items = _json_items(self.document) if self.form is None else self.form
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
            texts={name: _text(name, values[name]) for name in texts if name in values},
        )

    def _picture(self, name: str, value: object) -> bytes:
        if self.form is None:
            return _from_base64(name, value)
        if not isinstance(value, bytes):
            raise RequestFormError(
                "request.not_file",
                "the field {name} must be sent as a file, with a filename",
                name=name,
            )
        return value


async def _read(request: Request) -> Body:
    content_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if content_type not in ("application/json", "multipart/form-data"):
        raise ContentTypeError(
            "request.content_type",
            "the body must be multipart/form-data or application/json, not {got}",
            got=ascii(content_type[:64]) if content_type else "unnamed",
        )
    try:
        async with asyncio.timeout(BODY_TIMEOUT_S):
            if content_type == "application/json":
                return Body(form=None, document=await request.body())
            return Body(form=await _read_form(request))
    except ClientDisconnect as exc:
        raise RequestFormError("request.disconnected", "the body ended too early") from exc
    except TimeoutError as exc:
        raise BodyTimeoutError(
            "request.timeout",
            "the request body did not arrive within {limit_s:g} seconds",
            limit_s=BODY_TIMEOUT_S,
        ) from exc


async def _read_form(request: Request) -> tuple[tuple[str, bytes | str], ...]:
    parser = _MemoryParser(
        request.headers, request.stream(), max_files=_MAX_PARTS, max_fields=_MAX_PARTS
    )
    try:
        form = await parser.parse()
    except MultiPartException as exc:
        raise RequestFormError(
            "request.bad_form",
            "the multipart body is malformed: {problem}",
            problem=exc.message,
        ) from exc
    items: list[tuple[str, bytes | str]] = []
    for name, value in form.multi_items():
        items.append((name, await value.read() if isinstance(value, UploadFile) else value))
    await form.close()
    return tuple(items)


ReadBody = Annotated[Body, Depends(_read)]


def _json_items(document: bytes) -> list[tuple[str, object]]:
    try:
        value = json.loads(document, object_pairs_hook=_Pairs)
    except (ValueError, RecursionError) as exc:
        raise RequestFormError("request.bad_json", "the body is not valid JSON") from exc
    if not isinstance(value, _Pairs):
        raise RequestFormError("request.not_object", "the JSON body must be an object {{...}}")
    return list(value)


class _Pairs(list[tuple[str, object]]):
    """A JSON object that still shows a name that came twice."""


def _from_base64(name: str, value: object) -> bytes:
    problem = RequestFormError(
        "request.bad_base64", "the field {name} must be a string of base64", name=name
    )
    if not isinstance(value, str):
        raise problem
    try:
        # line breaks every 76 characters are common
        return base64.b64decode("".join(value.split()), validate=True)
    except ValueError as exc:
        raise problem from exc


def _text(name: str, value: object) -> str:
    if not isinstance(value, str):
        raise RequestFormError("request.not_text", "the field {name} must be a text", name=name)
    return value
