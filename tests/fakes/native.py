"""The compiled loops: whether they are there, and a world in which they are not."""

from __future__ import annotations

import ctypes
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from ood_face import native
from ood_face.detection.loops import loops

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["EXECUTE", "compiled", "native_library_at", "why_not_compiled"]


# native.h's execute_function
EXECUTE = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int, ctypes.c_void_p
)


def why_not_compiled() -> str:
    """Return why there are no loops in C; empty: there are."""
    try:
        native.library()
    except native.NativeMissingError as exc:
        return str(exc)
    return ""


# a machine without a C compiler is supported, and has nothing to compare
compiled = pytest.mark.skipif(bool(why_not_compiled()), reason=why_not_compiled())


@contextmanager
def native_library_at(path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let everything that asks for the library from now on look for it there."""
    with monkeypatch.context() as patch:
        patch.setattr(native, "library_path", lambda: path)
        _forget()
        try:
            yield
        finally:
            _forget()


def _forget() -> None:
    # what is kept once it was found
    for found in (native.library, loops):
        found.cache_clear()
