"""1:N searches with what P(same) needs: the first candidates of galleries of a stated size.

As many strangers are searched for as people enrolled; who is which is drawn anew for each gallery.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

import numpy as np

from ood_face.evaluation.searches import enrollable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from ood_face.evaluation.datasets import TestData
    from ood_face.evaluation.searches import Probes

__all__ = ["CANDIDATES", "SIZES", "Ranked", "pairs_alike", "rank_probes", "sizes_for"]

SIZES = (10, 50, 250)
# as many as the service looks at unless it is asked for more
CANDIDATES = 5
# so many people enrolled over all galleries of one size: each size has about as many searches
ENROLMENTS = 500
SEED = 41


@dataclass(frozen=True, slots=True, eq=False)
class Ranked:
    """The first K candidates of N searches, best first, of one picture each.

    Attributes
    ----------
    labels : int64 array of shape (N,), subjects of the probes
    scores : float64 array of shape (N,), their ood_score
    mated : bool array of shape (N,): the probe's subject is enrolled
    right : bool array of shape (N,): the first candidate is the probe's subject
    similarity : float64 array of shape (N, K), of the candidates
    template_scores : float64 array of shape (N, K), their ood_score
    """

    labels: NDArray[np.int64]
    scores: NDArray[np.float64]
    mated: NDArray[np.bool_]
    right: NDArray[np.bool_]
    similarity: NDArray[np.float64]
    template_scores: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.labels)

    @classmethod
    def joined(cls, parts: Sequence[Ranked]) -> Ranked:
        """Return all searches of several, at least one."""
        columns = ([getattr(part, field.name) for part in parts] for field in fields(cls))
        return cls(*(np.concatenate(column) for column in columns))


def sizes_for(people: Probes, good: NDArray[np.bool_]) -> tuple[int, ...]:
    """Return those of ``SIZES`` for which there are as many strangers as people to enrol."""
    half = len(enrollable(people.labels, good, 1)) // 2
    return tuple(size for size in SIZES if size <= half)


def pairs_alike(data: TestData) -> dict[str, list[str]]:
    """Return, for each kind of probe, the sets of pairs like its searches.

    In each of their pairs one picture may be enrolled, and the other is such a probe.
    """
    found: dict[str, list[str]] = {}
    for kind, probe in data.probes.items():
        found[kind] = []
        for name, pairs in data.pairs.items():
            there = (pairs.first >= 0) & (pairs.second >= 0)
            one, other = pairs.first[there], pairs.second[there]
            fits = (data.good[one] & probe[other]) | (data.good[other] & probe[one])
            if fits.all():
                found[kind].append(name)
    return found


def rank_probes(
    people: Probes, good: NDArray[np.bool_], probes: Mapping[str, Probes], subjects: int
) -> dict[str, Ranked]:
    """Search for probes in galleries of so many people, one picture each.

    No picture that is enrolled is searched for. The draws are seeded: each kind of probe meets
    the same galleries.

    Parameters
    ----------
    people : all pictures
    good : (N,) whether a picture may be enrolled
    probes : what is searched for, by kind
    subjects : enrolled in each gallery, one of :func:`sizes_for`
    """
    rng = np.random.default_rng(SEED)
    able = enrollable(people.labels, good, 1)
    own = {int(one): np.flatnonzero(good & (people.labels == one)) for one in able}
    found: dict[str, list[Ranked]] = {kind: [] for kind in probes}
    for _ in range(max(1, ENROLMENTS // subjects)):
        mixed = rng.permutation(able)
        enrolled, strangers = mixed[:subjects], mixed[subjects : 2 * subjects]
        pictures = np.array([rng.choice(own[int(one)]) for one in enrolled])
        for kind, some in probes.items():
            asked = np.isin(some.labels, np.concatenate([enrolled, strangers]))
            asked &= ~np.isin(some.pictures, people.pictures[pictures])
            found[kind].append(_rank(people, pictures, some.where(asked)))
    return {kind: Ranked.joined(parts) for kind, parts in found.items()}


def _rank(people: Probes, enrolled: NDArray[np.int64], probes: Probes) -> Ranked:
    similarity = probes.features.astype(np.float64) @ people.features[enrolled].T
    best = np.argsort(-similarity, axis=1, kind="stable")[:, :CANDIDATES]
    labels = people.labels[enrolled]
    return Ranked(
        labels=probes.labels,
        scores=probes.scores.astype(np.float64),
        mated=np.isin(probes.labels, labels),
        right=labels[best[:, 0]] == probes.labels,
        similarity=np.take_along_axis(similarity, best, axis=1),
        template_scores=people.scores[enrolled].astype(np.float64)[best],
    )
