"""Values of a request's fields: what a form sends as text and JSON as itself, read alike."""

from __future__ import annotations

import base64
import json
import re
from typing import TYPE_CHECKING, NoReturn, TypeAlias

from ood_face.api.errors import BodyTooLargeError, RequestFormError

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = [
    "MAX_JSON_DEPTH",
    "MAX_JSON_VALUES",
    "Names",
    "Pairs",
    "Values",
    "as_text",
    "check_json",
    "from_base64",
    "from_file",
    "json_items",
]

Names: TypeAlias = tuple[str, ...]

_MOST_NAMES = 16  # what is wrong beyond them needs no names
_LONGEST_NUMBER = 18
# of all objects and lists together: the largest batch with some hundred fields of metadata each.
# Three bytes of JSON can make an object of a hundred: a limit on bytes alone bounds no memory.
MAX_JSON_VALUES = 500_000
# the deepest of ours: the metadata's eight levels in a subject of a batch
MAX_JSON_DEPTH = 32
# texts in a row as one, the last also where it is cut off, so that no byte is looked at twice
_JSON_MARKS = re.compile(
    rb'(?:"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z)[^][{}"]*+)++|[][{}]', re.DOTALL
)


class Pairs(list[tuple[str, object]]):
    """A JSON object that still shows a name that came twice."""


class Values:
    """Fields by name, checked to be among those the endpoint knows.

    In JSON a field that is null counts as left out, unless :meth:`refuse_null` is called.

    Parameters
    ----------
    items : names and values as they came
    required, optional : names of fields that come once
    pictures : names of pictures, of which there may be none or several
    in_form : all values are texts or files

    Raises
    ------
    RequestFormError
        A field is missing, unknown or sent twice.
    """

    def __init__(
        self,
        items: Sequence[tuple[str, object]],
        required: Names,
        optional: Names = (),
        pictures: Names = (),
        *,
        in_form: bool = False,
    ) -> None:
        names = [name for name, _ in items]
        once = [name for name in names if not (in_form and name in pictures)]
        unknown = set(names) - {*required, *optional, *pictures}
        if unknown or set(required) - set(names) or len(set(once)) < len(once):
            expected = [*required, *(f"{name} (optional)" for name in optional)]
            expected += [f"{name} (any number)" for name in pictures]
            raise RequestFormError(
                "request.field_names",
                "the fields must be {expected}, but the request has {got}",
                expected=", ".join(expected) or "none",
                got=", ".join(ascii(name[:64]) for name in names[:_MOST_NAMES]) or "none",
            )
        self._items = items
        self._values = dict(items)
        self._in_form = in_form

    def __contains__(self, name: str) -> bool:
        """Say whether a field was sent."""
        return name in self._values

    def refuse_null(self, but: Names = ()) -> None:
        """Raise RequestFormError if a field was sent as null, but for some."""
        for name, value in self._items:
            if value is None and name not in but:
                raise RequestFormError("request.null", "the field {name} cannot be null", name=name)

    def text(self, name: str) -> str | None:
        """Return a text; None: it was left out."""
        value = self._values.get(name)
        return None if value is None else as_text(name, value)

    def flag(self, name: str) -> bool | None:
        """Return true or false, which a form sends as these words."""
        value = self._values.get(name)
        if self._in_form and value in ("true", "false"):
            return value == "true"
        if value is None or isinstance(value, bool):
            return value
        raise RequestFormError(
            "request.not_flag", "the field {name} must be true or false", name=name
        )

    def number(self, name: str) -> int | None:
        """Return a whole number, which a form sends in digits."""
        value = self._values.get(name)
        if self._in_form and isinstance(value, str):
            digits = value.removeprefix("-")
            if digits.isascii() and digits.isdecimal() and len(digits) <= _LONGEST_NUMBER:
                return int(value)
        elif value is None or (isinstance(value, int) and not isinstance(value, bool)):
            return value
        raise RequestFormError(
            "request.not_number", "the field {name} must be a whole number", name=name
        )

    def json_object(self, name: str) -> dict[str, object] | None:
        """Return a JSON object, which a form sends as its text."""
        value = self._values.get(name)
        if value is None:
            return None
        if self._in_form:
            value = json_items(as_text(name, value).encode(errors="surrogatepass"))
        if not isinstance(value, Pairs):
            raise RequestFormError(
                "request.not_json_object", "the field {name} must be a JSON object", name=name
            )
        try:
            plain = _plain(value, name)
        except RecursionError as exc:
            raise RequestFormError("request.bad_json", "the body is not valid JSON") from exc
        return dict(plain) if isinstance(plain, dict) else None

    def picture(self, name: str) -> bytes:
        """Return the bytes of a required picture."""
        value = self._values[name]
        return from_file(name, value) if self._in_form else from_base64(name, value)

    def pictures(self, name: str) -> list[bytes]:
        """Return the bytes of all pictures of a name: parts of a form, or a list in JSON."""
        if self._in_form:
            return [from_file(key, value) for key, value in self._items if key == name]
        sent = self.listed(name)
        if len(sent) == 1:
            return [from_base64(name, sent[0])]
        return [from_base64(f"{name}[{i}]", value) for i, value in enumerate(sent)]

    def listed(self, name: str) -> list[object]:
        """Return a list of JSON; left out: empty; a single text is a list of one."""
        value = self._values.get(name)
        if value is None:
            return []
        if isinstance(value, str):
            return [value]
        if isinstance(value, Pairs) or not isinstance(value, list):
            raise RequestFormError("request.not_list", "the field {name} must be a list", name=name)
        return list(value)


