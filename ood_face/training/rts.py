"""The RTS stage: identities as classes under a random temperature (arXiv 2212.01015).

Backbone and branch train together. Each picture is degraded at random; its feature is
kept close to the teacher's feature of the clean picture, while the RTS loss lets the
branch say how much noise the classification of this very picture has to bear.
"""

from __future__ import annotations

import argparse
import logging
import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812  (the name PyTorch's documentation uses)

from ood_face.evaluation.faces import load_faces
from ood_face.imaging.nonfaces import draw_nonface
from ood_face.training.bank import IdentityBank, build_bank
from ood_face.training.checkpoint import load_checkpoint
from ood_face.training.data import augment, degrade_randomly, frame, new_face, turn
from ood_face.training.loop import Schedule, TrainingLoop
from ood_face.training.losses import random_temperature, rts_loss
from ood_face.training.muon import Muon, muon_groups
from ood_face.training.network import (
    NetworkConfig,
    StudentNetwork,
    compile_stages,
    to_channels_last,
    to_input,
)
from ood_face.training.teacher import open_teacher
from ood_face.training.validation import CfpValidation, ScoreValidation

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from torch import Tensor

    from ood_face.evaluation.faces import FaceSet
    from ood_face.training.teacher import Teacher

__all__ = ["RtsConfig", "main", "train"]

logger = logging.getLogger(__name__)
LOGIT_SCALE = 24.0
SAME_PERSON = 0.5  # teacher's cosine with an identity's centre; strangers lie below 0.4


@dataclass(frozen=True, slots=True)
class RtsConfig:
    """Everything that shapes an RTS run."""

    faces_dir: Path
    teacher: Path
    start: Path
    run_dir: Path
    images: int = 110_000
    batch: int = 96
    lr: float = 4e-4
    branch_lr: float = 2e-3
    weight_decay: float = 0.02
    warmup_steps: int = 40
    logit_scale: float = LOGIT_SCALE
    margin: float = 0.35
    kl_scale: float = 1.0
    negatives: int = 4096
    distill_weight: float = 6.0
    dropout: float = 0.1
    clean_share: float = 0.3
    new_face_share: float = 0.5
    turn_share: float = 0.3
    frame_share: float = 0.3
    nonface_share: float = 0.12
    save_every: int = 50
    validate_every: int = 250
    device: str = "cpu"
    compiled: bool = True
    seed: int = 1


class Batch(NamedTuple):
    """One training batch.

    clean and seen: (B, 3, 112, 112); picture: (B,) index into the face set; weight: (B,) of the
    distillation (0 where nothing of the face is left); nonface: (B,) bool; new: (B,) bool, a face
    that no identity owns.
    """

    clean: Tensor
    seen: Tensor
    picture: Tensor
    weight: Tensor
    nonface: Tensor
    new: Tensor


def batches(faces: FaceSet, config: RtsConfig, start: int) -> Iterator[Batch]:
    """Yield batches forever; batch ``i`` depends on the seed and ``i`` alone."""
    step = start
    while True:
        rng = np.random.default_rng((config.seed, step))
        index = rng.integers(0, len(faces.crops), config.batch)
        others = rng.integers(0, len(faces.crops), config.batch)
        clean, seen, weight, nonface, new = [], [], [], [], []
        for item, other in zip(index, others, strict=True):
            image = np.asarray(faces.crops[item])
            new.append(rng.random() < config.new_face_share)
            if new[-1]:
                image = new_face(image, np.asarray(faces.crops[other]), rng)
            if rng.random() < config.turn_share:
                image = turn(image, rng)
            image = augment(image, rng)
            if rng.random() < config.frame_share:
                image = frame(image, rng)
            clean.append(image)
            kind = rng.random()
            if kind < config.nonface_share:
                seen.append(draw_nonface(image, rng))
                weight.append(0.0)
            elif kind < config.nonface_share + config.clean_share:
                seen.append(image)
                weight.append(1.0)
            else:
                degraded, severity = degrade_randomly(image, rng)
                seen.append(degraded)
                # past severity 3 hardly any identity is left to copy
                weight.append(float(np.clip((5.5 - severity) / 2.5, 0.1, 1.0)))
            nonface.append(kind < config.nonface_share)
        yield Batch(
            to_input(torch.from_numpy(np.stack(clean))),
            to_input(torch.from_numpy(np.stack(seen))),
            torch.from_numpy(index),
            torch.tensor(weight),
            torch.tensor(nonface),
            torch.tensor(new),
        )
        step += 1


def similarities(
    feature: Tensor,
    target: Tensor,
    batch: Batch,
    bank: IdentityBank,
    negatives: Tensor,
) -> Tensor:
    """Return (B, 1 + negatives) cosines: own identity first, same-identity negatives masked.

    Some people stand in the training set under two labels. A negative that the teacher finds
    alike is masked as well: as a class of its own, it would teach that these people are unsure.

    The identity of a new face is the teacher's feature of its clean picture, ``target``. A
    picture without a face gets the label of the face it replaced: nothing can find it.
    """
    unit = F.normalize(feature, dim=1)
    centres = bank.centres(batch.picture).to(unit.device)
    own = torch.where(batch.new.to(unit.device)[:, None], target, centres)
    others = unit @ bank.features[negatives].to(unit.device).T
    same = bank.labels[negatives][None, :] == bank.labels[batch.picture][:, None]
    alike = own @ bank.features[negatives].to(unit.device).T > SAME_PERSON
    masked = others.masked_fill(same.to(unit.device) | alike, -1.0)
    return torch.cat([(unit * own).sum(1, keepdim=True), masked], dim=1)


def with_margin(cosines: Tensor, margin: float) -> Tensor:
    """Lower the own identity's cosine (column 0) by the margin, as CosFace does."""
    lowered = cosines.clone()
    lowered[:, 0] -= margin
    return lowered


def learning_rate(config: RtsConfig, step: int) -> float:
    """Return the share of the top learning rate: warm-up, then a cosine."""
    warm = min(1.0, (step + 1) / config.warmup_steps)
    cosine = 0.5 * (1 + math.cos(math.pi * min(1.0, step * config.batch / config.images)))
    return warm * max(cosine, 0.02)


def make_loss(
    config: RtsConfig, network: StudentNetwork, teacher: Teacher, bank: IdentityBank
) -> Callable[[Batch, int], tuple[Tensor, dict[str, Any]]]:
    """Return the loss of one batch: RTS plus closeness to the teacher."""
    device = torch.device(config.device)

    def loss(batch: Batch, step: int) -> tuple[Tensor, dict[str, Any]]:
        generator = torch.Generator().manual_seed(config.seed * 1_000_003 + step)
        target = F.normalize(teacher(batch.clean.to(device))[-1].float(), dim=1)
        with torch.autocast(device.type, torch.bfloat16):
            feature, logvar = network(batch.seen.to(device))
        feature, logvar = feature.float(), logvar.float()
        negatives = bank.draw(config.negatives, generator)
        cosines = similarities(feature, target, batch, bank, negatives)
        terms = rts_loss(
            config.logit_scale * with_margin(cosines, config.margin),
            torch.zeros(len(cosines), dtype=torch.long, device=device),
            logvar,
            random_temperature(logvar),
            config.kl_scale,
        )
        weight = batch.weight.to(device)
        distance = 1 - F.cosine_similarity(feature, target)
        distill = (weight * distance).sum() / weight.sum()
        variance = logvar.detach().exp().mean(1).cpu()
        figures = {
            "cross_entropy": float(terms.cross_entropy.detach()),
            "kl": float(terms.kl.detach()),
            "cosine_distance": float(distill.detach()),
            "variance_clean": float(variance[batch.weight == 1].mean()),
            "variance_nonface": float(variance[batch.nonface].mean()),
        }
        return terms.total + config.distill_weight * distill, figures

    return loss


def open_network(config: RtsConfig) -> StudentNetwork:
    """Load the distilled network's average and give its head dropout."""
    state = load_checkpoint(config.start)
    shape = NetworkConfig(**{**state["config"], "dropout": config.dropout})
    network = StudentNetwork(shape)
    network.load_state_dict(state["average"])
    network.to(config.device)
    to_channels_last(network)
    return network


def parameter_groups(network: StudentNetwork, config: RtsConfig) -> list[dict[str, Any]]:
    """Give the fresh branch a higher learning rate than the trained backbone."""
    branch = list(network.head.logvar.parameters())
    known = {id(p) for p in branch}
    groups = []
    for group in muon_groups(network, config.weight_decay):
        kept = [p for p in group["params"] if id(p) not in known]
        groups.append({**group, "params": kept, "top_lr": config.lr})
    return [*groups, {"params": branch, "top_lr": config.branch_lr}]


def train(config: RtsConfig) -> Path:
    """Run or resume the RTS stage; return the path of the final checkpoint."""
    torch.manual_seed(config.seed)
    device = torch.device(config.device)
    cache = config.run_dir.parent / "cache"
    faces = load_faces(sorted(config.faces_dir.glob("train-*.tar")), cache)
    teacher = open_teacher(config.teacher, (), device)
    bank = build_bank(faces, teacher, device, cache / f"bank-{config.teacher.stem}.npy")
    verification = CfpValidation(config.faces_dir, cache, every=8)
    scores = ScoreValidation(config.faces_dir, cache)
    network = open_network(config)
    if config.compiled:
        compile_stages(network)
    return TrainingLoop(
        network=network,
        optimiser=Muon(parameter_groups(network, config), config.lr),
        run_dir=config.run_dir,
        schedule=Schedule(config.images, config.batch, config.save_every, config.validate_every),
        batches=lambda start: batches(faces, config, start),
        loss=make_loss(config, network, teacher, bank),
        rate=lambda step: learning_rate(config, step),
        validate=lambda averaged: verification(averaged, device) | scores(averaged, device),
    ).run()


def main(argv: list[str] | None = None) -> None:
    """Run ``python -m ood_face.training.rts``."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--faces-dir", type=Path, required=True)
    parser.add_argument("--teacher", type=Path, required=True)
    parser.add_argument("--start", type=Path, required=True, help="distillation checkpoint")
    parser.add_argument("--run-dir", type=Path, required=True)
    parser.add_argument("--images", type=int, default=110_000)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--no-compile", dest="compiled", action="store_false")
    arguments = vars(parser.parse_args(argv))
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    torch.set_num_threads(arguments.pop("threads"))
    train(RtsConfig(**arguments))


if __name__ == "__main__":
    main()
