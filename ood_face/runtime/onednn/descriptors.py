"""Memory of oneDNN: how an array lies, and where; freed with the object."""

from __future__ import annotations

import math
from ctypes import c_void_p
from typing import TYPE_CHECKING, Any

import numpy as np

from ood_face.runtime.onednn.library import (
    ANY_FORMAT,
    FLOAT32,
    IN_ORDER,
    INT8,
    call,
    created,
    dims,
    library,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = [
    "ALIGNMENT",
    "Layout",
    "Memory",
    "Stream",
    "aligned",
    "any_layout",
    "channels_last",
    "engine",
    "in_order",
    "strided",
]

# bytes: one line of the cache, and the widest register
ALIGNMENT = 64

_ENGINE: list[c_void_p] = []
_CPU = 1


def engine() -> c_void_p:
    """Return the processor, one for the whole program."""
    if not _ENGINE:
        _ENGINE.append(created("engine_create", _CPU, 0))
    return _ENGINE[0]


def aligned(room: NDArray[np.uint8]) -> int:
    """Return the first aligned address in ``room``."""
    start = int(room.ctypes.data)
    return start + -start % ALIGNMENT


class Layout:
    """A memory descriptor.

    Parameters
    ----------
    handle : belongs to this object from now on
    """

    def __init__(self, handle: c_void_p) -> None:
        self.handle = handle

    def __del__(self) -> None:
        library().dnnl_memory_desc_destroy(self.handle)

    @classmethod
    def copy_of(cls, borrowed: int) -> Layout:
        """Return a copy of one that belongs to another object."""
        return cls(created("memory_desc_clone", borrowed))

    @property
    def size(self) -> int:
        """Bytes."""
        return int(library().dnnl_memory_desc_get_size(self.handle))

    def same_as(self, other: Layout) -> bool:
        """Whether an array that lies like this lies like the other as well."""
        return bool(library().dnnl_memory_desc_equal(self.handle, other.handle))


class Memory:
    """An array at an address; what is there must outlive this object."""

    def __init__(self, layout: Layout, address: int) -> None:
        self.handle = created("memory_create", layout.handle, engine(), address)

    def __del__(self) -> None:
        if hasattr(self, "handle"):
            library().dnnl_memory_destroy(self.handle)

    def move(self, address: int) -> None:
        """Let it lie elsewhere."""
        call("memory_set_data_handle", self.handle, address)


class Stream:
    """What executes primitives, one after the other."""

    def __init__(self) -> None:
        self.handle = created("stream_create", engine(), IN_ORDER)

    def __del__(self) -> None:
        if hasattr(self, "handle"):
            library().dnnl_stream_destroy(self.handle)


def in_order(array: NDArray[Any]) -> NDArray[Any]:
    """Return the array itself, or a copy of one that is not contiguous or not aligned."""
    return np.require(array, requirements=["C", "ALIGNED"])


def strided(array: NDArray[Any]) -> Layout:
    """Return how a float32 or int8 array lies."""
    # along a side of 1 nobody steps, and NumPy may have anything there
    strides = tuple(
        array.size if side == 1 else stride // array.itemsize
        for side, stride in zip(array.shape, array.strides, strict=True)
    )
    return Layout(
        created(
            "memory_desc_create_with_strides",
            array.ndim,
            dims(array.shape),
            INT8 if array.dtype == np.int8 else FLOAT32,
            dims(strides),
        )
    )


def channels_last(shape: tuple[int, ...], kind: int) -> Layout:
    """Return (N, C, H, W) with the channels of a pixel side by side."""
    channels, width = shape[1], shape[3]
    strides = (math.prod(shape[1:]), 1, width * channels, channels)
    return Layout(created("memory_desc_create_with_strides", 4, dims(shape), kind, dims(strides)))


def any_layout(shape: tuple[int, ...], kind: int) -> Layout:
    """Return a layout that is the primitive's to choose."""
    return Layout(created("memory_desc_create_with_tag", len(shape), dims(shape), kind, ANY_FORMAT))
