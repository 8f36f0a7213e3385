"""Stage-wise and end-to-end distillation of a face network from a teacher.

Phase ``stagewise`` trains each stage alone on the teacher's own input to it; phase
``end_to_end`` chains the stages and keeps the hints. Both are one resumable loop.
"""

from __future__ import annotations

import argparse
import logging
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812  (the name PyTorch's documentation uses)

from ood_face.evaluation.faces import load_faces
from ood_face.training.data import augment, degrade_randomly, frame, new_face, turn
from ood_face.training.loop import Schedule, TrainingLoop
from ood_face.training.losses import normalised_mse
from ood_face.training.muon import Muon, muon_groups
from ood_face.training.network import (
    StudentNetwork,
    compile_stages,
    count_parameters,
    to_channels_last,
    to_input,
)
from ood_face.training.teacher import MBF_HINTS, open_teacher
from ood_face.training.validation import CfpValidation

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from torch import Tensor

    from ood_face.evaluation.faces import FaceSet

__all__ = ["DistillConfig", "main", "train"]

logger = logging.getLogger(__name__)
HINT_WEIGHTS = (0.3, 0.3, 0.5)  # early stages only guide; the tail carries the identity


@dataclass(frozen=True, slots=True)
class DistillConfig:
    """Everything that shapes a distillation run."""

    faces_dir: Path
    teacher: Path
    run_dir: Path
    stagewise_images: int = 48_000
    images: int = 420_000
    batch: int = 96
    stagewise_lr: float = 2e-3
    lr: float = 1.2e-3
    cooldown_share: float = 0.3
    weight_decay: float = 0.02
    warmup_steps: int = 40
    new_face_share: float = 0.6
    turn_share: float = 0.3
    frame_share: float = 0.3
    degrade_share: float = 0.3
    save_every: int = 50
    validate_every: int = 300
    device: str = "cpu"
    compiled: bool = True
    seed: int = 0


def batches(faces: FaceSet, config: DistillConfig, start: int) -> Iterator[Tensor]:
    """Yield normalised batches forever; batch ``i`` depends on the seed and ``i`` alone."""
    step = start
    while True:
        rng = np.random.default_rng((config.seed, step))
        chosen = rng.integers(0, len(faces.crops), (config.batch, 2))
        crops = []
        for index, other in chosen:
            image = np.asarray(faces.crops[index])
            if rng.random() < config.new_face_share:
                image = new_face(image, np.asarray(faces.crops[other]), rng)
            if rng.random() < config.turn_share:
                image = turn(image, rng)
            image = augment(image, rng)
            if rng.random() < config.frame_share:
                image = frame(image, rng)
            if rng.random() < config.degrade_share:
                image, _ = degrade_randomly(image, rng, max_severity=3)
            crops.append(image)
        yield to_input(torch.from_numpy(np.stack(crops)))
        step += 1


def learning_rate(config: DistillConfig, seen: int) -> float:
    """Warm-up and constant; the last part of the run falls to zero in a straight line.

    A constant rate lets a run be stopped early or prolonged: resumed with another number of
    images, it only falls at another time.
    """
    stagewise = seen < config.stagewise_images
    since = seen if stagewise else seen - config.stagewise_images
    warm = min(1.0, (since / config.batch + 1) / config.warmup_steps)
    if stagewise:
        return config.stagewise_lr * warm
    left = (config.images - seen) / (config.cooldown_share * config.images)
    return config.lr * warm * min(1.0, max(left, 0.01))


def hint_loss(
    network: StudentNetwork,
    x: Tensor,
    targets: tuple[Tensor, ...],
    error: Callable[[Tensor, Tensor], Tensor] = normalised_mse,
    *,
    stagewise: bool,
) -> tuple[Tensor, dict[str, float]]:
    """Return the loss of one batch and its parts; targets are three hints and the feature."""
    hints = (targets[0], targets[1], targets[2])
    with torch.autocast(x.device.type, torch.bfloat16):
        if stagewise:
            *maps, feature = network.stagewise(x, hints)
        else:
            maps = list(network.trunk(x))
            feature = network.head(maps[2])[0]
    hint_losses = [error(m, t) for m, t in zip(maps, hints, strict=True)]
    cosine = 1 - F.cosine_similarity(feature.float(), targets[3]).mean()
    size = normalised_mse(feature, targets[3])
    weights = (1.0, 1.0, 1.0) if stagewise else HINT_WEIGHTS
    total = sum(w * h for w, h in zip(weights, hint_losses, strict=True)) + 2 * cosine + size
    parts = {f"hint{i + 1}": float(h.detach()) for i, h in enumerate(hint_losses)}
    return total, parts | {"cosine_distance": float(cosine.detach())}


def train(config: DistillConfig) -> Path:
    """Run or resume a distillation; return the path of the final checkpoint."""
    torch.manual_seed(config.seed)
    device = torch.device(config.device)
    cache = config.run_dir.parent / "cache"
    faces = load_faces(sorted(config.faces_dir.glob("train-*.tar")), cache)
    validation = CfpValidation(config.faces_dir, cache, every=8)
    teacher = open_teacher(config.teacher, MBF_HINTS, device)
    network = StudentNetwork().to(device)
    to_channels_last(network)
    logger.info("%d faces, %.2f M parameters", len(faces.crops), count_parameters(network) / 1e6)
    error = normalised_mse
    if config.compiled:
        compile_stages(network)
        error = torch.compile(normalised_mse)

    def loss(x: Tensor, step: int) -> tuple[Tensor, dict[str, Any]]:
        batch = x.to(device)
        targets = teacher(batch)
        stagewise = step * config.batch < config.stagewise_images
        return hint_loss(network, batch, targets, error, stagewise=stagewise)

    return TrainingLoop(
        network=network,
        optimiser=Muon(muon_groups(network, config.weight_decay), config.lr),
        run_dir=config.run_dir,
        schedule=Schedule(config.images, config.batch, config.save_every, config.validate_every),
        batches=lambda start: batches(faces, config, start),
        loss=loss,
        rate=lambda step: learning_rate(config, step * config.batch),
        validate=lambda averaged: validation(averaged, device),
    ).run()


def main(argv: list[str] | None = None) -> None:
    """Run ``python -m ood_face.training.distill``."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--faces-dir", type=Path, required=True)
    parser.add_argument("--teacher", type=Path, required=True)
    parser.add_argument("--run-dir", type=Path, required=True)
    parser.add_argument("--stagewise-images", type=int, default=48_000)
    parser.add_argument("--images", type=int, default=420_000)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--no-compile", dest="compiled", action="store_false")
    arguments = vars(parser.parse_args(argv))
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    torch.set_num_threads(arguments.pop("threads"))
    train(DistillConfig(**arguments))


if __name__ == "__main__":
    main()
