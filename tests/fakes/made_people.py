"""People who do not exist: smooth mixtures and bends of a few free pictures of real ones.

They serve to walk through commands that need a folder of people. Nothing that is measured on them
says anything about real people.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

SIDE_PX = 112
BEND_PX = 6.0  # how far a feature of a face moves, at most
MIXED = 4.0  # the larger, the more of one place of a face comes from one picture alone
HARD = 2.5  # spread of what differs from picture to picture of one person; 1: mild


def write_people(
    folder: Path, faces: Sequence[NDArray[np.uint8]], people: int = 20, each: int = 6, seed: int = 7
) -> None:
    """Write ``folder/p00/0.png`` and so on, aligned faces of 112x112.

    Parameters
    ----------
    faces : uint8 arrays of shape (112, 112, 3), RGB, aligned, of two people or more
    """
    for number, crops in enumerate(made_people(faces, people, each, seed)):
        place = folder / f"p{number:02}"
        place.mkdir(parents=True)
        for index, crop in enumerate(crops):
            encoded = cv2.imencode(".png", cv2.cvtColor(crop, cv2.COLOR_RGB2BGR))[1]
            (place / f"{index}.png").write_bytes(encoded.tobytes())


def made_people(
    faces: Sequence[NDArray[np.uint8]], people: int, each: int, seed: int
) -> Iterator[list[NDArray[np.uint8]]]:
    """Yield the pictures of one person after the other; the same seed gives the same people."""
    rng = np.random.default_rng(seed)
    known = np.stack(faces).astype(np.float32)
    for _ in range(people):
        face = _person(known, rng)
        yield [_picture(face, rng) for _ in range(each)]


def _person(known: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    mirrored = rng.random() < 0.5
    share = np.exp(MIXED * np.stack([_smooth(rng, 4, 1) for _ in known]))
    share /= share.sum(axis=0)
    face = _bent((share[..., None] * known).sum(axis=0), rng, 5, BEND_PX)
    face = face[:, ::-1] if mirrored else face
    tinted = face * rng.uniform(0.8, 1.2, 3) + rng.uniform(-15, 15)
    return np.clip(tinted, 0, 255).astype(np.float32)


def _picture(face: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.uint8]:
    centre = (SIDE_PX / 2, SIDE_PX / 2)
    turn = cv2.getRotationMatrix2D(centre, rng.normal(0, 4 * HARD), rng.normal(1, 0.03 * HARD))
    turn[:, 2] += rng.normal(0, 1.5 * HARD, 2)
    size = (SIDE_PX, SIDE_PX)
    image = _bent(cv2.warpAffine(face, turn, size, borderMode=cv2.BORDER_REFLECT), rng, 3, 2 * HARD)
    image = image * (1 + _smooth(rng, 2, 0.25 * HARD))[..., None]  # light from one side
    blur = rng.uniform(0.01, 1.2 * HARD) + (2 if rng.random() < 0.25 else 0)
    image = cv2.GaussianBlur(image, (0, 0), blur)
    image = image + rng.normal(0, rng.uniform(0, 10 * HARD), image.shape)
    return np.clip(image, 0, 255).astype(np.uint8)


def _smooth(rng: np.random.Generator, cells: int, reach: float) -> NDArray[np.float32]:
    field = rng.uniform(-reach, reach, (cells, cells)).astype(np.float32)
    return cv2.resize(field, (SIDE_PX, SIDE_PX), interpolation=cv2.INTER_CUBIC)


def _bent(
    image: NDArray[np.float32], rng: np.random.Generator, cells: int, reach_px: float
) -> NDArray[np.float32]:
    rows, columns = np.mgrid[:SIDE_PX, :SIDE_PX].astype(np.float32)
    across = columns + _smooth(rng, cells, reach_px)
    down = rows + _smooth(rng, cells, reach_px)
    return cv2.remap(image, across, down, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
