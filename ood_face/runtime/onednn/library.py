"""oneDNN's C interface, from the shared library that Paddle's wheel brings.

Only what the plans need: memory descriptors, convolution, pooling, reorder, post-operations. The
functions are called through ctypes, which gives Python's lock back meanwhile.

References
----------
oneDNN developer guide, C API, version 3. Numbers below are the enumerators of its headers.
"""

from __future__ import annotations

import ctypes
import importlib.util
import os
from ctypes import POINTER, byref, c_char_p, c_float, c_int, c_int64, c_void_p
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from ood_face.errors import BackendError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "ALG_BINARY_ADD",
    "ALG_CONVOLUTION",
    "ALG_MAX_POOL",
    "ALG_RELU",
    "ANY_FORMAT",
    "ARG_BIAS",
    "ARG_DST",
    "ARG_SCRATCHPAD",
    "ARG_SRC",
    "ARG_SRC_1",
    "ARG_WEIGHTS",
    "BFLOAT16",
    "FLOAT32",
    "FORWARD_INFERENCE",
    "INT8",
    "IN_ORDER",
    "MD_SCRATCHPAD",
    "MD_WEIGHTS",
    "UINT8",
    "EngineMissingError",
    "ExecArg",
    "arguments",
    "call",
    "check_status",
    "created",
    "dims",
    "library",
    "library_path",
    "post_op",
    "scale_of",
    "thread_setter",
    "use_threads",
]

# dnnl_data_type_t
BFLOAT16, FLOAT32, INT8, UINT8 = 2, 3, 5, 6
# dnnl_format_tag_t
ANY_FORMAT = 1
# dnnl_prop_kind_t
FORWARD_INFERENCE = 96
# dnnl_alg_kind_t
ALG_CONVOLUTION, ALG_RELU, ALG_MAX_POOL, ALG_BINARY_ADD = 0x1, 0x20, 0x1FF, 0x1FFF0
# DNNL_ARG_*
ARG_SRC, ARG_SRC_1, ARG_DST, ARG_WEIGHTS, ARG_BIAS, ARG_SCRATCHPAD = 1, 2, 17, 33, 41, 80
_SCALES, _POST_OP_BASE = 4096, 32768
# dnnl_query_t
MD_WEIGHTS, MD_SCRATCHPAD = 131, 136
# dnnl_stream_flags_t
IN_ORDER = 1
# releases whose numbers these are
_VERSIONS = ((3, 4), (4, 0))
_MAX_DIMS = 12
_STATUS = {
    1: "out of memory",
    2: "invalid arguments",
    3: "not implemented",
    4: "last implementation reached",
    5: "runtime error",
    6: "not required",
    7: "invalid graph",
}

_Dims = c_int64 * _MAX_DIMS
_OUT = POINTER(c_void_p)


class EngineMissingError(BackendError):
    """The library is not there, cannot be loaded, or is of another release."""


class ExecArg(ctypes.Structure):
    """``dnnl_exec_arg_t``: which argument of a primitive, and its memory."""

    _fields_ = [("arg", c_int), ("memory", c_void_p)]


class _Version(ctypes.Structure):
    _fields_ = [("major", c_int), ("minor", c_int), ("patch", c_int), ("hash", c_char_p)]


_SIGNATURES: dict[str, tuple[object, ...]] = {
    "engine_create": (_OUT, c_int, ctypes.c_size_t),
    "stream_create": (_OUT, c_void_p, ctypes.c_uint),
    "stream_destroy": (c_void_p,),
    "memory_desc_create_with_strides": (_OUT, c_int, _Dims, c_int, _Dims),
    "memory_desc_create_with_tag": (_OUT, c_int, _Dims, c_int, c_int),
    "memory_desc_clone": (_OUT, c_void_p),
    "memory_desc_destroy": (c_void_p,),
    "memory_create": (_OUT, c_void_p, c_void_p, c_void_p),
    "memory_set_data_handle": (c_void_p, c_void_p),
    "memory_destroy": (c_void_p,),
    "primitive_attr_create": (_OUT,),
    "primitive_attr_destroy": (c_void_p,),
    "primitive_attr_set_scratchpad_mode": (c_void_p, c_int),
    "primitive_attr_set_post_ops": (c_void_p, c_void_p),
    "primitive_attr_set_scales_mask": (c_void_p, c_int, c_int),
    "post_ops_create": (_OUT,),
    "post_ops_destroy": (c_void_p,),
    "post_ops_append_prelu": (c_void_p, c_int),
    "post_ops_append_eltwise": (c_void_p, c_int, c_float, c_float),
    "post_ops_append_binary": (c_void_p, c_int, c_void_p),
    "convolution_forward_primitive_desc_create": (
        _OUT,
        c_void_p,
        c_int,
        c_int,
        *(c_void_p,) * 4,
        *(_Dims,) * 4,
        c_void_p,
    ),
    "pooling_forward_primitive_desc_create": (
        _OUT,
        c_void_p,
        c_int,
        c_int,
        *(c_void_p,) * 2,
        *(_Dims,) * 5,
        c_void_p,
    ),
    "reorder_primitive_desc_create": (_OUT, *(c_void_p,) * 5),
    "primitive_create": (_OUT, c_void_p),
    "primitive_desc_destroy": (c_void_p,),
    "primitive_destroy": (c_void_p,),
    "primitive_execute": (c_void_p, c_void_p, c_int, POINTER(ExecArg)),
}
# too short to give Python's lock back for
_QUICK = ("memory_set_data_handle",)


