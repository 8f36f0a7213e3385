"""Data to calibrate on, and a calibration fitted to it."""

from __future__ import annotations

import numpy as np

from ood_face.calibration.fitting import fit_calibration
from ood_face.calibration.labelled import LabelledData
from ood_face.calibration.values import LogitInput

MADE = "2026-11-22T03:00:00+00:00"
SIMILARITY = LogitInput("similarity", zero_at=0.4)


def people(count: int = 60, each: int = 12, seed: int = 0, **changes) -> LabelledData:
    """Return pairs of so many people: ``each`` of every person, and as many with others."""
    rng = np.random.default_rng(seed)
    owner = np.arange(count).repeat(each)
    other = rng.integers(0, count, len(owner))
    other = np.where(other == owner, (owner + 1) % count, other)
    mated, impostor = rng.normal(0.5, 0.15, len(owner)), rng.normal(0.1, 0.12, len(owner))
    values = {
        "input": SIMILARITY,
        "values": np.clip(np.concatenate([mated, impostor]), -1, 1),
        "labels": (np.arange(2 * len(owner)) < len(owner)).astype(np.int64),
        "first": np.concatenate([owner, owner]),
        "second": np.concatenate([owner, other]),
        "prior": 0.5,
        "about": {"source": "made up", "people": count},
    }
    return LabelledData(**(values | changes))


def calibration(data: LabelledData | None = None, method: str = "vector", name: str = "gate-2026"):
    return fit_calibration(people() if data is None else data, method, name, "made-up@1", MADE)
