"""Made-up comparisons of which the truth is known."""

from __future__ import annotations

import numpy as np

from ood_face.evaluation.comparisons import Comparisons


def made_up(
    people: int = 60, each: int = 60, seed: int = 0, kinds: tuple[str, ...] = ("pairs",)
) -> Comparisons:
    """Return pairs whose similarity is, in the mean, the product of how well each face shows.

    Half of the pairs are of one person. The score of a face says how well it shows.
    """
    rng = np.random.default_rng(seed)
    count = people * each
    person_a = np.repeat(np.arange(people), each)
    same = np.arange(count) % 2 == 0
    step = rng.integers(1, people, count)
    person_b = np.where(same, person_a, (person_a + step) % people)
    score_a, score_b = rng.uniform(0.02, 1, (2, count))
    mean = np.where(same, 0.7 * np.sqrt(score_a * score_b), 0.0)
    similarity = np.clip(rng.normal(mean, 0.1), -1, 1)
    return Comparisons(
        similarity,
        score_a,
        score_b,
        same,
        person_a,
        person_b,
        np.arange(count) % len(kinds),
        kinds,
    )