def library_path() -> Path | None:
    """Return the file, found without importing Paddle; None: there is none."""
    package = importlib.util.find_spec("paddle")
    folders = [] if package is None else list(package.submodule_search_locations or ())
    files = (Path(folder, "libs", "libdnnl.so.3") for folder in folders)
    return next((file for file in files if file.is_file()), None)


@cache
def _openmp() -> ctypes.PyDLL:
    # the one that oneDNN is linked to, and has loaded; too short to give Python's lock back for
    return ctypes.PyDLL("libgomp.so.1")


def use_threads(count: int) -> None:
    """Let what the calling thread makes and executes from now on use so many threads."""
    _openmp().omp_set_num_threads(count)


def thread_setter() -> int:
    """Return the address of the C function behind :func:`use_threads`."""
    return ctypes.cast(_openmp().omp_set_num_threads, ctypes.c_void_p).value or 0


@cache
def library() -> ctypes.CDLL:
    """Load the library and declare its functions.

    Raises
    ------
    EngineMissingError
        It is not there, cannot be loaded, or is of a release with other numbers.
    """
    file = library_path()
    if file is None:
        raise EngineMissingError(
            "runtime.no_onednn", "the installed Paddle brings no oneDNN library"
        )
    # read when OpenMP is loaded: no thread is to start helpers unless use_threads says so
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    try:
        loaded = ctypes.CDLL(str(file))
        loaded.dnnl_version.restype = POINTER(_Version)
        version = loaded.dnnl_version().contents
        found = (version.major, version.minor)
        if not _VERSIONS[0] <= found < _VERSIONS[1]:
            raise EngineMissingError(
                "runtime.onednn_version",
                "oneDNN {version} is none of the releases from 3.4 on and before 4",
                version=f"{found[0]}.{found[1]}",
            )
        quick = ctypes.PyDLL(str(file))
        for name in _QUICK:
            setattr(loaded, f"dnnl_{name}", getattr(quick, f"dnnl_{name}"))
        for name, arguments in _SIGNATURES.items():
            getattr(loaded, f"dnnl_{name}").argtypes = arguments
        _openmp().omp_set_num_threads.argtypes = (c_int,)
        loaded.dnnl_memory_desc_get_size.restype = ctypes.c_size_t
        loaded.dnnl_memory_desc_get_size.argtypes = (c_void_p,)
        loaded.dnnl_memory_desc_equal.argtypes = (c_void_p, c_void_p)
        loaded.dnnl_primitive_desc_query_md.restype = c_void_p
        loaded.dnnl_primitive_desc_query_md.argtypes = (c_void_p, c_int, c_int)
    except (OSError, AttributeError) as exc:
        raise EngineMissingError(
            "runtime.onednn_unloadable", "oneDNN cannot be loaded: {reason}", reason=str(exc)
        ) from exc
    return loaded


def call(name: str, *arguments: object) -> None:
    """Call ``dnnl_<name>``.

    Raises
    ------
    BackendError
        It returned another status than success.
    """
    check_status(name, getattr(library(), f"dnnl_{name}")(*arguments))


def check_status(name: str, status: int) -> None:
    """Raise BackendError if ``dnnl_<name>`` returned another status than success."""
    if status:
        raise BackendError(
            "runtime.onednn",
            "oneDNN failed in {function}: {reason}",
            function=name,
            reason=_STATUS.get(status, str(status)),
        )


def created(name: str, *arguments: object) -> c_void_p:
    """Call a function that makes something, and return that."""
    made = c_void_p()
    call(name, byref(made), *arguments)
    return made


def arguments(given: Mapping[int, c_void_p]) -> ctypes.Array[ExecArg]:
    """Return a primitive's arguments, by number, as ``primitive_execute`` takes them."""
    return (ExecArg * len(given))(*(ExecArg(*item) for item in given.items()))


def dims(values: tuple[int, ...]) -> ctypes.Array[c_int64]:
    """Return sizes, strides or paddings as oneDNN takes them."""
    return _Dims(*values)


def post_op(index: int, argument: int) -> int:
    """Return the number of an argument of the post-operation ``index``."""
    return (_POST_OP_BASE * (index + 1)) | argument


def scale_of(argument: int) -> int:
    """Return the number of what the integers of an argument are multiplied by."""
    return _SCALES | argument
