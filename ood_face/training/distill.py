"""Stage-wise and end-to-end distillation of a face network from a teacher.

Phase ``stagewise`` trains each stage alone on the teacher's own input to it; phase
``end_to_end`` chains the stages and keeps the hints. Both are one resumable loop.
"""

from __future__ import annotations

import argparse
import json
import logging
import math
import time
from dataclasses import dataclass
from pathlib import Path
from queue import Queue
from threading import Thread
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812  (the name PyTorch's documentation uses)

from ood_face.training.checkpoint import ExponentialAverage, load_checkpoint, save_checkpoint
from ood_face.training.data import augment, blend, degrade_randomly, load_faces
from ood_face.training.network import StudentNetwork, count_parameters, to_input
from ood_face.training.teacher import MBF_HINTS, open_teacher
from ood_face.training.validation import CfpValidation

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import Tensor

    from ood_face.training.data import FaceSet

__all__ = ["DistillConfig", "main", "train"]

logger = logging.getLogger(__name__)
HINT_WEIGHTS = (0.3, 0.3, 0.5)  # early stages only guide; the tail carries the identity


@dataclass(frozen=True, slots=True)
class DistillConfig:
    """Everything that shapes a distillation run."""

    faces_dir: Path
    teacher: Path
    run_dir: Path
    stagewise_images: int = 40_000
    images: int = 240_000
    batch: int = 96
    stagewise_lr: float = 1.5e-3
    lr: float = 8e-4
    weight_decay: float = 0.02
    warmup_steps: int = 40
    blend_share: float = 0.3
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
            if rng.random() < config.blend_share:
                image = blend(image, np.asarray(faces.crops[other]), rng)
            image = augment(image, rng)
            if rng.random() < config.degrade_share:
                image, _ = degrade_randomly(image, rng, max_severity=3)
            crops.append(image)
        yield to_input(torch.from_numpy(np.stack(crops)))
        step += 1


def prefetch(source: Iterator[Any], depth: int = 3) -> Iterator[Any]:
    """Draw from ``source`` in a thread, ``depth`` items ahead."""
    queue: Queue[Any] = Queue(depth)

    def fill() -> None:
        for item in source:
            queue.put(item)

    Thread(target=fill, daemon=True).start()
    while True:
        yield queue.get()


def normalised_mse(value: Tensor, target: Tensor) -> Tensor:
    """Mean squared error as a share of the target's power: 1 is 'knows nothing'."""
    return (value.float() - target).square().mean() / target.square().mean()


def learning_rate(config: DistillConfig, seen: int) -> float:
    """Warm-up and constant for the stages alone; warm-up and cosine once they are chained."""
    stagewise = seen < config.stagewise_images
    since = seen if stagewise else seen - config.stagewise_images
    warm = min(1.0, (since / config.batch + 1) / config.warmup_steps)
    if stagewise:
        return config.stagewise_lr * warm
    span = max(1, config.images - config.stagewise_images)
    cosine = 0.5 * (1 + math.cos(math.pi * min(1.0, since / span)))
    return config.lr * warm * max(cosine, 0.02)


def _loss(
    network: StudentNetwork, x: Tensor, targets: tuple[Tensor, ...], *, stagewise: bool
) -> tuple[Tensor, dict[str, float]]:
    hints = (targets[0], targets[1], targets[2])
    with torch.autocast(x.device.type, torch.bfloat16):
        if stagewise:
            *maps, feature = network.stagewise(x, hints)
        else:
            maps = list(network.trunk(x))
            feature = network.head(maps[2])[0]
    hint_losses = [normalised_mse(m, t) for m, t in zip(maps, hints, strict=True)]
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
    shards = sorted(config.faces_dir.glob("train-*.tar"))
    faces = load_faces(shards, config.run_dir.parent / "cache")
    validation = CfpValidation(config.faces_dir, config.run_dir.parent / "cache", every=8)
    teacher = open_teacher(config.teacher, MBF_HINTS, device)
    network = StudentNetwork().to(device).to(memory_format=torch.channels_last)
    logger.info("%d faces, %.2f M parameters", len(faces.crops), count_parameters(network) / 1e6)
    optimiser = torch.optim.AdamW(
        network.parameters(), config.lr, weight_decay=config.weight_decay
    )
    average = ExponentialAverage(network, 0.998)
    checkpoint = config.run_dir / "last.pt"
    step = 0
    if checkpoint.exists():
        state = load_checkpoint(checkpoint)
        network.load_state_dict(state["network"])
        optimiser.load_state_dict(state["optimiser"])
        average.load(state["average"], state["step"])
        step = state["step"]
        logger.info("resumed at step %d", step)
    if config.compiled:  # in place and stage by stage: the state keeps its plain names
        for stage in (network.stage1, network.stage2, network.stage3, network.head):
            stage.compile()
    evaluated = StudentNetwork().to(device).to(memory_format=torch.channels_last).eval()
    began, shown = time.monotonic(), step
    for x in prefetch(batches(faces, config, step)):
        seen = step * config.batch
        if seen >= config.images:
            break
        stagewise = seen < config.stagewise_images
        batch = x.to(device)
        targets = tuple(t.float() for t in teacher(batch))
        for group in optimiser.param_groups:
            group["lr"] = learning_rate(config, seen)
        network.train()
        loss, parts = _loss(network, batch, targets, stagewise=stagewise)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 2.0)
        optimiser.step()
        optimiser.zero_grad(set_to_none=True)
        average.update(network)
        step += 1
        record: dict[str, Any] = {"step": step, "images": step * config.batch, **parts}
        if step % config.validate_every == 0:
            evaluated.load_state_dict(average.state)
            record |= validation(lambda v: evaluated(v)[0], device)
        if step % 20 == 0 or "cfp_ff" in record:
            record["images_per_s"] = (step - shown) * config.batch / (time.monotonic() - began)
            began, shown = time.monotonic(), step
            _log(config.run_dir / "log.jsonl", record)
        if step % config.save_every == 0:
            save_checkpoint(checkpoint, _state(network, optimiser, average, step))
    final = _state(network, optimiser, average, step)
    save_checkpoint(checkpoint, final)
    return checkpoint


def _state(
    network: StudentNetwork,
    optimiser: torch.optim.Optimizer,
    average: ExponentialAverage,
    step: int,
) -> dict[str, Any]:
    return {
        "network": network.state_dict(),
        "average": average.state,
        "optimiser": optimiser.state_dict(),
        "config": network.config.as_dict(),
        "step": step,
    }


def _log(path: Path, record: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    rounded = {k: round(v, 5) if isinstance(v, float) else v for k, v in record.items()}
    with path.open("a", encoding="utf-8") as stream:
        stream.write(json.dumps(rounded) + "\n")
    logger.info("%s", rounded)


def main(argv: list[str] | None = None) -> None:
    """Run ``python -m ood_face.training.distill``."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--faces-dir", type=Path, required=True)
    parser.add_argument("--teacher", type=Path, required=True)
    parser.add_argument("--run-dir", type=Path, required=True)
    parser.add_argument("--stagewise-images", type=int, default=40_000)
    parser.add_argument("--images", type=int, default=240_000)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--no-compile", dest="compiled", action="store_false")
    arguments = vars(parser.parse_args(argv))
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    torch.set_num_threads(arguments.pop("threads"))
    train(DistillConfig(**arguments))


if __name__ == "__main__":
    main()
