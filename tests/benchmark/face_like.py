"""Features that are spread like those of faces, as many as wanted.

People lie in sub-groups of groups (families, looks), so that some are much alike; a template is its
person's direction and noise. The spectra were fitted to what the shipped model gives for CFP (1000
people it was not trained on): of the variance between people 20, 47, 86 and 98 % lie in the 8, 32,
128 and 256 largest components, within people 10, 30, 73 and 93 %; impostor cosines have a standard
deviation of 0.08.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ood_face.types import FEATURE_DIM

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    Features = NDArray[np.float32]

__all__ = ["POPULATIONS", "TEMPLATES", "FaceLike", "Population"]

# templates of each person
TEMPLATES = 4
_GROUPS, _SUBGROUPS = 40, 50
_PEOPLE_AT_ONCE = 2500


@dataclass(frozen=True)
class Population:
    """How alike people are.

    Attributes
    ----------
    first_share, first_rate, second_rate : the variance of component k falls as
        ``share * exp(-k / first_rate) / first_rate + (1 - share) * exp(-k / second_rate) /
        second_rate``
    group_share, subgroup_share : of the variance that people of a group have in common
    """

    first_share: float
    first_rate: float
    second_rate: float
    group_share: float
    subgroup_share: float


POPULATIONS = {
    # impostor cosines 0.02 +- 0.10, the most similar of 1,000,000 at 0.56: many look-alikes
    "alike": Population(0.35, 6, 50, 0.25, 0.35),
    # 0.02 +- 0.07, the most similar at 0.36: nobody stands out, the hardest to put in order
    "spread": Population(0.2, 12, 75, 0.1, 0.15),
}


class FaceLike:
    """A source of people and templates; the same seed gives the same ones."""

    def __init__(self, population: Population, seed: int = 0) -> None:
        self._population = population
        rng = np.random.default_rng(seed)
        k = np.arange(FEATURE_DIM)
        between = population.first_share * np.exp(-k / population.first_rate)
        between /= population.first_rate
        rest = (1 - population.first_share) * np.exp(-k / population.second_rate)
        self._between = _colouring(rng, between + rest / population.second_rate)
        self._within = _colouring(rng, np.exp(-k / 130))
        self._groups = rng.standard_normal((_GROUPS, FEATURE_DIM), np.float32)
        self._subgroups = rng.standard_normal((_GROUPS * _SUBGROUPS, FEATURE_DIM), np.float32)
        self._mean = 0.15 * _unit(rng.standard_normal((1, FEATURE_DIM), np.float32))

    def people(self, count: int, rng: np.random.Generator) -> Features:
        """Return directions of new people, shape (count, 512)."""
        share = self._population
        subgroup = rng.integers(0, len(self._subgroups), count)
        own = rng.standard_normal((count, FEATURE_DIM), np.float32)
        mixed = np.sqrt(1 - share.group_share - share.subgroup_share) * own
        mixed += np.sqrt(share.group_share) * self._groups[subgroup // _SUBGROUPS]
        mixed += np.sqrt(share.subgroup_share) * self._subgroups[subgroup]
        return _unit(mixed.astype(np.float32) @ self._between + self._mean)

    def templates(self, people: Features, rng: np.random.Generator) -> Features:
        """Return one template of each of these people; two of a person have 0.65 +- 0.07."""
        noise = _unit(rng.standard_normal(people.shape, np.float32) @ self._within)
        quality = rng.uniform(0.71, 0.9, (len(people), 1)).astype(np.float32)
        return _unit(quality * people + np.sqrt(1 - quality**2) * noise)

    def gallery(self, count: int) -> Iterator[tuple[Features, Features]]:
        """Give people, and the four templates of each, until there are ``count`` templates."""
        rng = np.random.default_rng(1)
        for start in range(0, count // TEMPLATES, _PEOPLE_AT_ONCE):
            people = self.people(min(_PEOPLE_AT_ONCE, count // TEMPLATES - start), rng)
            yield people, self.templates(np.repeat(people, TEMPLATES, axis=0), rng)


def _colouring(rng: np.random.Generator, variances: NDArray[np.float64]) -> Features:
    # what gives white noise these variances along random axes
    axes, _ = np.linalg.qr(rng.standard_normal((FEATURE_DIM, FEATURE_DIM)))
    coloured = (axes * np.sqrt(variances / variances.sum())).T
    return np.ascontiguousarray(coloured, np.float32)


def _unit(rows: Features) -> Features:
    unit: Features = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return unit
