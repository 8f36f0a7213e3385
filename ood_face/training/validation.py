"""CFP verification during training: the figure that chooses the checkpoint."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from ood_face.evaluation.faces import load_faces, load_pairs
from ood_face.evaluation.ood import auroc
from ood_face.evaluation.verification import fold_accuracy
from ood_face.imaging.degradations import degrade
from ood_face.imaging.nonfaces import draw_nonface
from ood_face.training.network import to_input

if TYPE_CHECKING:
    from pathlib import Path

    from ood_face.training.network import StudentNetwork

__all__ = ["CfpValidation", "ScoreValidation"]


class CfpValidation:
    """Ten-fold accuracy of a network on CFP frontal-frontal and frontal-profile."""

    def __init__(self, faces_dir: Path, cache_dir: Path, every: int = 1) -> None:
        self._faces = load_faces([faces_dir / "cfp-00.tar"], cache_dir)
        self._pairs = {
            # every > 1: a quick look while training
            key: load_pairs(faces_dir / f"{key}_pairs.csv", self._faces.names).every(every)
            for key in ("cfp_ff", "cfp_fp")
        }

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
