"""CFP verification during training: the figure that chooses the checkpoint."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from ood_face.evaluation.verification import fold_accuracy
from ood_face.training.data import load_faces
from ood_face.training.network import to_input

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray
    from torch import Tensor

__all__ = ["CfpValidation", "Pairs", "load_pairs"]


@dataclass(frozen=True, slots=True, eq=False)
class Pairs:
    """Verification pairs as indices into a face set; -1 where a picture is missing."""

    first: NDArray[np.int64]
    second: NDArray[np.int64]
    same: NDArray[np.bool_]
    fold: NDArray[np.int64]


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


class CfpValidation:
    """Ten-fold accuracy of a network on CFP frontal-frontal and frontal-profile."""

    def __init__(self, faces_dir: Path, cache_dir: Path, every: int = 1) -> None:
        self._faces = load_faces([faces_dir / "cfp-00.tar"], cache_dir)
        self._pairs = {
            key: load_pairs(faces_dir / f"{key}_pairs.csv", self._faces.names)
            for key in ("cfp_ff", "cfp_fp")
        }
        if every > 1:  # a quick look while training: one in `every` pairs of each fold
            self._pairs = {key: _thin(pairs, every) for key, pairs in self._pairs.items()}

    @torch.no_grad()
    def __call__(
        self, embed: Callable[[Tensor], Tensor], device: torch.device, batch: int = 128
    ) -> dict[str, float]:
        """Return ``{"cfp_ff": accuracy, "cfp_fp": accuracy}`` for an embedding function."""
        used = np.unique(
            np.concatenate([np.concatenate([p.first, p.second]) for p in self._pairs.values()])
        )
        used = used[used >= 0]
        features = np.zeros((len(self._faces.crops) + 1, 512), np.float32)
        for start in range(0, len(used), batch):
            chosen = used[start : start + batch]
            crops = torch.from_numpy(np.asarray(self._faces.crops[chosen])).to(device)
            with torch.autocast(device.type, torch.bfloat16):
                features[chosen] = embed(to_input(crops)).float().cpu().numpy()
        norms = np.linalg.norm(features, axis=1, keepdims=True)
        features /= np.maximum(norms, 1e-12)  # a missing picture keeps zeros: similarity 0
        return {
            key: fold_accuracy(
                np.sum(features[p.first] * features[p.second], axis=1, dtype=np.float64),
                p.same,
                p.fold,
            ).mean
            for key, p in self._pairs.items()
        }


def _thin(pairs: Pairs, every: int) -> Pairs:
    # pairs come as runs of same and different: a stride keeps both in every fold
    return Pairs(
        pairs.first[::every], pairs.second[::every], pairs.same[::every], pairs.fold[::every]
    )
