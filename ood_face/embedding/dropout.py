"""Monte Carlo dropout on the head: the activations once, the head many times."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import numpy as np

from ood_face.types import FEATURE_DIM

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ood_face.embedding.head import Head
    from ood_face.embedding.score import ScoreCurve

__all__ = ["crop_generator", "monte_carlo", "run_passes"]

# activations under masks at a time: 4 MiB, and as much again for the random numbers
MAX_MASKED = 1 << 20


def crop_generator(crop: NDArray[np.uint8]) -> np.random.Generator:
    """Return a generator seeded by the pixels: the same crop always meets the same masks."""
    digest = hashlib.sha256(crop.tobytes()).digest()
    return np.random.default_rng(int.from_bytes(digest[:16], "little"))


def run_passes(
    head: Head,
    curve: ScoreCurve,
    flat: NDArray[np.float32],
    passes: int,
    rng: np.random.Generator,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Run the head ``passes`` times on one face, each time with another dropout mask.

    What a mask keeps is divided by the share that is kept, as in training, so that the mean over
    many masks is the input without any. The masks of fewer passes are the first ones of more.

    Parameters
    ----------
    head : its ``dropout`` is the share of activations that a mask drops
    curve : maps the mean variance to the score
    flat : activations of shape (D,)
    rng : draws the masks

    Returns
    -------
    features : shape (passes, 512), each of unit norm
    scores : shape (passes,), 0..1
    """
    kept = flat / np.float32(1 - head.dropout)
    chunk = max(1, MAX_MASKED // head.width)
    directions = np.empty((passes, FEATURE_DIM))
    scores = np.empty(passes)
    for start in range(0, passes, chunk):
        part = slice(start, min(start + chunk, passes))
        count = part.stop - start
        dropped = rng.random((count, head.width), np.float32) < head.dropout
        features, variances = head(np.where(dropped, np.float32(0), kept))
        features = features.astype(np.float64)
        directions[part] = features / np.linalg.norm(features, axis=1, keepdims=True)
        scores[part] = curve(variances)
    return directions, scores


def monte_carlo(
    head: Head,
    curve: ScoreCurve,
    flat: NDArray[np.float32],
    passes: int,
    rng: np.random.Generator,
) -> tuple[float, float, float]:
    """Say in three numbers how far the passes of :func:`run_passes` lie apart.

    Returns
    -------
    score_mean, score_spread, feature_spread : see :class:`ood_face.uncertainty.Uncertainty`
    """
    directions, scores = run_passes(head, curve, flat, passes, rng)
    # the mean of the cosines of unit vectors to their mean direction is the length of their mean
    spread = 1 - float(np.linalg.norm(directions.mean(axis=0)))
    return float(scores.mean()), float(scores.std()), max(0.0, spread)
