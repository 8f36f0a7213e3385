"""The keys of errors and reasons that the source raises, read from its syntax tree."""

from __future__ import annotations

import ast
import re
import string
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ood_face import errors

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(errors.__file__).parent.parent
PACKAGES = ("ood_face", "webui")

_KEY = re.compile(r"[a-z_]+\.[a-z_]+")
Places = frozenset[tuple[str, str, str]]


@dataclass(frozen=True)
class Use:
    """One place where an error or a reason is made.

    ``key`` is a regular expression: parts that are only known at run time match anything.
    ``places`` holds name, conversion and format of each place of the template.
    """

    where: str
    key: re.Pattern[str]
    places: Places


def places(template: str) -> Places:
    """Return the places of a template: name, conversion, format."""
    return frozenset(
        (name, conversion or "", layout or "")
        for _, name, layout, conversion in string.Formatter().parse(template)
        if name is not None
    )


def error_uses() -> list[Use]:
    """Return every error made with a key and a template, in a call or by way of a table."""
    called = [
        Use(where, re.compile(_pattern(call.args[0])), places(_text(call.args[1])))
        for where, call in _calls("Error")
        if len(call.args) == 2 and _is_text(call.args[0]) and _is_text(call.args[1])
    ]
    return called + list(_table_uses())


def reason_uses() -> list[Use]:
    """Return every reason made with a dictionary written in place."""
    return [
        Use(where, re.compile(_pattern(call.args[0])), frozenset())
        for where, call in _calls("Reason")
        if call.args and _is_text(call.args[0])
    ]


def _nodes() -> Iterator[tuple[str, ast.AST]]:
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                yield f"{path.relative_to(ROOT)}:{getattr(node, 'lineno', 0)}", node


def _calls(ending: str) -> Iterator[tuple[str, ast.Call]]:
    for where, node in _nodes():
        if isinstance(node, ast.Call) and _name(node.func).endswith(ending):
            yield where, node


def _table_uses() -> Iterator[Use]:
    # pairs ("request.not_found", "there is nothing at this address") that become errors later
    for where, node in _nodes():
        if isinstance(node, ast.Tuple) and len(node.elts) == 2:
            key, sentence = (getattr(part, "value", None) for part in node.elts)
            if not (isinstance(key, str) and isinstance(sentence, str)):
                continue
            if _KEY.fullmatch(key) and " " in sentence:
                yield Use(where, re.compile(re.escape(key)), places(sentence))


def _name(function: ast.expr) -> str:
    if isinstance(function, ast.Attribute):
        return function.attr
    return function.id if isinstance(function, ast.Name) else ""


def _is_text(node: ast.expr) -> bool:
    return isinstance(node, ast.JoinedStr) or (
        isinstance(node, ast.Constant) and isinstance(node.value, str)
    )


def _parts(node: ast.expr) -> Iterator[str | None]:
    # None stands for a part that is only known at run time
    if isinstance(node, ast.Constant):
        yield node.value
    elif isinstance(node, ast.JoinedStr):
        for value in node.values:
            yield value.value if isinstance(value, ast.Constant) else None


def _pattern(node: ast.expr) -> str:
    return "".join(r"[a-z0-9_]*" if part is None else re.escape(part) for part in _parts(node))


def _text(node: ast.expr) -> str:
    return "".join(part or "" for part in _parts(node))
