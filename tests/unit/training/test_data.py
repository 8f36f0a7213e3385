"""Training faces: what the augmentations keep and what they change."""

from collections.abc import Callable

import numpy as np
import pytest

from ood_face.training.data import augment, degrade_randomly, frame, new_face, turn

SIDE = 112
Rng = np.random.Generator


def smooth_picture(seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[0:SIDE, 0:SIDE] / SIDE
    waves = [np.sin(6 * (rows * rng.normal() + columns * rng.normal())) for _ in range(3)]
    return (127 + 90 * np.stack(waves, axis=-1)).astype(np.uint8)


def mixed(image: np.ndarray, rng: Rng) -> np.ndarray:
    return new_face(image, smooth_picture(99), rng)


@pytest.mark.parametrize("change", [augment, turn, frame, mixed])
def test_every_change_keeps_the_form_and_repeats_itself(
    change: Callable[[np.ndarray, Rng], np.ndarray],
) -> None:
    image = smooth_picture(0)
    before = image.copy()
    for seed in range(12):
        made = change(image, np.random.default_rng(seed))
        assert made.shape == (SIDE, SIDE, 3)
        assert made.dtype == np.uint8
        assert np.array_equal(made, change(image, np.random.default_rng(seed)))
        assert not np.array_equal(made, image)
    assert np.array_equal(image, before)


def test_a_frame_blackens_the_outside_and_leaves_the_middle() -> None:
    image = np.full((SIDE, SIDE, 3), 200, np.uint8)
    framed = [frame(image, np.random.default_rng(seed)) for seed in range(20)]
    assert all((picture[46:66, 46:66] == 200).all() for picture in framed)
    black = [float((picture == 0).mean()) for picture in framed]
    assert max(black) > 0.2
    assert set(np.unique(np.stack(framed))) == {0, 200}


def test_a_turned_head_shows_more_of_one_side() -> None:
    image = np.zeros((SIDE, SIDE, 3), np.uint8)
    image[:, : SIDE // 2] = 255
    shares = [turn(image, np.random.default_rng(seed)).mean() / 255 for seed in range(30)]
    assert min(shares) < 0.4
    assert max(shares) > 0.6


def test_a_new_face_is_neither_of_the_two() -> None:
    image, other = smooth_picture(1), smooth_picture(2)
    for seed in range(12):
        made = new_face(image, other, np.random.default_rng(seed)).astype(float)
        for source in (image, other, other[:, ::-1]):
            assert np.abs(made - source).mean() > 2


def test_a_random_degradation_tells_its_severity() -> None:
    image = smooth_picture(3)
    rng = np.random.default_rng(0)
    severities = [degrade_randomly(image, rng, max_severity=3)[1] for _ in range(40)]
    assert min(severities) >= 0.6
    assert max(severities) <= 3