def json_items(document: bytes) -> Pairs:
    """Return the names and values of a JSON object.

    Raises
    ------
    RequestFormError
        The document is no JSON object, or is nested too deeply.
    BodyTooLargeError
        It has too many values.
    """
    check_json(document)
    try:
        value = json.loads(document, object_pairs_hook=Pairs, parse_constant=_no_number)
    except (ValueError, RecursionError) as exc:
        raise RequestFormError("request.bad_json", "the body is not valid JSON") from exc
    if not isinstance(value, Pairs):
        raise RequestFormError("request.not_object", "the JSON body must be an object {{...}}")
    return value


def check_json(document: bytes) -> None:
    """Refuse JSON that would become too many objects, or that is nested too deeply, unparsed.

    Raises
    ------
    RequestFormError
        It is nested too deeply.
    BodyTooLargeError
        It has too many values.
    """
    # what is in texts counts as well; base64 has none of these
    if sum(document.count(mark) for mark in (b",", b"[", b"{")) > MAX_JSON_VALUES:
        raise BodyTooLargeError(
            "request.json_values",
            "the JSON has more than {limit} values; send it in several requests",
            limit=MAX_JSON_VALUES,
        )
    if document.count(b"[") + document.count(b"{") <= MAX_JSON_DEPTH:
        return
    depth = 0
    for mark in _JSON_MARKS.finditer(document):
        match document[mark.start()]:
            case 0x5B | 0x7B:  # [ {
                depth += 1
            case 0x5D | 0x7D:  # ] }
                depth -= 1
        if depth > MAX_JSON_DEPTH:
            raise RequestFormError(
                "request.json_depth",
                "the JSON is nested more than {limit} levels deep",
                limit=MAX_JSON_DEPTH,
            )


def from_file(name: str, value: object) -> bytes:
    """Return the bytes of a form's file."""
    if not isinstance(value, bytes):
        raise RequestFormError(
            "request.not_file",
            "the field {name} must be sent as a file, with a filename",
            name=name,
        )
    return value


def from_base64(name: str, value: object) -> bytes:
    """Return the bytes that a JSON string holds in base64."""
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


def as_text(name: str, value: object) -> str:
    """Return a text."""
    if not isinstance(value, str):
        raise RequestFormError("request.not_text", "the field {name} must be a text", name=name)
    return value


def _plain(value: object, name: str) -> object:
    if isinstance(value, Pairs):
        plain = {key: _plain(inner, name) for key, inner in value}
        if len(plain) < len(value):
            raise RequestFormError(
                "request.name_twice", "the field {name} has one name twice in an object", name=name
            )
        return plain
    return [_plain(inner, name) for inner in value] if isinstance(value, list) else value


def _no_number(constant: str) -> NoReturn:
    # NaN and Infinity, which Python's parser takes and JSON does not have
    raise ValueError(constant)
