"""A run that was stopped goes on as if it had not been."""

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from ood_face.training.checkpoint import load_checkpoint, save_checkpoint
from ood_face.training.loop import Schedule, TrainingLoop
from ood_face.training.network import NetworkConfig, StudentNetwork
from ood_face.training.release import training_record


def make_loop(run_dir: Path, config: NetworkConfig, images: int) -> TrainingLoop[Tensor]:
    torch.manual_seed(0)
    network = StudentNetwork(config)

    def batches(start: int) -> Iterator[Tensor]:
        step = start
        while True:
            values = np.random.default_rng(step).normal(size=(2, 3, 112, 112))
            yield torch.from_numpy(values.astype(np.float32))
            step += 1

    def loss(batch: Tensor, _step: int) -> tuple[Tensor, dict[str, float]]:
        feature, logvar = network(batch)
        total = feature.square().mean() + (logvar - 1).square().mean()
        return total, {"loss": float(total.detach())}

    return TrainingLoop(
        network=network,
        optimiser=torch.optim.AdamW([{"params": list(network.parameters()), "top_lr": 1e-3}]),
        run_dir=run_dir,
        schedule=Schedule(images=images, batch=2, save_every=2, validate_every=3, log_every=1),
        batches=batches,
        loss=loss,
        rate=lambda _step: 1.0,
        validate=lambda _network: {"cfp_ff": 0.5, "cfp_fp": 0.25},
    )


def test_resumed_run_equals_an_unbroken_one(tmp_path: Path, small_config: NetworkConfig) -> None:
    whole = load_checkpoint(make_loop(tmp_path / "whole", small_config, 12).run())
    make_loop(tmp_path / "parts", small_config, 8).run()
    parts = load_checkpoint(make_loop(tmp_path / "parts", small_config, 12).run())
    assert whole["step"] == parts["step"] == 6
    for key in ("network", "average"):
        for name, value in whole[key].items():
            assert torch.allclose(value.float(), parts[key][name].float(), atol=1e-6), name


def test_log_holds_the_curve(tmp_path: Path, small_config: NetworkConfig) -> None:
    make_loop(tmp_path / "run", small_config, 12).run()
    lines = (tmp_path / "run" / "log.jsonl").read_text().splitlines()
    assert [json.loads(line)["images"] for line in lines] == [2, 4, 6, 8, 10, 12]
    record = training_record([tmp_path / "run"])
    assert record["stages"][0]["images"] == 12
    assert [point["images"] for point in record["stages"][0]["curve"]] == [6, 12]


def test_a_checkpoint_is_replaced_whole(tmp_path: Path) -> None:
    path = tmp_path / "last.pt"
    save_checkpoint(path, {"step": 1})
    with pytest.raises(Exception, match="pickle"):
        save_checkpoint(path, {"step": lambda: None})
    assert load_checkpoint(path)["step"] == 1
