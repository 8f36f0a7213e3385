"""A network looks at parts of a picture: all tiles of the pyramid, or windows or crops."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np

from ood_face.detection.compiled import CompiledPicture
from ood_face.detection.loops import loops
from ood_face.detection.native_looks import scan_natively, see_natively
from ood_face.detection.native_network import NativeNetwork
from ood_face.detection.pyramid import WINDOW_PX

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from ood_face.crew import Crew
    from ood_face.detection.loops import Picture
    from ood_face.detection.pyramid import Layout
    from ood_face.ports import Session

    _Found = tuple[NDArray[np.int64], NDArray[np.float32]]
    _Seen = tuple[NDArray[np.float32], NDArray[np.float32]]

__all__ = ["Scene", "Wanted", "joined", "look", "scan", "seen_by"]

# of fewer windows or crops for each, waking a helper costs more than it brings
_SHARE_PX = 16 * 24 * 24


@dataclass(frozen=True, slots=True)
class Scene:
    """A picture that is searched.

    Attributes
    ----------
    picture : the picture
    crew : who searches
    """

    picture: Picture
    crew: Crew


@dataclass(frozen=True, slots=True, eq=False)
class Wanted:
    """Windows or crops of a picture that a network is to see.

    Attributes
    ----------
    side_px : of each
    where : int64 array of shape (N, 4), slices, or (N, 3), windows, see
        :class:`ood_face.detection.loops.Picture`; None: ``pixels`` are there already
    sizes_px : int64 array of shape (levels, 2): height and width of each, for windows
    pixels : float32 array of shape (N, side, side, 3)
    """

    side_px: int
    where: NDArray[np.int64] | None = None
    sizes_px: NDArray[np.int64] | None = None
    pixels: NDArray[np.float32] | None = None

    @classmethod
    def windows(cls, sizes_px: NDArray[np.int64], windows: NDArray[np.int64]) -> Wanted:
        """Return windows of the pyramid."""
        return cls(WINDOW_PX, np.ascontiguousarray(windows), sizes_px)

    @classmethod
    def crops(cls, slices: NDArray[np.int64], side_px: int) -> Wanted:
        """Return crops, resized."""
        return cls(side_px, np.ascontiguousarray(slices))

    @classmethod
    def there(cls, pixels: NDArray[np.float32]) -> Wanted:
        """Return what was cut out before."""
        return cls(pixels.shape[1], pixels=pixels)

    def __len__(self) -> int:
        """Return how many there are."""
        them = self.pixels if self.where is None else self.where
        return 0 if them is None else len(them)

    def cut_out(self, picture: Picture, part: slice) -> NDArray[np.float32]:
        """Return the pixels of some of them."""
        if self.pixels is not None:
            return self.pixels[part]
        if self.where is None:
            raise ValueError(self)
        if self.sizes_px is not None:
            return picture.look(self.sizes_px, self.where[part])
        return picture.crops(self.where[part], self.side_px)


def scan(scene: Scene, levels: Layout, network: Session, lowest: float) -> _Found:
    """Return the windows of all tiles in which a network sees a face, in order.

    Parameters
    ----------
    scene : where to look
    levels : the tiles
    network : the P-Net
    lowest : logit

    Returns
    -------
    windows, answers : see :meth:`ood_face.detection.loops.Loops.cells_above`
    """
    if isinstance(scene.picture, CompiledPicture) and isinstance(network, NativeNetwork):
        return scan_natively(scene.picture, levels, network, scene.crew, lowest)
    tiles = iter(enumerate(levels.tiles))

    def work(_: int) -> list[tuple[int, _Found]]:
        # who is done with a tile takes the next one
        room = np.zeros(3 * int(levels.tiles_px.prod(axis=1).max()), np.float32)
        found = []
        for index, blocks in tiles:
            rows, cols = levels.tiles_px[index].tolist()
            tile = room[: 3 * rows * cols].reshape(1, rows, cols, 3)
            scene.picture.fill(blocks, tile[0])
            answer = seen_by(network, tile)[0]
            found.append((index, loops().cells_above(answer, blocks, lowest)))
        return found

    threads = min(scene.crew.threads, len(levels.tiles))
    found = dict(chain.from_iterable(scene.crew.each(work, range(threads))))
    windows, answers = joined([found[index] for index in range(len(found))])
    return windows, answers


def look(
    scene: Scene, wanted: Wanted, network: Session, sizes: Sequence[int], numbers: int
) -> _Seen:
    """Let a network see windows or crops.

    Parameters
    ----------
    scene : where they are
    wanted : which
    network : the network
    sizes : of batches, smallest first: few, so that an engine sees few shapes
    numbers : that the network says of each

    Returns
    -------
    pixels : float32 array of shape (N, side, side, 3)
    answers : float32 array of shape (N, numbers)
    """
    if not len(wanted):
        nothing = np.empty((0, wanted.side_px, wanted.side_px, 3), np.float32)
        return nothing, np.empty((0, numbers), np.float32)
    if isinstance(scene.picture, CompiledPicture) and isinstance(network, NativeNetwork):
        return see_natively(scene.picture, wanted, network, scene.crew, sizes)

    def see(share: slice) -> _Seen:
        pixels = wanted.cut_out(scene.picture, share)
        return pixels, np.concatenate(list(_answers(pixels, network, sizes)))

    smallest = max(1, _SHARE_PX // wanted.side_px**2)
    shares = scene.crew.shares(len(wanted), smallest)
    pixels, answers = joined(scene.crew.each(see, shares))
    return pixels, answers


def seen_by(network: Session, pixels: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return a network's answers to pictures of shape (N, rows, columns, 3)."""
    (answer,) = network.run({"image": pixels.transpose(0, 3, 1, 2)}).values()
    return answer


def joined(parts: Sequence[tuple[NDArray[Any], ...]]) -> tuple[NDArray[Any], ...]:
    """Put tuples of as many arrays behind each other."""
    return tuple(np.concatenate(part) for part in zip(*parts, strict=True))


def _answers(
    pixels: NDArray[np.float32], network: Session, sizes: Sequence[int]
) -> Iterator[NDArray[np.float32]]:
    # the network's answers, one row for each crop, batch by batch
    for start, count, size in _batches(len(pixels), sizes):
        batch = pixels[start : start + count]
        if count < size:
            batch = np.concatenate([batch, np.zeros((size - count, *batch.shape[1:]), np.float32)])
        yield seen_by(network, batch)[:count].reshape(count, -1)


def _batches(count: int, sizes: Sequence[int]) -> Iterator[tuple[int, int, int]]:
    # (first, how many, batch size): the largest sizes that are full, then the smallest for the rest
    start = 0
    for size in reversed(sizes):
        while count - start >= size:
            yield start, size, size
            start += size
    if start < count:
        yield start, count - start, sizes[0]
