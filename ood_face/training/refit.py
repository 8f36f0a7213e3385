"""Refit the feature layer in closed form: ridge regression towards the teacher on clean faces.

The RTS stage sees mostly degraded pictures, which leaves the linear feature layer short of the
best one for the flattened map below it. The refitted layer is mixed with the trained one.
"""

from __future__ import annotations

import argparse
import logging
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from ood_face.evaluation.faces import load_faces
from ood_face.training.bank import build_bank
from ood_face.training.checkpoint import load_checkpoint, save_checkpoint
from ood_face.training.export import load_network
from ood_face.training.network import to_channels_last, to_input
from ood_face.training.teacher import open_teacher

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ood_face.training.network import StudentNetwork

__all__ = ["flat_maps", "main", "refit_feature_layer"]

logger = logging.getLogger(__name__)


@torch.no_grad()
def flat_maps(
    network: StudentNetwork, crops: NDArray[np.uint8], batch: int = 128
) -> NDArray[np.float32]:
    """Return what the feature layer sees of each crop, as float32 (N, flat)."""
    device = next(network.parameters()).device
    parts = []
    for start in range(0, len(crops), batch):
        images = to_input(torch.from_numpy(np.asarray(crops[start : start + batch])).to(device))
        with torch.autocast(device.type, torch.bfloat16):
            flat = network.flat(images)
        parts.append(flat.float().cpu().numpy())
    return np.concatenate(parts)


@torch.no_grad()
def refit_feature_layer(
    network: StudentNetwork,
    flat: NDArray[np.float32],
    targets: NDArray[np.float32],
    ridge: float = 0.1,
    share: float = 0.5,
) -> None:
    """Replace the feature layer by a mixture of itself and a ridge regression.

    Both parts are centred and scaled to the same mean norm first, so that strangers' cosines
    scatter around zero.

    Parameters
    ----------
    flat : array of shape (N, flat), from ``flat_maps``
    targets : array of shape (N, 512), the teacher's features of the same crops
    ridge : penalty as a share of the mean variance of ``flat``
    share : weight of the regression in the mixture
    """
    mean = flat.mean(axis=0)
    centred = flat - mean
    gram = centred.T @ centred / len(flat)
    penalty = ridge * float(np.trace(gram)) / len(gram)
    cross = centred.T @ (targets - targets.mean(axis=0)) / len(flat)
    fitted = np.linalg.solve(gram + penalty * np.eye(len(gram), dtype=gram.dtype), cross).T
    layer = network.head.feature
    trained = layer.weight.float().cpu().numpy()
    weight = share * fitted / _mean_norm(centred @ fitted.T)
    weight += (1 - share) * trained / _mean_norm(centred @ trained.T)
    layer.weight.copy_(torch.from_numpy(weight.astype(np.float32)))
    layer.bias.copy_(torch.from_numpy((-weight @ mean).astype(np.float32)))


def _mean_norm(features: NDArray[np.float32]) -> float:
    return float(np.linalg.norm(features, axis=1).mean())


def main(argv: list[str] | None = None) -> None:
    """Run ``python -m ood_face.training.refit``."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("checkpoint", type=Path, help="of the RTS stage")
    parser.add_argument("out", type=Path)
    parser.add_argument("--faces-dir", type=Path, required=True)
    parser.add_argument("--teacher", type=Path, required=True)
    arguments = parser.parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    cache = arguments.checkpoint.parent.parent / "cache"
    faces = load_faces(sorted(arguments.faces_dir.glob("train-*.tar")), cache)
    device = torch.device("cpu")
    teacher = open_teacher(arguments.teacher, (), device)
    bank = build_bank(faces, teacher, device, cache / f"bank-{arguments.teacher.stem}.npy")
    network = load_network(arguments.checkpoint)
    to_channels_last(network)
    refit_feature_layer(network, flat_maps(network, faces.crops), bank.features.numpy())
    state = load_checkpoint(arguments.checkpoint)
    save_checkpoint(arguments.out, {**state, "average": network.state_dict()})
    logger.info("%s", arguments.out)


if __name__ == "__main__":
    main()
