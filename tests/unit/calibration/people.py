"""Made-up comparisons of which the truth is known."""

from __future__ import annotations

import numpy as np

from ood_face.evaluation.comparisons import Comparisons
from ood_face.types import evidence_terms

WEIGHTS = np.array([2.0, -5.0, 33.0])


def made_up(people: int = 60, each: int = 60, seed: int = 0) -> Comparisons:
    """Return pairs that are of one person as often as ``WEIGHTS`` say, about half of them."""
    rng = np.random.default_rng(seed)
    count = people * each
    similarity = 0.13 + rng.uniform(-0.45, 0.45, count)
    score_a, score_b = rng.uniform(0, 1, (2, count))
    evidence = evidence_terms(similarity, score_a, score_b) @ WEIGHTS
    same = rng.random(count) < 1 / (1 + np.exp(-evidence))
    person_a = np.repeat(np.arange(people), each)
    step = rng.integers(1, people, count)
    person_b = np.where(same, person_a, (person_a + step) % people)
    kind = np.zeros(count, np.int64)
    return Comparisons(similarity, score_a, score_b, same, person_a, person_b, kind, ("pairs",))
