"""Mated and impostor pairs of labelled faces, as operating points are found on them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ood_face.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ood_face.evaluation.datasets import TestData
    from ood_face.types import Scenario

__all__ = ["Kind", "Trials", "gather_trials", "passes_gate"]

MAX_IMPOSTORS = 1_000_000
SEED = 23
_AT_ONCE = 20_000


@dataclass(frozen=True, slots=True, eq=False)
class Kind:
    """N pairs, all of one person or all of two.

    Attributes
    ----------
    similarity : float64 array of shape (N,)
    first, second : int64 arrays of shape (N,): pictures, as indices into those of the trials
    """

    similarity: NDArray[np.float64]
    first: NDArray[np.int64]
    second: NDArray[np.int64]

    def where(self, mask: NDArray[np.bool_]) -> Kind:
        """Return some of the pairs."""
        return Kind(self.similarity[mask], self.first[mask], self.second[mask])


@dataclass(frozen=True, slots=True, eq=False)
class Trials:
    """Labelled comparisons.

    Attributes
    ----------
    people : int64 array of shape (P,): who is in each picture
    passed : bool array of shape (P,): whether the quality gate lets the picture pass
    mated, impostor : the pairs
    """

    people: NDArray[np.int64]
    passed: NDArray[np.bool_]
    mated: Kind
    impostor: Kind

    def gated(self) -> Trials:
        """Return the pairs of which the gate lets both pictures pass."""
        kinds = (
            kind.where(self.passed[kind.first] & self.passed[kind.second])
            for kind in (self.mated, self.impostor)
        )
        return Trials(self.people, self.passed, *kinds)


def passes_gate(scores: NDArray[np.floating], scenario: Scenario) -> NDArray[np.bool_]:
    """Return which pictures a scenario asks nobody to take again.

    Parameters
    ----------
    scores : (P,) ood_score
    """
    passed = np.asarray(scores >= scenario.recapture_below)
    if scenario.same_needs_score_above is not None:
        passed &= scores > scenario.same_needs_score_above
    return passed


def gather_trials(
    features: NDArray[np.float32],
    passed: NDArray[np.bool_],
    data: TestData,
) -> Trials:
    """Compare the pictures of a data set.

    The mated pairs are those of the data set. Where it is known of every two pictures whether
    they show one person, the impostor pairs are all pairs of two people, or a million of them
    drawn at random; else they are those of the list.

    Parameters
    ----------
    features : float32 array of shape (P, 512), unit norm
    passed : (P,) see :func:`passes_gate`

    Raises
    ------
    InputError
        There is no mated pair, or no impostor pair.
    """
    labels = data.faces.labels
    listed = [
        np.stack([pairs.first, pairs.second], axis=1)[
            (pairs.first >= 0) & (pairs.second >= 0) & (pairs.same == same)
        ]
        for same in (True, False)
        for pairs in data.pairs.values()
    ]
    count = len(data.pairs)
    mated = np.unique(np.concatenate(listed[:count]), axis=0)
    impostor = _all_impostors(labels) if data.probes else np.concatenate(listed[count:])
    if not len(mated) or not len(impostor):
        raise InputError(
            "operating.one_kind",
            "an operating point needs pairs of one person and pairs of two people; there are "
            "{mated} and {impostor}",
            mated=len(mated),
            impostor=len(impostor),
        )
    return Trials(labels, passed, _compared(features, mated), _compared(features, impostor))


def _all_impostors(labels: NDArray[np.int64]) -> NDArray[np.int64]:
    count = len(labels)
    if count * (count - 1) // 2 <= 2 * MAX_IMPOSTORS:
        pairs = np.stack(np.triu_indices(count, 1), axis=1)
    else:
        rng = np.random.default_rng(SEED)
        drawn = np.sort(rng.integers(0, count, (2 * MAX_IMPOSTORS, 2)), axis=1)
        pairs = np.unique(drawn, axis=0)
    pairs = pairs[labels[pairs[:, 0]] != labels[pairs[:, 1]]]
    if len(pairs) > MAX_IMPOSTORS:
        pairs = np.random.default_rng(SEED).permutation(pairs)[:MAX_IMPOSTORS]
    return np.asarray(pairs, np.int64)


def _compared(features: NDArray[np.float32], pairs: NDArray[np.int64]) -> Kind:
    parts = [
        np.einsum("nd,nd->n", features[part[:, 0]], features[part[:, 1]], dtype=np.float64)
        for part in np.array_split(pairs, max(1, len(pairs) // _AT_ONCE))
    ]
    return Kind(np.concatenate(parts), pairs[:, 0], pairs[:, 1])
