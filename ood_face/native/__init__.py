"""Loops that Python would be too slow for, in C: a shared library without any Python in it.

It is compiled when the package is installed. Whatever uses it can do without, more slowly: where
there was no compiler, :func:`library` says so.

- ``boxes.c``: boxes, for :mod:`ood_face.detection.compiled`
- ``loops.c``: pixels of windows and crops, for :mod:`ood_face.detection.compiled`
- ``pnet.c``: the P-Net on single windows, for :mod:`ood_face.detection.windows`
- ``pnet_dots.c``: the P-Net's first look at a strip, for :mod:`ood_face.detection.pnet_dots`
- ``pnet_tiles.c``: the P-Net's first look at a tile, for :mod:`ood_face.detection.tile_pnet`
- ``rnet.c``: the R-Net's decision, for :mod:`ood_face.detection.exact_rnet`
- ``rnet_crops.c``: the R-Net's first look, for :mod:`ood_face.detection.crop_rnet`
- ``rnet_dots.c``: the R-Net's first look, for :mod:`ood_face.detection.rnet_dots`
- ``scan.c``: all tiles of the pyramid, for :mod:`ood_face.detection.native_looks`
- ``shrink.c``: smaller pictures, for :mod:`ood_face.detection.shrinking`
- ``steps.c``: a network's primitives one after the other, for :mod:`ood_face.runtime.onednn`
- ``team.c``: threads that do parts of a caller's work, for :mod:`ood_face.team`
- ``winograd.c``: convolutions in bfloat16, for :mod:`ood_face.runtime.onednn`
"""

from __future__ import annotations

import ctypes
from ctypes import c_double, c_float, c_int64, c_void_p
from functools import cache
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path

__all__ = ["NativeMissingError", "library", "library_if_there", "library_path"]

# of native.h: another one has other functions
_VERSION = 6
_PICTURE = (c_void_p, c_int64, c_int64)
_SIGNATURES = {
    "native_version": (),
    "dots_usable": (),
    "matrix_usable": (),
    "boxes_inside": (c_void_p, c_int64, c_int64, c_int64, c_void_p, c_void_p),
    "boxes_kept": (
        *(c_void_p, c_void_p, c_int64, c_void_p),
        *(c_double, c_double, c_int64, c_void_p),
    ),
    "boxes_of_windows": (c_void_p, c_int64, c_void_p, c_void_p),
    "boxes_settled": (
        *(c_void_p, c_void_p, c_int64, c_void_p),
        *(c_float, c_double, c_double, c_int64, c_float, c_void_p),
    ),
    "loops_fill": (*_PICTURE, c_void_p, c_int64, c_void_p, c_int64),
    "loops_look": (*_PICTURE, c_void_p, c_void_p, c_int64, c_void_p),
    "loops_crops": (*_PICTURE, c_void_p, c_int64, c_void_p, c_int64),
    "loops_see": (c_void_p, *_PICTURE, c_void_p, c_int64, c_void_p, c_int64),
    "pnet_dots_entry": (),
    "pnet_dots_room": (c_int64, c_int64),
    "pnet_tiles_entry": (),
    "pnet_tiles_room": (c_int64,),
    "pnet_windows_entry": (),
    "registers_usable": (),
    "rnet_crops_entry": (),
    "rnet_crops_room": (),
    "rnet_dots_entry": (),
    "rnet_dots_room": (),
    "rnet_entry": (),
    "scan_all": (
        *(c_void_p, *_PICTURE, c_void_p, c_void_p, c_void_p, c_int64),
        *(c_int64, c_int64, c_int64, c_float, c_void_p, c_int64),
    ),
    "scan_cells_above": (
        *(c_void_p, c_int64, c_int64),
        *(c_void_p, c_int64, c_float, c_void_p, c_int64),
    ),
    "scan_found": (c_void_p, c_int64, c_int64, c_void_p),
    "shrink": (*_PICTURE, c_void_p, c_int64, c_int64),
    "steps_run": (c_void_p,),
    "steps_run_together": (c_void_p, c_void_p),
    "team_end": (c_void_p,),
    "team_gather": (c_void_p, c_int64),
    "team_new": (c_int64,),
    "team_numbers": (c_void_p, c_void_p),
    "winograd_entry": (),
    "winograd_room": (c_int64, c_int64),
    "winograd_usable": (),
}
# too short to give Python's lock back for
_QUICK = (
    *("boxes_inside", "boxes_kept", "boxes_of_windows", "boxes_settled"),
    *("pnet_dots_room", "pnet_tiles_room", "rnet_crops_room", "rnet_dots_room"),
    *("scan_found", "team_gather", "winograd_room"),
)


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
        quick = ctypes.PyDLL(str(path))
        for name, arguments in _SIGNATURES.items():
            function = getattr(quick if name in _QUICK else loaded, name)
            function.argtypes, function.restype = arguments, c_int64
            setattr(loaded, name, function)
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
