"""A network looks at parts of a picture: all tiles of the pyramid, or a batch of crops."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np

from ood_face.detection.compiled import CompiledPicture, NativeNetwork
from ood_face.detection.loops import loops

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from ood_face.crew import Crew
    from ood_face.detection.loops import Picture
    from ood_face.detection.pyramid import Layout
    from ood_face.ports import Session

    _Found = tuple[NDArray[np.int64], NDArray[np.float32]]

__all__ = ["Scene", "joined", "scan", "seen_by"]


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
        return scene.picture.scan(levels, network, scene.crew, lowest)
    tiles = iter(enumerate(levels.tiles))

    def work(_: int) -> list[tuple[int, _Found]]:
        # who is done with a tile takes the next one
        tile = np.zeros((1, levels.tile_px, levels.tile_px, 3), dtype=np.float32)
        found = []
        for index, blocks in tiles:
            scene.picture.fill(blocks, tile[0])
            answer = seen_by(network, tile)[0]
            found.append((index, loops().cells_above(answer, blocks, lowest)))
        return found

    threads = min(scene.crew.threads, len(levels.tiles))
    found = dict(chain.from_iterable(scene.crew.each(work, range(threads))))
    windows, answers = joined([found[index] for index in range(len(found))])
    return windows, answers


def seen_by(network: Session, pixels: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return a network's answers to pictures of shape (N, rows, columns, 3)."""
    (answer,) = network.run({"image": pixels.transpose(0, 3, 1, 2)}).values()
    return answer


def joined(parts: Sequence[tuple[NDArray[Any], ...]]) -> tuple[NDArray[Any], ...]:
    """Put tuples of as many arrays behind each other."""
    return tuple(np.concatenate(part) for part in zip(*parts, strict=True))
