"""The learning rate of a distillation."""

from pathlib import Path

import pytest

from ood_face.training.distill import DistillConfig, learning_rate

CONFIG = DistillConfig(Path(), Path(), Path(), stagewise_images=9_600, images=96_000)


def test_each_phase_warms_up() -> None:
    assert learning_rate(CONFIG, 0) < 0.1 * CONFIG.stagewise_lr
    assert learning_rate(CONFIG, 9_500) == CONFIG.stagewise_lr
    assert learning_rate(CONFIG, 9_600) < 0.1 * CONFIG.lr
    assert learning_rate(CONFIG, 40_000) == CONFIG.lr


def test_the_rate_falls_in_a_straight_line_at_the_end() -> None:
    share = CONFIG.cooldown_share
    middle = round(CONFIG.images * (1 - share / 2))
    assert learning_rate(CONFIG, middle) == pytest.approx(CONFIG.lr / 2)
    assert 0 < learning_rate(CONFIG, CONFIG.images) <= 0.01 * CONFIG.lr
