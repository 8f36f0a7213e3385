"""A network looks at all tiles, or at windows or crops, in one native call by several threads.

Without Python's lock; what comes out is the same, however many threads are at it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ood_face.crew import shares
from ood_face.detection.compiled import CELL, windows_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from ood_face.crew import Crew
    from ood_face.detection.compiled import CompiledPicture
    from ood_face.detection.native_network import NativeNetwork, Runner
    from ood_face.detection.pyramid import Layout
    from ood_face.detection.scanning import Wanted

__all__ = ["scan_natively", "see_natively"]

# where a scanner has the status of its network
_FAILED = 4


class _Scanner:
    # what a thread has that looks at tiles; row: as scan.c has it, with room for what is found

    def __init__(self, largest_px: tuple[int, int], runner: Runner) -> None:
        self._tile = np.empty((1, *largest_px, 3), np.float32)
        self.aimed = runner.aim(self._tile.transpose(0, 3, 1, 2))
        answer, job = self.aimed.answer, self.aimed.job
        self.row = (self._tile.ctypes.data, self.aimed.address, job, answer.ctypes.data, *[0] * 5)


def scan_natively(
    picture: CompiledPicture, levels: Layout, network: NativeNetwork, crew: Crew, lowest: float
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Fill all tiles, let the network see them, and return the windows it sees a face in.

    Parameters
    ----------
    picture : where to look
    levels : of the pyramid
    network : the P-Net
    crew : who does it
    lowest : logit

    Returns
    -------
    see :meth:`ood_face.detection.loops.Loops.cells_above`
    """
    blocks, ends, native = levels.blocks, levels.ends, picture.native
    areas, widest_px = levels.tiles_px.prod(axis=1), int(levels.tiles_px[:, 1].max())
    rows_px, cols_px = levels.tiles_px[areas.argmax()].tolist()
    with network.held(min(crew.threads, len(ends))) as runners:
        scanners = [_Scanner((rows_px, cols_px), runner) for runner in runners]
        rows = np.array([scanner.row for scanner in scanners], np.int64)
        numbers = scanners[0].aimed.answer.shape[1]
        count = native.scan_all(
            *(crew.team, *picture.where, blocks.ctypes.data, ends.ctypes.data),
            *(levels.tiles_px.ctypes.data, len(ends), rows_px * cols_px, widest_px),
            *(numbers, lowest, rows.ctypes.data, len(rows)),
        )
        found = None
        try:
            for scanner, row in zip(scanners, rows, strict=True):
                scanner.aimed.check(int(row[_FAILED]))
            if count < 0:
                raise MemoryError
            found = np.empty(count, CELL)
        finally:
            there = 0 if found is None else found.ctypes.data
            native.scan_found(rows.ctypes.data, len(rows), len(ends), there)
    return windows_of(found)


class _Batch:
    # what a network sees at once; row: as loops.c has it

    def __init__(self, where: int, pixels: NDArray[np.float32], count: int, runner: Runner) -> None:
        self._count = count
        self._aimed = runner.aim(pixels.transpose(0, 3, 1, 2))
        self.row = (where, count, pixels.ctypes.data, self._aimed.address, 0)

    def answers(self, row: NDArray[np.int64]) -> NDArray[np.float32]:
        failed = int(row[-1])
        if failed < 0:
            raise MemoryError
        self._aimed.check(failed)
        answer = self._aimed.answer
        return answer.reshape(len(answer), -1)[: self._count]


def see_natively(
    picture: CompiledPicture,
    wanted: Wanted,
    network: NativeNetwork,
    crew: Crew,
    sizes: Sequence[int],
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Cut out what is wanted, and let a network see it.

    Parameters
    ----------
    picture : where to look
    wanted : one at least
    network : the network
    crew : who does it
    sizes : of batches, smallest first, for a network to which some are better than others

    Returns
    -------
    see :func:`ood_face.detection.scanning.look`
    """
    # a batch may be larger than its share: behind that lies the next one's, or nothing
    pixels = _room_for(wanted, 0 if network.any_size else sizes[-1])
    where, sizes_px = (
        0 if of is None else of.ctypes.data for of in (wanted.where, wanted.sizes_px)
    )
    step = 0 if wanted.where is None else wanted.where.strides[0]
    answers: list[NDArray[np.float32]] = []
    begin = 0
    while begin < len(wanted):
        with network.held(crew.threads) as runners:
            rest = len(wanted) - begin
            count = rest if network.any_size else _at_once(rest, len(runners), sizes)
            batches = []
            for part, runner in zip(shares(len(runners), count, 1), runners, strict=False):
                first, share = begin + part.start, part.stop - part.start
                fits = share if network.any_size else min(s for s in sizes if s >= share)
                seen = pixels[first : first + fits]
                pixels[len(wanted) : first + fits] = 0
                batches.append(_Batch(where + step * first, seen, share, runner))
            rows = np.array([batch.row for batch in batches], np.int64)
            picture.native.loops_see(
                *(crew.team, *picture.where, sizes_px, wanted.side_px),
                *(rows.ctypes.data, len(rows)),
            )
            answers += [batch.answers(row) for batch, row in zip(batches, rows, strict=True)]
        begin += count
    return pixels[: len(wanted)], answers[0] if len(answers) == 1 else np.concatenate(answers)


def _at_once(rest: int, runners: int, sizes: Sequence[int]) -> int:
    # how many are seen in one call: one runner fills its batches, several share what is left
    if runners > 1:
        return min(rest, runners * sizes[-1])
    return max((size for size in sizes if size <= rest), default=rest)


def _room_for(wanted: Wanted, spare: int) -> NDArray[np.float32]:
    # with so many more behind
    if wanted.pixels is not None and not spare:
        return wanted.pixels
    shape = (len(wanted) + spare, wanted.side_px, wanted.side_px, 3)
    room = np.empty(shape, np.float32)
    if wanted.pixels is not None:
        room[: len(wanted)] = wanted.pixels
    return room
