"""CFP verification during training: the figure that chooses the checkpoint."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from ood_face.evaluation.ood import auroc
from ood_face.evaluation.verification import fold_accuracy
from ood_face.imaging.degradations import degrade
from ood_face.training.data import load_faces
from ood_face.training.network import to_input
from ood_face.training.nonfaces import draw_nonface

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ood_face.training.network import StudentNetwork

__all__ = ["CfpValidation", "Pairs", "ScoreValidation", "load_pairs"]


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
        self, network: StudentNetwork, device: torch.device, batch: int = 128
    ) -> dict[str, float]:
        """Return ``{"cfp_ff": accuracy, "cfp_fp": accuracy}`` of a network."""
        used = np.unique(
            np.concatenate([np.concatenate([p.first, p.second]) for p in self._pairs.values()])
        )
        used = used[used >= 0]
        features = np.zeros((len(self._faces.crops) + 1, 512), np.float32)
        for start in range(0, len(used), batch):
            chosen = used[start : start + batch]
            crops = torch.from_numpy(np.asarray(self._faces.crops[chosen])).to(device)
            with torch.autocast(device.type, torch.bfloat16):
                features[chosen] = network(to_input(crops))[0].float().cpu().numpy()
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


class ScoreValidation:
    """How well the variance separates sharp faces from degraded ones and from non-faces."""

    def __init__(self, faces_dir: Path, cache_dir: Path, count: int = 192) -> None:
        faces = load_faces([faces_dir / "cfp-00.tar"], cache_dir)
        frontal = [i for i, name in enumerate(faces.names) if "/frontal/" in name]
        chosen = frontal[:: max(1, len(frontal) // count)][:count]
        rng = np.random.default_rng(0)
        clean = [np.asarray(faces.crops[i]) for i in chosen]
        self._sets = {"clean": np.stack(clean)}
        for kind in ("blur", "low_resolution", "occlusion", "noise"):
            degraded = [degrade(image, kind, 4, rng) for image in clean]
            self._sets[f"auroc_{kind}4"] = np.stack(degraded)
        self._sets["auroc_blur2"] = np.stack([degrade(image, "blur", 2, rng) for image in clean])
        nonfaces = [draw_nonface(image, rng) for image in clean]
        self._sets["auroc_nonface"] = np.stack(nonfaces)

    @torch.no_grad()
    def __call__(self, network: StudentNetwork, device: torch.device) -> dict[str, float]:
        """Return the AUROC of clean faces against each other set, by lower variance."""
        trust = {}
        for key, crops in self._sets.items():
            with torch.autocast(device.type, torch.bfloat16):
                logvar = network(to_input(torch.from_numpy(crops).to(device)))[1]
            trust[key] = -logvar.float().exp().mean(1).cpu().numpy()
        clean = trust.pop("clean")
        return {key: auroc(clean, values) for key, values in trust.items()}
