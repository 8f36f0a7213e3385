"""The uncertainty of a decision, taken apart: where it comes from, how much, in words."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from ood_face.errors import InputError

if TYPE_CHECKING:
    from ood_face.types.decisions import Reason

__all__ = [
    "Explanation",
    "ModelSpread",
    "UncertaintyLevel",
    "UncertaintyPart",
    "UncertaintySource",
]


class UncertaintySource(StrEnum):
    """Where the uncertainty of a decision comes from.

    ``picture``: what the pictures show; its amount is 1 - the lower of the two ``ood_score``.

    ``model``: what the network does not know; only where Monte Carlo dropout was run. Its amount
    is the width of the range that holds 95 % of the passes' P(same) at least; without P(same),
    that of the passes' similarities, at most 1.

    ``gallery``: how close the second candidate of a search comes to the first. Its amount is
    ``needed / (needed + margin)``, where ``needed`` is the scenario's
    ``identify_needs_margin_above``: 1/2 where the margin is just what is needed, 1 where two
    subjects are equally similar; 0 where nobody else is enrolled or the first candidate is
    nobody sought.

    ``calibration``: what the data that P(same) was fitted to can carry. Its amount is the width
    of the 95 % interval of P(same).
    """

    PICTURE = "picture"
    MODEL = "model"
    GALLERY = "gallery"
    CALIBRATION = "calibration"


class UncertaintyLevel(StrEnum):
    """How much a part matters; ``unknown``: nothing measures it here."""

    LOW = "low"
    MODERATE = "moderate"
    HIGH = "high"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class UncertaintyPart:
    """One part of a decision's uncertainty.

    Attributes
    ----------
    source : where it comes from
    level : how much it matters
    amount : 0..1, higher is less sure, see :class:`UncertaintySource`; the amounts of two sources
        are not on one scale. None: the level is ``unknown``, and only then
    reason : the same in words
    """

    source: UncertaintySource
    level: UncertaintyLevel
    amount: float | None
    reason: Reason

    def __post_init__(self) -> None:
        unknown = self.level is UncertaintyLevel.UNKNOWN
        fits = unknown if self.amount is None else not unknown and 0 <= self.amount <= 1
        if not fits:
            raise InputError(
                "explanation.amount",
                "the uncertainty of the {source} is {level}, so its amount must lie in 0..1, or "
                "be missing where the level is unknown; it is {amount}",
                source=self.source.value,
                level=self.level.value,
                amount=self.amount,
            )


@dataclass(frozen=True, slots=True)
class ModelSpread:
    """How far a decision's numbers lie apart over the passes of Monte Carlo dropout.

    Attributes
    ----------
    passes : how many there were
    similarity_spread : standard deviation of the similarity over the passes
    probability_range : what holds 95 % of the passes' P(same) at least, 0..1: of up to 40 passes
        the lowest and the highest; None: there is no P(same)
    total_bits : entropy of the passes' mean P(same), 0..1 bit
    expected_bits : mean entropy of the passes' P(same), 0..1 bit: doubt that every pass shares
    unknown_bits : their difference, 0..1 bit: what the model does not know (mutual information of
        the answer and the network's weights); like the two above None without P(same)
    """

    passes: int
    similarity_spread: float
    probability_range: tuple[float, float] | None = None
    total_bits: float | None = None
    expected_bits: float | None = None
    unknown_bits: float | None = None


@dataclass(frozen=True, slots=True)
class Explanation:
    """How far a decision can be trusted, and what stands in the way.

    Attributes
    ----------
    probability_of_error : 1 - max(p, 1 - p) of P(same), 0..0.5: how probable it is that the
        likelier answer is wrong; in a search, of the first candidate. None: there is no P(same)
    entropy_bits : entropy of P(same), 0..1: 0 is certain, 1 a coin toss; None: no P(same)
    parts : by source, in the order of :class:`UncertaintySource`
    main : the part that matters most: of the highest level (``high``, ``moderate``, ``unknown``),
        and there the one that is the largest share of what is high; None: all are low
    model : what the passes of Monte Carlo dropout gave; None: none were run
    """

    probability_of_error: float | None
    entropy_bits: float | None
    parts: tuple[UncertaintyPart, ...]
    main: UncertaintySource | None
    model: ModelSpread | None = None

    def part(self, source: UncertaintySource) -> UncertaintyPart | None:
        """Return the part of a source; None: it has none here."""
        return next((part for part in self.parts if part.source is source), None)
