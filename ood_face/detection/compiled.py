"""The loops over pixels, windows and boxes in C; see :mod:`ood_face.detection.loops`.

Python's lock is given back meanwhile: other pictures go on.
"""

from __future__ import annotations

import math
import mmap
from typing import TYPE_CHECKING, Protocol, TypeVar, runtime_checkable

import numpy as np

from ood_face.detection.pyramid import WINDOW_PX
from ood_face.native import library

if TYPE_CHECKING:
    import ctypes
    from contextlib import AbstractContextManager

    from numpy.typing import NDArray

    from ood_face.crew import Crew
    from ood_face.detection.pyramid import Layout
    from ood_face.types import RgbImage

__all__ = ["CompiledLoops", "CompiledPicture", "NativeNetwork"]

_Number = TypeVar("_Number", np.int64, np.float32)
# tile, level, row, column; logit and box offsets
_NUMBERS_OF_A_WINDOW = 4
_NUMBERS_OF_A_CELL = 5


class Aimed(Protocol):
    """A network that reads and writes at fixed places."""

    @property
    def answer(self) -> NDArray[np.float32]:
        """What a run writes to."""
        ...

    @property
    def address(self) -> int:
        """Where the ``plan`` of ``native.h`` is."""
        ...

    def check(self, status: int) -> None:
        """Raise BackendError if a run ended with this status, and that is no success."""
        ...


@runtime_checkable
class NativeNetwork(Protocol):
    """A network that the loops can run themselves."""

    def aimed(self, image: NDArray[np.float32]) -> AbstractContextManager[Aimed]:
        """Hold it ready to run on what lies in ``image``."""
        ...


class CompiledPicture:
    """See :class:`ood_face.detection.loops.Picture`."""

    def __init__(self, loops: ctypes.CDLL, image: RgbImage) -> None:
        self._loops = loops
        self._image = np.ascontiguousarray(image)
        self.height, self.width = image.shape[:2]
        self._where = (self._image.ctypes.data, self.height, self.width)

    def fill(self, blocks: NDArray[np.void], tile: NDArray[np.float32]) -> None:
        """Write the blocks of a tile of the pyramid."""
        at = (blocks.ctypes.data, len(blocks), tile.ctypes.data, len(tile))
        _check(self._loops.loops_fill(*self._where, *at))

    def look(self, sizes_px: NDArray[np.int64], windows: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return what is in single windows of the pyramid."""
        windows = np.ascontiguousarray(windows)
        out = np.empty((len(windows), WINDOW_PX, WINDOW_PX, 3), dtype=np.float32)
        at = (sizes_px.ctypes.data, windows.ctypes.data, len(windows), out.ctypes.data)
        _check(self._loops.loops_look(*self._where, *at))
        return out

    def crops(self, slices: NDArray[np.int64], side_px: int) -> NDArray[np.float32]:
        """Cut out and resize."""
        slices = np.ascontiguousarray(slices)
        out = np.empty((len(slices), side_px, side_px, 3), dtype=np.float32)
        at = (slices.ctypes.data, len(slices), out.ctypes.data, side_px)
        _check(self._loops.loops_crops(*self._where, *at))
        return out

    def scan(
        self,
        levels: Layout,
        network: NativeNetwork,
        crew: Crew,
        lowest: float,
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Fill all tiles, let the network see them, and return the windows it sees a face in.

        Without Python's lock, and in the same order however many threads are at it.

        Parameters
        ----------
        levels : of the pyramid
        network : the P-Net
        crew : who does it
        lowest : logit

        Returns
        -------
        see :meth:`CompiledLoops.cells_above`
        """
        taken = np.zeros(1, dtype=np.int64)
        ends = np.cumsum([len(tile) for tile in levels.tiles])
        blocks = np.concatenate(levels.tiles)
        room = int((blocks["rows"] * blocks["cols"]).sum())

        def scan(_: int) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
            tile = np.zeros((1, levels.tile_px, levels.tile_px, 3), dtype=np.float32)
            windows = _reserved((room, _NUMBERS_OF_A_WINDOW), np.int64)
            answers = _reserved((room, _NUMBERS_OF_A_CELL), np.float32)
            failed = np.zeros(1, dtype=np.int64)
            with network.aimed(tile.transpose(0, 3, 1, 2)) as aimed:
                count = self._loops.loops_scan(
                    *self._where,
                    *(blocks.ctypes.data, ends.ctypes.data, len(ends), taken.ctypes.data),
                    *(tile.ctypes.data, levels.tile_px, aimed.address),
                    *(aimed.answer.ctypes.data, aimed.answer.shape[-1], lowest),
                    *(windows.ctypes.data, answers.ctypes.data, failed.ctypes.data),
                )
                aimed.check(int(failed[0]))
            _check(count)
            return windows[:count].copy(), answers[:count].copy()

        threads = min(crew.threads, len(ends))
        found = crew.each(scan, range(threads))
        windows, answers = (np.concatenate(part) for part in zip(*found, strict=True))
        order = np.argsort(windows[:, 0], kind="stable")
        return windows[order, 1:], answers[order]


class CompiledLoops:
    """See :class:`ood_face.detection.loops.Loops`.

    Raises
    ------
    NativeMissingError
        The shared library cannot be used.
    """

    def __init__(self) -> None:
        self._loops = library()

    def picture(self, image: RgbImage) -> CompiledPicture:
        """Make a picture ready."""
        return CompiledPicture(self._loops, image)

    def cells_above(
        self, answer: NDArray[np.float32], blocks: NDArray[np.void], lowest: float
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Return the windows of a tile in which the P-Net sees a face."""
        answer = np.ascontiguousarray(answer, dtype=np.float32)
        room = int((blocks["rows"] * blocks["cols"]).sum())
        windows = np.empty((room, _NUMBERS_OF_A_WINDOW), dtype=np.int64)
        answers = np.empty((room, _NUMBERS_OF_A_CELL), dtype=np.float32)
        given = (answer.ctypes.data, *answer.shape[1:], blocks.ctypes.data, len(blocks), lowest)
        count = self._loops.loops_cells_above(*given, windows.ctypes.data, answers.ctypes.data)
        return windows[:count, 1:].copy(), answers[:count].copy()

    def kept(
        self,
        boxes: NDArray[np.float32],
        order: NDArray[np.int64],
        groups: NDArray[np.int64],
        max_overlap: float,
        *,
        of_smaller: bool,
    ) -> NDArray[np.int64]:
        """Return which boxes are left when each one suppresses those that overlap it too much."""
        boxes = np.ascontiguousarray(boxes, dtype=np.float32)
        order, groups = (np.ascontiguousarray(of, dtype=np.int64) for of in (order, groups))
        kept = np.empty(len(order), dtype=np.int64)
        given = (boxes.ctypes.data, order.ctypes.data, len(order), groups.ctypes.data)
        how = (max_overlap, 1.0 if of_smaller else 0.0, of_smaller)
        return kept[: self._loops.loops_kept(*given, *how, kept.ctypes.data)]


def _reserved(shape: tuple[int, int], kind: type[_Number]) -> NDArray[_Number]:
    # room for the worst case, of which hardly anything is used: the system gives a page when it is
    # written to, and takes all back, where the heap would be left in pieces of odd sizes
    try:
        pages = mmap.mmap(-1, math.prod(shape) * np.dtype(kind).itemsize)
    except OSError as exc:
        raise MemoryError from exc
    return np.frombuffer(pages, dtype=kind).reshape(shape)


def _check(result: int) -> None:
    if result < 0:
        raise MemoryError
