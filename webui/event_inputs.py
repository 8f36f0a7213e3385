"""What a browser puts into the page's events, made fit to be used: no files, no half characters."""

from __future__ import annotations

import re

from ood_face.errors import InputError

__all__ = ["cleaned", "is_session", "unreadable"]

# lists in lists and dicts in dicts; nothing of the page's own goes deeper than five
_DEEPEST = 20
# Gradio's script makes eleven letters and digits
_SESSION = re.compile(r"[A-Za-z0-9_-]{1,128}")


def cleaned(value: object, depth: int = 0) -> object:
    """Return a value as it came, with U+FFFD for halves of characters in its texts.

    A browser may send such halves, as file names can have them, and no answer, no log and no
    database takes them.

    Raises
    ------
    ValueError
        It names a file, which Gradio would look up or even download, or is nested too deeply.
    """
    if depth > _DEEPEST:
        message = f"inputs nested more than {_DEEPEST} deep are refused"
        raise ValueError(message)
    match value:
        case str():
            return (
                value
                if value.isascii()
                else value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
            )
        case dict():
            if "path" in value or "meta" in value:
                message = "inputs that name files are refused"
                raise ValueError(message)
            return {cleaned(key, depth): cleaned(one, depth + 1) for key, one in value.items()}
        case list():
            return [cleaned(one, depth + 1) for one in value]
        case _:
            return value


def is_session(name: str | None) -> bool:
    """Whether a page may call its session so; None: it has none."""
    return name is None or _SESSION.fullmatch(name) is not None


def unreadable() -> InputError:
    """Return the error of an event whose values no control of the page sends."""
    return InputError("page.request", "the browser sent a request that cannot be read")
