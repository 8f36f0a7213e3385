"""Aligned faces for training: tar shards packed once into one memory-mapped array."""

from __future__ import annotations

import json
import logging
import tarfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np

from ood_face.imaging.degradations import DEGRADATIONS, MAX_SEVERITY, degrade

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

__all__ = ["FaceSet", "augment", "blend", "degrade_randomly", "load_faces"]

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


def load_faces(shards: Sequence[Path], cache_dir: Path) -> FaceSet:
    """Decode tar shards of ``identity/number.jpg`` pictures once, then map them from disk."""
    cache_dir.mkdir(parents=True, exist_ok=True)
    stem = "-".join(path.stem for path in shards)
    array_path, names_path = cache_dir / f"{stem}.npy", cache_dir / f"{stem}.json"
    if not (array_path.exists() and names_path.exists()):
        crops, names = _decode_shards(shards)
        np.save(array_path, crops)
        names_path.write_text(json.dumps(names), encoding="utf-8")
        logger.info("packed %d faces into %s", len(names), array_path)
    names = json.loads(names_path.read_text(encoding="utf-8"))
    identities = [str(Path(name).parent) for name in names]
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


def augment(image: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """Flip, shift, scale, turn and recolour one face mildly, as real alignment varies."""
    if rng.random() < 0.5:
        image = image[:, ::-1]
    angle_deg, scale = rng.normal(0, 4), float(np.exp(rng.normal(0, 0.05)))
    matrix = cv2.getRotationMatrix2D((SIDE_PX / 2, SIDE_PX / 2), angle_deg, scale)
    matrix[:, 2] += rng.normal(0, 2, 2)
    image = np.ascontiguousarray(image)
    image = cv2.warpAffine(image, matrix, (SIDE_PX, SIDE_PX), borderMode=cv2.BORDER_REFLECT)
    gain, shift = np.exp(rng.normal(0, 0.15)), rng.normal(0, 12)
    tint = rng.normal(1, 0.04, 3)
    recoloured = (image.astype(np.float32) - 127) * (gain * tint) + 127 + shift
    return np.clip(recoloured, 0, 255).astype(np.uint8)


def blend(
    image: NDArray[np.uint8], other: NDArray[np.uint8], rng: np.random.Generator
) -> NDArray[np.uint8]:
    """Mix two aligned faces pixel by pixel: a new face that no identity owns."""
    weight = rng.uniform(0.3, 0.7)
    return cv2.addWeighted(image, weight, np.ascontiguousarray(other), 1 - weight, 0)


def degrade_randomly(
    image: NDArray[np.uint8], rng: np.random.Generator, max_severity: float = MAX_SEVERITY
) -> tuple[NDArray[np.uint8], float]:
    """Apply one random degradation (two with probability 0.2); return it and its severity."""
    kinds = list(DEGRADATIONS)
    severity = float(rng.uniform(0.6, max_severity))
    image = degrade(image, kinds[rng.integers(len(kinds))], severity, rng)
    if rng.random() < 0.2:
        image = degrade(image, kinds[rng.integers(len(kinds))], float(rng.uniform(0.6, 2.5)), rng)
    return image, severity
