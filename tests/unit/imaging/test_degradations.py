"""Every degradation keeps the picture's form, grows with severity, and repeats under a seed."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from ood_face.imaging.degradations import DEGRADATIONS, MAX_SEVERITY, degrade

SEVERITIES = range(1, MAX_SEVERITY + 1)
SEEDS = range(12)


def face_like(seed: int) -> np.ndarray:
    """Return a crop shaded from one side, with coarse shapes and fine detail."""
    rng = np.random.default_rng(seed)
    across, down = np.meshgrid(np.linspace(-60, 60, 112), np.linspace(-60, 60, 112))
    angle = rng.uniform(0, 2 * np.pi)
    shade = np.cos(angle) * across + np.sin(angle) * down
    coarse = cv2.resize(rng.integers(100, 156, (5, 5, 3), np.uint8), (112, 112))
    fine = cv2.resize(rng.integers(0, 50, (40, 40, 3), np.uint8), (112, 112))
    return np.clip(coarse + shade[..., np.newaxis] + fine - 25, 0, 255).astype(np.uint8)


def change(kind: str, severity: float) -> float:
    """Return the mean absolute change of a few pictures, in grey levels."""
    changes = []
    for seed in SEEDS:
        image = face_like(seed)
        worse = degrade(image, kind, severity, np.random.default_rng(seed))
        changes.append(np.abs(worse.astype(int) - image).mean())
    return float(np.mean(changes))


@pytest.mark.parametrize("severity", SEVERITIES)
@pytest.mark.parametrize("kind", DEGRADATIONS)
def test_shape_and_type_stay_and_the_picture_is_a_new_one(kind, severity):
    image = face_like(0)
    before = image.copy()
    worse = degrade(image, kind, severity, np.random.default_rng(0))
    assert worse.shape == image.shape
    assert worse.dtype == np.uint8
    assert not np.shares_memory(worse, image)
    assert (image == before).all()


@pytest.mark.parametrize("kind", DEGRADATIONS)
def test_each_severity_changes_the_picture_more(kind):
    changes = [change(kind, severity) for severity in SEVERITIES]
    assert changes[0] > 0.5  # grey levels: severity 1 is visible
    assert all(np.diff(changes) > 0), changes


@pytest.mark.parametrize("kind", DEGRADATIONS)
def test_fractions_lie_between_their_neighbours(kind):
    low, middle, high = (change(kind, severity) for severity in (2, 3.5, 5))
    assert low < middle < high


@pytest.mark.parametrize("severity", SEVERITIES)
@pytest.mark.parametrize("kind", DEGRADATIONS)
def test_a_seed_repeats_it(kind, severity):
    image = face_like(1)
    first, second = (degrade(image, kind, severity, np.random.default_rng(7)) for _ in range(2))
    assert (first == second).all()


@pytest.mark.parametrize("kind", ["motion_blur", "noise", "exposure", "occlusion", "crop"])
def test_other_seeds_differ(kind):
    image = face_like(1)
    found = {degrade(image, kind, 3, np.random.default_rng(seed)).tobytes() for seed in range(8)}
    assert len(found) > 1


@pytest.mark.parametrize("shape", [(112, 96, 3), (64, 64, 3)])
@pytest.mark.parametrize("kind", DEGRADATIONS)
def test_other_sizes_keep_theirs(kind, shape):
    image = cv2.resize(face_like(2), shape[1::-1])
    for severity in SEVERITIES:
        assert degrade(image, kind, severity, np.random.default_rng(0)).shape == shape


def test_an_unknown_kind_is_an_error():
    with pytest.raises(KeyError, match="fog"):
        degrade(face_like(0), "fog", 1, np.random.default_rng(0))
