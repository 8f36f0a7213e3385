"""Loops that Python would be too slow for, in C: a shared library without any Python in it.

It is compiled when the package is installed. Whatever uses it can do without, more slowly: where
there was no compiler, :func:`library` says so.

- ``loops.c``: pixels, windows and boxes, for :mod:`ood_face.detection.compiled`
- ``pnet.c``: the P-Net on single windows, for :mod:`ood_face.detection.windows`
- ``pnet_tiles.c``: the P-Net's first look at a tile, for :mod:`ood_face.detection.tile_pnet`
- ``rnet_crops.c``: the R-Net's first look, for :mod:`ood_face.detection.crop_rnet`
- ``steps.c``: a network's primitives one after the other, for :mod:`ood_face.runtime.onednn`
"""

from __future__ import annotations

import ctypes
from ctypes import c_double, c_float, c_int64, c_void_p
from functools import cache
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path

__all__ = ["NativeMissingError", "library", "library_if_there", "library_path"]

# of native.h: another one has other functions
_VERSION = 2
_PICTURE = (c_void_p, c_int64, c_int64)
_SIGNATURES = {
    "native_version": (),
    "matrix_usable": (),
    "loops_fill": (*_PICTURE, c_void_p, c_int64, c_void_p, c_int64),
    "loops_look": (*_PICTURE, c_void_p, c_void_p, c_int64, c_void_p),
    "loops_crops": (*_PICTURE, c_void_p, c_int64, c_void_p, c_int64),
    "loops_cells_above": (
        *(c_void_p, c_int64, c_int64),
        *(c_void_p, c_int64, c_float, c_void_p, c_void_p),
    ),
    "loops_kept": (
        *(c_void_p, c_void_p, c_int64, c_void_p),
        *(c_double, c_double, c_int64, c_void_p),
    ),
    "loops_scan": (
        *_PICTURE,
        *(c_void_p, c_void_p, c_int64, c_void_p),
        *(c_void_p, c_int64, c_void_p, c_void_p, c_int64, c_float),
        *(c_void_p, c_void_p, c_void_p),
    ),
    "pnet_tiles_entry": (),
    "pnet_tiles_room": (c_int64,),
    "pnet_usable": (),
    "pnet_windows": (c_void_p, c_void_p, c_int64, c_void_p),
    "rnet_crops": (c_void_p, c_void_p, c_int64, c_void_p, c_void_p),
    "rnet_crops_room": (),
    "steps_run": (c_void_p,),
}


class NativeMissingError(Exception):
    """The shared library is not there, cannot be loaded, or belongs to another version."""

    def __init__(self, path: Path, reason: object) -> None:
        super().__init__(f"{path.name} {reason}")


def library_path() -> Path:
    """Return where the shared library is when it is there."""
    return Path(__file__).with_name("_native" + EXTENSION_SUFFIXES[0])


@cache
def library() -> ctypes.CDLL:
    """Load the shared library and declare its functions.

    Raises
    ------
    NativeMissingError
        It cannot be used.
    """
    path = library_path()
    if not path.is_file():
        raise NativeMissingError(path, "was not compiled when the package was installed")
    try:
        loaded = ctypes.CDLL(str(path))
        for name, arguments in _SIGNATURES.items():
            function = getattr(loaded, name)
            function.argtypes, function.restype = arguments, c_int64
    except (OSError, AttributeError) as exc:
        raise NativeMissingError(path, f"cannot be used: {exc}") from exc
    found = loaded.native_version()
    if found != _VERSION:
        raise NativeMissingError(path, f"has version {found}, this package needs {_VERSION}")
    return loaded


def library_if_there() -> ctypes.CDLL | None:
    """Return the shared library; None: it cannot be used."""
    try:
        return library()
    except NativeMissingError:
        return None
