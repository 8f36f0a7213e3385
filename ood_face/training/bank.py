"""The teacher's features of all training faces: what the RTS stage classifies against."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812  (the name PyTorch's documentation uses)

from ood_face.training.network import to_input

if TYPE_CHECKING:
    from pathlib import Path

    from torch import Tensor

    from ood_face.evaluation.faces import FaceSet
    from ood_face.training.teacher import Teacher

__all__ = ["IdentityBank", "build_bank"]


class IdentityBank:
    """Teacher features of all training faces: identity centres and a store of negatives."""

    def __init__(self, features: Tensor, labels: Tensor) -> None:
        self.features = features
        self.labels = labels
        count = int(labels.max()) + 1
        self._sums = torch.zeros(count, features.shape[1]).index_add_(0, labels, features)

    def centres(self, index: Tensor) -> Tensor:
        """Return (B, 512) identity centres without the picture itself."""
        others = self._sums[self.labels[index]] - self.features[index]
        return F.normalize(others, dim=1)

    def draw(self, count: int, generator: torch.Generator) -> Tensor:
        """Return the indices of random negatives."""
        return torch.randint(len(self.features), (count,), generator=generator)


def build_bank(
    faces: FaceSet, teacher: Teacher, device: torch.device, path: Path, batch: int = 128
) -> IdentityBank:
    """Embed every training face with the teacher, once."""
    if not path.exists():
        parts = []
        for start in range(0, len(faces.crops), batch):
            crops = torch.from_numpy(np.asarray(faces.crops[start : start + batch]))
            parts.append(teacher(to_input(crops).to(device))[-1].float().cpu().clone())
        path.parent.mkdir(parents=True, exist_ok=True)
        np.save(path, F.normalize(torch.cat(parts), dim=1).numpy())
    features = torch.from_numpy(np.load(path))
    return IdentityBank(features, torch.from_numpy(faces.labels))
