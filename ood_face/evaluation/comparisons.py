"""Pairs of faces with all that a decision knows of them: the similarity and both scores."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ood_face.evaluation.samples import measure_all
from ood_face.imaging.degradations import DEGRADATIONS, MAX_SEVERITY, degrade

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from ood_face.evaluation.faces import FaceSet, Pairs
    from ood_face.evaluation.instruments import Curve, Instruments

__all__ = ["DEGRADED", "RECOMBINED", "Comparisons", "gather_comparisons"]

DEGRADED = "_degraded"  # ends the name of the degraded copy of a set
RECOMBINED = "_recombined"  # ends the name of a set's further impostor pairs
TIMES = 5  # so many of them for each pair of the set
MAX_PAIRS = 7000  # of each set; CFP's sets have as many
SEED = 31


@dataclass(frozen=True, slots=True, eq=False)
class Comparisons:
    """N pairs.

    Attributes
    ----------
    similarity : float64 array of shape (N,), cosines
    score_a, score_b : float64 arrays of shape (N,), 0..1
    same : bool array of shape (N,)
    person_a, person_b : int64 arrays of shape (N,): whose faces they are
    kind : int64 array of shape (N,): the set of each pair, an index of ``kinds``
    kinds : names of the sets
    """

    similarity: NDArray[np.float64]
    score_a: NDArray[np.float64]
    score_b: NDArray[np.float64]
    same: NDArray[np.bool_]
    person_a: NDArray[np.int64]
    person_b: NDArray[np.int64]
    kind: NDArray[np.int64]
    kinds: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.same)

    def only(self, mask: NDArray[np.bool_]) -> Comparisons:
        """Return some of the pairs.

        Parameters
        ----------
        mask : bool array of shape (N,)
        """
        return Comparisons(
            self.similarity[mask],
            self.score_a[mask],
            self.score_b[mask],
            self.same[mask],
            self.person_a[mask],
            self.person_b[mask],
            self.kind[mask],
            self.kinds,
        )


def gather_comparisons(
    instruments: Instruments,
    curve: Curve,
    faces: FaceSet,
    pairs: Mapping[str, Pairs],
    *,
    recombine: bool,
) -> Comparisons:
    """Compare pairs as they are, and once more with both pictures degraded.

    In the degraded copy each of the two pictures, by itself, gets one degradation of a random
    kind, of a severity drawn evenly from 0..5. Pairs with a missing picture are left out.

    What is known of the rarest impostor pairs grows with their number alone: so the first
    pictures of each set are also compared with second pictures of other pairs of the same fold,
    five times over. These pairs are sets of their own, to fit on; the folds of CFP are groups of
    people, and none of these pairs joins two.

    Parameters
    ----------
    instruments : measures faces; told of the progress
    curve : variances to scores
    pairs : sets of pairs by name; of a large one, some are drawn at random
    recombine : whether to make the further impostor pairs: only where every two pictures of
        different labels are known to show two people
    """
    rng = np.random.default_rng(SEED)
    chosen = {name: _usable(one, rng) for name, one in pairs.items()}
    count = sum(len(one.same) for one in chosen.values())
    instruments.progress.begin("pairs, as they are and degraded", 4 * count)
    parts = []
    for name, one in chosen.items():
        for degraded in (False, True):
            noise = rng if degraded else None
            first = _measured(instruments, curve, faces, one.first, noise)
            second = _measured(instruments, curve, faces, one.second, noise)
            people = faces.labels[one.first], faces.labels[one.second]
            kind = name + DEGRADED if degraded else name
            there = np.arange(len(one.same))
            parts.append(_paired(kind, first, second, people, (there, there)))
            if recombine:
                anew = _recombined(one, people, rng)
                parts.append(_paired(kind + RECOMBINED, first, second, people, anew))
    return _joined(parts)


_Side = tuple["NDArray[np.float32]", "NDArray[np.float64]"]
_Two = tuple["NDArray[np.int64]", "NDArray[np.int64]"]


def _paired(kind: str, first: _Side, second: _Side, people: _Two, which: _Two) -> Comparisons:
    one, other = which
    similarity = [
        np.einsum("nd,nd->n", first[0][a], second[0][b], dtype=np.float64)
        for a, b in zip(np.array_split(one, 16), np.array_split(other, 16), strict=True)
    ]
    return Comparisons(
        np.concatenate(similarity),
        first[1][one],
        second[1][other],
        people[0][one] == people[1][other],
        people[0][one],
        people[1][other],
        np.zeros(len(one), np.int64),
        (kind,),
    )


def _recombined(pairs: Pairs, people: _Two, rng: np.random.Generator) -> _Two:
    firsts, seconds = [], []
    for fold in np.unique(pairs.fold):
        inside = np.flatnonzero(pairs.fold == fold)
        for _ in range(TIMES):
            firsts.append(inside)
            seconds.append(rng.permutation(inside))
    one, other = np.concatenate(firsts), np.concatenate(seconds)
    two = people[0][one] != people[1][other]
    return one[two], other[two]


def _joined(parts: list[Comparisons]) -> Comparisons:
    return Comparisons(
        np.concatenate([part.similarity for part in parts]),
        np.concatenate([part.score_a for part in parts]),
        np.concatenate([part.score_b for part in parts]),
        np.concatenate([part.same for part in parts]),
        np.concatenate([part.person_a for part in parts]),
        np.concatenate([part.person_b for part in parts]),
        np.repeat(np.arange(len(parts)), [len(part) for part in parts]),
        tuple(part.kinds[0] for part in parts),
    )


def _usable(pairs: Pairs, rng: np.random.Generator) -> Pairs:
    there = np.flatnonzero((pairs.first >= 0) & (pairs.second >= 0))
    if len(there) > MAX_PAIRS:
        there = np.sort(rng.permutation(there)[:MAX_PAIRS])
    return type(pairs)(
        pairs.first[there], pairs.second[there], pairs.same[there], pairs.fold[there]
    )


def _measured(
    instruments: Instruments,
    curve: Curve,
    faces: FaceSet,
    which: NDArray[np.int64],
    rng: np.random.Generator | None,
) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    if rng is None:
        used, where = np.unique(which, return_inverse=True)
        features, _, variances = measure_all(instruments.measure, np.asarray(faces.crops[used]))
        instruments.progress.advance(len(which) - len(used))
        return features[where], np.asarray(curve(variances)[where], np.float64)
    kinds = list(DEGRADATIONS)
    crops = np.stack(
        [
            degrade(
                np.asarray(faces.crops[index]),
                kinds[rng.integers(len(kinds))],
                float(rng.uniform(0, MAX_SEVERITY)),
                rng,
            )
            for index in which
        ]
    )
    features, _, variances = measure_all(instruments.measure, crops)
    return features, np.asarray(curve(variances), np.float64)
