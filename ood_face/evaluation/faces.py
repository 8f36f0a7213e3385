"""Aligned faces for training and evaluation: tar shards decoded once, then mapped from disk."""

from __future__ import annotations

import csv
import json
import logging
import tarfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

__all__ = ["FaceSet", "Pairs", "load_faces", "load_objects", "load_pairs"]

logger = logging.getLogger(__name__)
SIDE_PX = 112


@dataclass(frozen=True, slots=True, eq=False)
class FaceSet:
    """Aligned faces with their identities.

    Attributes
    ----------
    crops : uint8 array of shape (N, 112, 112, 3), RGB, memory-mapped
    names : path of every picture inside its shard
    labels : int64 array of shape (N,), index of the identity
    """

    crops: NDArray[np.uint8]
    names: tuple[str, ...]
    labels: NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Pairs:
    """Verification pairs as indices into a face set; -1 where a picture is missing.

    Attributes
    ----------
    first, second : int64 arrays of shape (N,)
    same : bool array of shape (N,)
    fold : int64 array of shape (N,), the cross-validation fold of each pair
    """

    first: NDArray[np.int64]
    second: NDArray[np.int64]
    same: NDArray[np.bool_]
    fold: NDArray[np.int64]

    def every(self, step: int) -> Pairs:
        """Return one in ``step`` pairs; runs of same and different keep both in every fold."""
        part = slice(None, None, step)
        return Pairs(self.first[part], self.second[part], self.same[part], self.fold[part])


def load_faces(shards: Sequence[Path], cache_dir: Path, identity_depth: int = -1) -> FaceSet:
    """Decode tar shards of aligned pictures once, then map them from disk.

    Parameters
    ----------
    shards : tar files of 112x112 pictures, ``identity/.../number.jpg``
    cache_dir : where the decoded array is kept
    identity_depth : leading folders that name the identity; -1: all of them
    """
    cache_dir.mkdir(parents=True, exist_ok=True)
    stem = "-".join(path.stem for path in shards)
    array_path, names_path = cache_dir / f"{stem}.npy", cache_dir / f"{stem}.json"
    if not (array_path.exists() and names_path.exists()):
        crops, names = _decode_shards(shards)
        np.save(array_path, crops)
        names_path.write_text(json.dumps(names), encoding="utf-8")
        logger.info("packed %d faces into %s", len(names), array_path)
    names = json.loads(names_path.read_text(encoding="utf-8"))
    folders = [Path(name).parts[:-1] for name in names]
    identities = ["/".join(f if identity_depth < 0 else f[:identity_depth]) for f in folders]
    _, labels = np.unique(identities, return_inverse=True)
    return FaceSet(np.load(array_path, mmap_mode="r"), tuple(names), labels.astype(np.int64))


def _decode_shards(shards: Sequence[Path]) -> tuple[NDArray[np.uint8], list[str]]:
    crops, names = [], []
    for shard in shards:
        with tarfile.open(shard) as archive:
            for member in archive:
                stream = archive.extractfile(member) if member.isfile() else None
                if stream is None:
                    continue
                data = np.frombuffer(stream.read(), np.uint8)
                image = cv2.imdecode(data, cv2.IMREAD_COLOR)
                if image is None or image.shape != (SIDE_PX, SIDE_PX, 3):
                    logger.warning("%s: %s is no 112x112 picture, left out", shard, member.name)
                    continue
                crops.append(image[..., ::-1])
                names.append(member.name)
    return np.stack(crops), names


def load_pairs(path: Path, names: tuple[str, ...]) -> Pairs:
    """Read ``fold,image_a,image_b,same`` and look the pictures up."""
    where = {name: index for index, name in enumerate(names)}
    with path.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    return Pairs(
        np.array([where.get(row["image_a"], -1) for row in rows]),
        np.array([where.get(row["image_b"], -1) for row in rows]),
        np.array([row["same"] == "1" for row in rows]),
        np.array([int(row["fold"]) for row in rows]),
    )


def load_objects(
    archive_path: Path, has_face: Callable[[NDArray[np.uint8]], bool]
) -> NDArray[np.uint8]:
    """Return the middle of every picture that holds no face, as uint8 (N, 112, 112, 3)."""
    crops = []
    with tarfile.open(archive_path) as archive:
        for member in archive:
            stream = archive.extractfile(member) if member.isfile() else None
            if stream is None:
                continue
            image = cv2.imdecode(np.frombuffer(stream.read(), np.uint8), cv2.IMREAD_COLOR)
            if image is None:
                continue
            rgb = np.asarray(image[..., ::-1], np.uint8)
            if not has_face(np.ascontiguousarray(rgb)):
                crops.append(_middle(rgb))
    return np.stack(crops)


def _middle(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    height, width = image.shape[:2]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    square = np.ascontiguousarray(image[top : top + side, left : left + side])
    return np.asarray(cv2.resize(square, (SIDE_PX, SIDE_PX), interpolation=cv2.INTER_AREA))
