"""The resumable training loop that every stage shares."""

from __future__ import annotations

import json
import logging
import time
from dataclasses import dataclass
from queue import Queue
from threading import Thread
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import torch

from ood_face.training.checkpoint import ExponentialAverage, load_checkpoint, save_checkpoint
from ood_face.training.network import StudentNetwork

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from torch import Tensor

__all__ = ["Schedule", "TrainingLoop", "log_record", "prefetch"]

logger = logging.getLogger(__name__)
Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Schedule:
    """How long to train and how often to look up."""

    images: int
    batch: int
    save_every: int = 50
    validate_every: int = 300
    log_every: int = 20
    clip_norm: float = 2.0


@dataclass(frozen=True, slots=True, eq=False)
class TrainingLoop(Generic[Item]):
    """One stage: where its batches come from, what it minimises, how it is validated.

    Attributes
    ----------
    batches : yields batches for ever, from a given step on
    loss : batch and step to the loss and the figures to log
    rate : step to the learning rate as a share of each group's ``top_lr``
    validate : the averaged network to the figures to log
    """

    network: StudentNetwork
    optimiser: torch.optim.Optimizer
    run_dir: Path
    schedule: Schedule
    batches: Callable[[int], Iterator[Item]]
    loss: Callable[[Item, int], tuple[Tensor, dict[str, Any]]]
    rate: Callable[[int], float]
    validate: Callable[[StudentNetwork], dict[str, float]]
    decay: float = 0.998

    def run(self) -> Path:
        """Train to the end of the schedule, resuming where the checkpoint stands."""
        average = ExponentialAverage(self.network, self.decay)
        step = self._resume(average)
        began, shown = time.monotonic(), step
        batch_size = self.schedule.batch
        for item in prefetch(self.batches(step)):
            if step * batch_size >= self.schedule.images:
                break
            figures = self._step(item, step)
            average.update(self.network)
            step += 1
            record = {"step": step, "images": step * batch_size, **figures}
            validated = step % self.schedule.validate_every == 0
            if validated:
                record |= self._validated(average)
            if validated or step % self.schedule.log_every == 0:
                elapsed = time.monotonic() - began
                record["images_per_s"] = (step - shown) * batch_size / elapsed
                began, shown = time.monotonic(), step
                log_record(self.run_dir / "log.jsonl", record)
            if step % self.schedule.save_every == 0:
                self._save(average, step)
        return self._save(average, step)

    def _step(self, item: Item, step: int) -> dict[str, Any]:
        for group in self.optimiser.param_groups:
            group["lr"] = group["top_lr"] * self.rate(step)
        self.network.train()
        loss, figures = self.loss(item, step)
        loss.backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), self.schedule.clip_norm)
        self.optimiser.step()
        self.optimiser.zero_grad(set_to_none=True)
        return figures

    def _validated(self, average: ExponentialAverage) -> dict[str, float]:
        device = next(self.network.parameters()).device
        evaluated = StudentNetwork(self.network.config).to(device).eval()
        evaluated.load_state_dict(average.state)
        return self.validate(evaluated)

    def _resume(self, average: ExponentialAverage) -> int:
        path = self.run_dir / "last.pt"
        if not path.exists():
            return 0
        state = load_checkpoint(path)
        self.network.load_state_dict(state["network"])
        self.optimiser.load_state_dict(state["optimiser"])
        average.load(state["average"], state["step"])
        logger.info("resumed at step %d", state["step"])
        return int(state["step"])

    def _save(self, average: ExponentialAverage, step: int) -> Path:
        path = self.run_dir / "last.pt"
        state = {
            "network": self.network.state_dict(),
            "average": average.state,
            "optimiser": self.optimiser.state_dict(),
            "config": self.network.config.as_dict(),
            "step": step,
        }
        save_checkpoint(path, state)
        return path


def prefetch(source: Iterator[Item], depth: int = 3) -> Iterator[Item]:
    """Draw from ``source`` in a thread, ``depth`` items ahead."""
    queue: Queue[Item] = Queue(depth)

    def fill() -> None:
        for item in source:
            queue.put(item)

    Thread(target=fill, daemon=True).start()
    while True:
        yield queue.get()


def log_record(path: Path, record: dict[str, Any]) -> None:
    """Append one line of figures to the run's log."""
    path.parent.mkdir(parents=True, exist_ok=True)
    rounded = {k: round(v, 5) if isinstance(v, float) else v for k, v in record.items()}
    with path.open("a", encoding="utf-8") as stream:
        stream.write(json.dumps(rounded) + "\n")
    logger.info("%s", rounded)
