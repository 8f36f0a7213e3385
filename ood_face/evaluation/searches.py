"""1:N searches to count errors in: who is enrolled, who is a stranger, what the search finds.

The people are split at random, half enrolled and half strangers, then the other way round; this
several times, so that everybody serves as both. The draws are seeded.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

__all__ = ["ROUNDS", "SPLITS", "Probes", "Searches", "Split", "draw_splits", "enrollable", "search"]

ROUNDS = 5
SPLITS = 2 * ROUNDS
SEED = 31
_PROBES_AT_ONCE = 2048


@dataclass(frozen=True, slots=True, eq=False)
class Probes:
    """Measured pictures.

    Attributes
    ----------
    features : float32 array of shape (N, 512), unit norm
    labels : int64 array of shape (N,), their subjects
    scores : float32 array of shape (N,), ood_score; NaN where the model gives none
    pictures : int64 array of shape (N,), which picture each was made of: none is searched for in
        a gallery that holds it
    """

    features: NDArray[np.float32]
    labels: NDArray[np.int64]
    scores: NDArray[np.float32]
    pictures: NDArray[np.int64]

    def where(self, chosen: NDArray[np.bool_]) -> Probes:
        """Return some of them."""
        return Probes(*(getattr(self, field.name)[chosen] for field in fields(self)))


@dataclass(frozen=True, slots=True, eq=False)
class Split:
    """Who is enrolled, with which pictures.

    Attributes
    ----------
    plain : (E,) pictures enrolled whatever their score
    gated : (G,) pictures enrolled where a score is needed
    refused : (R,) subjects without any picture of that score: not enrolled there
    """

    plain: NDArray[np.int64]
    gated: NDArray[np.int64]
    refused: NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Searches:
    """What searches found, one element for each.

    Attributes
    ----------
    labels : (N,) subject of the probe
    pictures : (N,) picture of the probe
    scores : (N,) ood_score of the probe
    mated : (N,) whether the subject is enrolled
    similarity : (N,) of the best candidate
    margin : (N,) that similarity less the second subject's; infinite where there is no second
    right : (N,) whether the best candidate is the probe's subject
    """

    labels: NDArray[np.int64]
    pictures: NDArray[np.int64]
    scores: NDArray[np.float32]
    mated: NDArray[np.bool_]
    similarity: NDArray[np.float64]
    margin: NDArray[np.float64]
    right: NDArray[np.bool_]

    def where(self, chosen: NDArray[np.bool_]) -> Searches:
        """Return some of them."""
        return Searches(*(getattr(self, field.name)[chosen] for field in fields(self)))


def enrollable(
    labels: NDArray[np.int64], good: NDArray[np.bool_], templates: int
) -> NDArray[np.int64]:
    """Return the subjects with so many good pictures, and one more to be searched for."""
    subjects, counts = np.unique(labels[good], return_counts=True)
    return subjects[counts > templates]


def draw_splits(
    people: Probes, good: NDArray[np.bool_], templates: int, needed: float
) -> list[Split]:
    """Draw who is enrolled, and with which pictures.

    With a score needed, a person shows pictures in the same random order until so many have it.

    Parameters
    ----------
    people : all pictures
    good : (N,) whether a picture may be enrolled
    templates : pictures enrolled of each subject
    needed : a gated picture's score exceeds it
    """
    rng = np.random.default_rng(SEED)
    subjects = enrollable(people.labels, good, templates)
    half = len(subjects) // 2
    splits = []
    for _ in range(ROUNDS):
        mixed = rng.permutation(subjects)
        # of an odd number, the one in the middle is a stranger both times
        for chosen in (mixed[:half], mixed[len(mixed) - half :]):
            splits.append(_enrol(people, good, np.sort(chosen), (templates, needed), rng))
    return splits


def _enrol(
    people: Probes,
    good: NDArray[np.bool_],
    chosen: NDArray[np.int64],
    rule: tuple[int, float],
    rng: np.random.Generator,
) -> Split:
    templates, needed = rule
    plain, gated, refused = [], [], []
    for subject in chosen:
        own = rng.permutation(np.flatnonzero(good & (people.labels == subject)))
        enough = own[people.scores[own] > needed][:templates]
        plain.append(own[:templates])
        gated.append(enough)
        if not len(enough):
            refused.append(subject)
    none = np.empty(0, np.int64)
    return Split(
        np.concatenate([none, *plain]),
        np.concatenate([none, *gated]),
        np.array(refused, np.int64),
    )


def search(people: Probes, splits: Sequence[Split], probes: Probes, *, gated: bool) -> Searches:
    """Search for the probes in the gallery of every split.

    Neither the pictures enrolled with nor those enrolled without the gate are searched for: both
    ways see the same probes. Behind the gate, people who could not be enrolled are left out.

    Parameters
    ----------
    people : what the splits enrol from
    probes : what is searched for
    gated : in the galleries behind the gate
    """
    found = []
    for split in splits:
        enrolled = split.gated if gated else split.plain
        if not len(enrolled):
            continue
        asked = ~np.isin(probes.pictures, people.pictures[np.union1d(split.plain, split.gated)])
        if gated:
            asked &= ~np.isin(probes.labels, split.refused)
        found.append(_search_one(people, enrolled, probes.where(asked)))
    if not found:
        return _search_nothing()
    columns = ([getattr(one, field.name) for one in found] for field in fields(Searches))
    return Searches(*(np.concatenate(column) for column in columns))


def _search_one(people: Probes, enrolled: NDArray[np.int64], probes: Probes) -> Searches:
    order = enrolled[np.argsort(people.labels[enrolled], kind="stable")]
    subjects, starts = np.unique(people.labels[order], return_index=True)
    gallery = people.features[order]
    count = len(probes.labels)
    best, similarity = np.zeros(count, np.int64), np.empty((count, 2))
    for start in range(0, count, _PROBES_AT_ONCE):
        part = slice(start, start + _PROBES_AT_ONCE)
        by_template = probes.features[part] @ gallery.T
        by_subject = np.maximum.reduceat(by_template, starts, axis=1)
        best[part] = np.argmax(by_subject, axis=1)
        if len(subjects) == 1:
            similarity[part] = np.column_stack([by_subject, np.full(len(by_subject), -np.inf)])
        else:
            similarity[part] = np.partition(by_subject, -2, axis=1)[:, :-3:-1]
    return Searches(
        probes.labels,
        probes.pictures,
        probes.scores,
        np.isin(probes.labels, subjects),
        similarity[:, 0],
        similarity[:, 0] - similarity[:, 1],
        subjects[best] == probes.labels,
    )


def _search_nothing() -> Searches:
    none, truth = np.empty(0, np.int64), np.empty(0, np.bool_)
    real = np.empty(0, np.float64)
    return Searches(none, none, np.empty(0, np.float32), truth, real, real, truth)
