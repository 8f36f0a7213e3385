"""Programs that are measured beside each other: asked in turn, and their end is told."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.benchmark.peers.torchvision_part import batched_nms, to_tensor
from tests.benchmark.players import (
    Player,
    PlayerError,
    in_words,
    median_of,
    peers_python,
    take_turns,
)


def test_questions_take_turns_and_the_first_round_is_left_out(monkeypatch):
    monkeypatch.setattr("tests.benchmark.players.SETTLE_S", 0.0)
    asked = []

    def ask(who):
        asked.append(who)
        return {"ms": len(asked)}

    answers = take_turns({"a": lambda: ask("a"), "b": lambda: ask("b")}, rounds=2)

    assert asked == ["a", "b"] * 3
    assert answers == {"a": [{"ms": 3}, {"ms": 5}], "b": [{"ms": 4}, {"ms": 6}]}
    assert median_of(answers["a"], "ms") == 4


def test_a_program_that_ends_is_told_with_what_it_said():
    with (
        Player("no_such_program", 1) as player,
        pytest.raises(PlayerError, match=r"no_such_program ended with 1:\n[^$]*No module named"),
    ):
        player.ask("anything")


def test_a_machine_lends_no_more_cores_than_it_has():
    too_many = len(os.sched_getaffinity(0)) + 1

    with pytest.raises(ValueError, match=f"ours is to have {too_many} cores"):
        Player("ours", too_many)


def test_the_peers_python_is_where_the_variable_says(monkeypatch, tmp_path):
    python = tmp_path / "python"
    monkeypatch.setenv("BENCH_PEERS_PYTHON", str(python))
    assert peers_python() is None

    python.touch()
    assert peers_python() == Path(python)


def test_a_program_says_which_versions_it_is():
    about = {"packages": {"torch": "2.13.0", "numpy": "1.26.4"}, "suppression": "of OpenCV"}

    assert in_words(about) == "torch 2.13.0, numpy 1.26.4, of OpenCV"


def kept_by_definition(boxes, scores, groups, overlap):
    """Return indices, most probable first: what no kept box of its group overlaps too much."""
    kept = []
    for index in np.argsort(-scores, kind="stable"):
        for other in kept:
            low, high = (
                np.maximum(boxes[index, :2], boxes[other, :2]),
                np.minimum(boxes[index, 2:], boxes[other, 2:]),
            )
            common = np.clip(high - low, 0, None).prod()
            union = sum((boxes[i, 2:] - boxes[i, :2]).prod() for i in (index, other)) - common
            if groups[index] == groups[other] and common / union > overlap:
                break
        else:
            kept.append(index)
    return kept


@pytest.mark.parametrize("overlap", [0.5, 0.7])
def test_the_stand_in_of_torchvision_suppresses_by_the_book(overlap):
    rng = np.random.default_rng(0)
    corners = rng.integers(0, 40, (300, 2))
    boxes = np.concatenate([corners, corners + rng.integers(8, 40, (300, 2))], axis=1)
    scores, groups = rng.random(300), rng.integers(0, 2, 300)

    kept = batched_nms(
        torch.tensor(boxes, dtype=torch.float32),
        torch.tensor(scores, dtype=torch.float32),
        torch.tensor(groups),
        overlap,
    )

    expected = kept_by_definition(boxes.astype(float), scores.astype(np.float32), groups, overlap)
    assert len(expected) < 290
    assert kept.tolist() == expected


def test_the_stand_in_of_torchvision_keeps_nothing_of_nothing():
    empty = torch.empty((0, 4)), torch.empty(0), torch.empty(0, dtype=torch.int64)

    assert batched_nms(*empty, 0.5).tolist() == []


def test_the_stand_in_of_torchvision_puts_the_channels_first():
    picture = np.arange(24, dtype=np.float32).reshape(2, 4, 3)

    made = to_tensor(picture)

    assert made.shape == (3, 2, 4)
    assert made[1, 0, 2] == picture[0, 2, 1]
