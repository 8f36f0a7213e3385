"""Labelled data to calibrate on, and its two halves that share nobody."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from ood_face.calibration.values import LogitInput

__all__ = ["Half", "LabelledData", "fingerprint", "pair_weights", "split_by_group"]

SEED = 5


@dataclass(frozen=True, slots=True, eq=False)
class LabelledData:
    """Values with labels, and whom they come from.

    Attributes
    ----------
    input : how values become logits
    values : similarities (N,), log-odds (N,) or logits (N, C)
    labels : int64 (N,), 0..C-1; of pairs, 1: one person
    first, second : int64 (N,), the groups (people) of each row; twice the same where it has one
    prior : share of label 1 that probabilities are to assume; None: that of the data
    about : where the data comes from, with its counts and its fingerprint
    reference : quantiles of what went in, which a drift is measured against later
    """

    input: LogitInput
    values: NDArray[np.float64]
    labels: NDArray[np.int64]
    first: NDArray[np.int64]
    second: NDArray[np.int64]
    prior: float | None = None
    about: Mapping[str, Any] = field(default_factory=dict)
    reference: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False)
class Half:
    """One half: logits (N,) or (N, C), labels (N,), the groups of each row (N,), weights (N,)."""

    logits: NDArray[np.float64]
    labels: NDArray[np.int64]
    first: NDArray[np.int64]
    second: NDArray[np.int64]
    weights: NDArray[np.float64]

    @property
    def people(self) -> int:
        """How many groups have a row in it."""
        return len(np.union1d(self.first, self.second))

    def counts(self, classes: int) -> NDArray[np.int64]:
        """Return how many rows have each label, (C,)."""
        return np.asarray(np.bincount(self.labels, minlength=classes), np.int64)


def split_by_group(
    data: LabelledData, logits: NDArray[np.float64], labels: NDArray[np.int64]
) -> tuple[Half, Half]:
    """Deal the groups out over two halves at random, seeded: one to fit on, one to test on.

    Rows whose two groups are in different halves are in neither.
    """
    groups = np.union1d(data.first, data.second)
    chosen = np.random.default_rng(SEED).permutation(groups)[: (len(groups) + 1) // 2]
    one, other = np.isin(data.first, chosen), np.isin(data.second, chosen)
    halves = []
    for rows in (one & other, ~one & ~other):
        kept = labels[rows]
        weights = pair_weights(kept, data.prior)
        halves.append(Half(logits[rows], kept, data.first[rows], data.second[rows], weights))
    return halves[0], halves[1]


def fingerprint(parts: Iterable[bytes]) -> str:
    """Return the sha256 of some parts, in hexadecimal, whatever their order."""
    digest = hashlib.sha256()
    for part in sorted(hashlib.sha256(part).digest() for part in parts):
        digest.update(part)
    return digest.hexdigest()


def pair_weights(labels: NDArray[np.int64], prior: float | None) -> NDArray[np.float64]:
    """Return weights (N,) with which the rows of label 1 have the share ``prior``.

    All are 1 where there is no prior, or no row of label 1, or no other.
    """
    same = int(np.sum(labels == 1))
    if prior is None or same in {0, len(labels)}:
        return np.ones(len(labels))
    share = same / len(labels)
    return np.where(labels == 1, prior / share, (1 - prior) / (1 - share))
