"""HTML put together from parts, with every plain string escaped on its way in."""

from __future__ import annotations

from html import escape

__all__ = ["Html", "join", "tag"]

_VOID = frozenset({"br", "img", "input"})


class Html(str):
    """Text that is HTML already and is not escaped again."""

    __slots__ = ()


def tag(name: str, *children: str, **attributes: str | float | bool | None) -> Html:
    """Return one element.

    Parameters
    ----------
    name : the element's name
    children : ``Html`` goes in as it is, any other string is escaped
    attributes : values are escaped, ``None`` and ``False`` are left out, ``True`` stands alone;
        underscores in a name become hyphens (``aria_label``), one at the end goes (``class_``)
    """
    written = "".join(
        _attribute(key.rstrip("_").replace("_", "-"), value)
        for key, value in attributes.items()
        if value is not None and value is not False
    )
    if name in _VOID:
        return Html(f"<{name}{written}>")
    return Html(f"<{name}{written}>{join(*children)}</{name}>")


def join(*children: str) -> Html:
    """Return parts one after the other; plain strings are escaped."""
    return Html("".join(child if isinstance(child, Html) else escape(child) for child in children))


def _attribute(key: str, value: str | float | bool) -> str:
    return f" {key}" if value is True else f' {key}="{escape(str(value))}"'
