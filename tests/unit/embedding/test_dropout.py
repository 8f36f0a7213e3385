"""Monte Carlo dropout: towards what it converges, what it grows with, what it must repeat."""

import numpy as np
import pytest
from numpy.typing import NDArray

from ood_face.embedding import dropout
from ood_face.embedding.dropout import crop_generator, monte_carlo
from ood_face.embedding.head import Head
from ood_face.embedding.score import ScoreCurve
from tests.fakes.heads import random_head

# linear in the log of the variance, so that no knot bends the mean
CURVE = ScoreCurve(np.array([-8.0, 8.0]), np.array([1.0, 0.0]), "1")
FLAT = np.abs(np.random.default_rng(5).normal(size=48)).astype(np.float32)
CROP = np.random.default_rng(6).integers(0, 256, (112, 112, 3), np.uint8)


def run(
    head: Head, passes: int, flat: NDArray[np.float32] = FLAT, seed: int = 0
) -> tuple[float, float, float]:
    return monte_carlo(head, CURVE, flat, passes, np.random.default_rng(seed))


def test_no_dropout_no_spread() -> None:
    head = random_head(dropout=0.0)
    mean, score_spread, feature_spread = run(head, 20)
    assert mean == pytest.approx(float(CURVE(head(FLAT[None])[1])[0]), abs=1e-6)
    assert score_spread == pytest.approx(0, abs=1e-6)
    assert feature_spread == pytest.approx(0, abs=1e-6)


def test_both_spreads_grow_with_the_rate() -> None:
    spreads = np.array([run(random_head(dropout=rate), 200)[1:] for rate in (0.02, 0.1, 0.3, 0.6)])
    assert (np.diff(spreads, axis=0) > 0).all()


def test_the_mean_score_converges_to_the_one_without_dropout() -> None:
    # many activations and a small rate: the log-variance hardly leaves the linear range of exp
    head = random_head(width=4096, dropout=0.02)
    flat = np.abs(np.random.default_rng(5).normal(size=4096)).astype(np.float32)
    truth = float(CURVE(head(flat[None])[1])[0])
    seeds = range(12)
    few, many = (
        np.array([abs(run(head, passes, flat, seed)[0] - truth) for seed in seeds])
        for passes in (2, 200)
    )
    assert many.mean() < few.mean() / 3
    assert many.max() < 0.003


def test_the_mean_feature_is_the_one_without_dropout() -> None:
    # inverted dropout: what is kept is enlarged, so the head's linear part has the same mean
    class Recording(Head):
        seen: list[NDArray[np.float32]] = []  # noqa: RUF012 - one list for one test

        def __call__(self, flat):
            self.seen.append(flat)
            return super().__call__(flat)

    plain = random_head(dropout=0.25)
    run(Recording(plain.weight, plain.bias, plain.dropout), 200)
    masked = np.concatenate(Recording.seen)
    assert masked.shape == (200, 48)
    np.testing.assert_allclose(masked[masked != 0], (FLAT / 0.75 * (masked != 0))[masked != 0])
    assert (masked == 0).mean() == pytest.approx(0.25, abs=0.02)


def test_feature_spread_is_the_mean_distance_from_the_mean_direction() -> None:
    head, passes = random_head(dropout=0.2), 30
    masks = np.random.default_rng(0).random((passes, 48), np.float32) >= head.dropout
    raw, _ = head(np.where(masks, FLAT / np.float32(0.8), 0).astype(np.float32))
    unit = raw / np.linalg.norm(raw, axis=1, keepdims=True)
    mean = unit.mean(axis=0) / np.linalg.norm(unit.mean(axis=0))
    assert run(head, passes)[2] == pytest.approx(float((1 - unit @ mean).mean()), abs=1e-5)


def test_memory_is_bounded_and_parts_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    head = random_head()
    whole = run(head, 50)
    monkeypatch.setattr(dropout, "MAX_MASKED", 7 * 48)
    assert run(head, 50) == pytest.approx(whole, abs=1e-6)
    monkeypatch.setattr(dropout, "MAX_MASKED", 1)  # less than one pass needs
    assert run(head, 50) == pytest.approx(whole, abs=1e-6)


def test_the_same_pixels_draw_the_same_masks() -> None:
    first, again = crop_generator(CROP).random(8), crop_generator(CROP.copy()).random(8)
    np.testing.assert_array_equal(first, again)
    other = CROP.copy()
    other[0, 0, 0] ^= 1
    assert not np.array_equal(first, crop_generator(other).random(8))
