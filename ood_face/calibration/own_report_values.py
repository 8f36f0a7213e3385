"""What a report on somebody's own pictures holds: numbers and arrays, to draw and to write.

A section that the data can't carry is the :class:`~ood_face.errors.InputError` that says why and
how much is needed; the others stand.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import numpy as np
    from numpy.typing import NDArray

    from ood_face.calibration.files import Calibration
    from ood_face.calibration.operating_points import OperatingPoint, Rate
    from ood_face.errors import InputError
    from ood_face.types import Scenario

__all__ = [
    "Discard",
    "DiscardLine",
    "ErrorTradeOff",
    "Gate",
    "Histogram",
    "Judged",
    "Operating",
    "OperatingRow",
    "OwnReport",
    "ReliabilityChange",
    "SameFigures",
    "Scores",
    "Similarities",
]

# whether the pairs are all, or only those whose pictures pass the scenario's gate
Gate = Literal["without", "with"]


@dataclass(frozen=True, slots=True, eq=False)
class Histogram:
    """Counts (B,) between edges (B + 1,), which rise."""

    edges: NDArray[np.float64]
    counts: NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Scores:
    """The pictures by ``ood_score``.

    Attributes
    ----------
    histogram : over 0..1, in pictures
    mean : of the scores
    refused : how many pictures the scenario's gate asks to take again
    """

    histogram: Histogram
    mean: float
    refused: int


@dataclass(frozen=True, slots=True, eq=False)
class Similarities:
    """The pairs by similarity; both histograms have the same edges."""

    mated: Histogram
    impostor: Histogram


@dataclass(frozen=True, slots=True, eq=False)
class ErrorTradeOff:
    """The detection error trade-off (DET).

    Attributes
    ----------
    fmr, fnmr : (K,) error rates, the false match rate rising
    mated_pairs, impostor_pairs : how many decided this
    smallest_fmr : the smallest false match rate that so many pairs can carry (rule of 3)
    """

    fmr: NDArray[np.float64]
    fnmr: NDArray[np.float64]
    mated_pairs: int
    impostor_pairs: int
    smallest_fmr: float


@dataclass(frozen=True, slots=True, eq=False)
class DiscardLine:
    """The FNMR (K,) of what is left, and its mean up to 20 % discarded: lower is better."""

    fnmr: NDArray[np.float64]
    area: Rate


@dataclass(frozen=True, slots=True, eq=False)
class Discard:
    """Error versus discard: the pairs with the worst picture are left out first.

    Attributes
    ----------
    fmr : the false match rate at which the threshold is fixed, over all pairs
    threshold : that similarity
    discard_rate : (K,) share of mated pairs left out
    lines : by ``ood_score``; ``random``: by chance; ``ideal``: by the similarity itself, which no
        score can know
    mated_pairs, impostor_pairs : how many decided this
    """

    fmr: float
    threshold: float
    discard_rate: NDArray[np.float64]
    lines: Mapping[str, DiscardLine]
    mated_pairs: int
    impostor_pairs: int


@dataclass(frozen=True, slots=True, eq=False)
class Judged:
    """How well probabilities keep their word; both kinds of pairs weigh the same.

    Attributes
    ----------
    figures : ``ece``, ``ece_equal_mass``, ``mce``, ``brier``, ``nll`` (log loss), ``accuracy``
    predicted, observed : (B,) mean probability and share of one person, by bins of equal width
    counts : (B,) pairs in each bin
    """

    figures: Mapping[str, Rate]
    predicted: NDArray[np.float64]
    observed: NDArray[np.float64]
    counts: NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class ReliabilityChange:
    """A calibration, fitted to half of the people, judged on the others.

    Attributes
    ----------
    before, after : on the people it was not fitted to
    calibration : fitted; its name and date are given when it is saved
    fit_people, fit_pairs, test_people, test_pairs : the halves
    """

    before: Judged
    after: Judged
    calibration: Calibration
    fit_people: int
    fit_pairs: int
    test_people: int
    test_pairs: int


@dataclass(frozen=True, slots=True, eq=False)
class OperatingRow:
    """One false match rate: the threshold over all pairs, and over those that pass the gate."""

    fmr: float
    without_gate: OperatingPoint | InputError
    with_gate: OperatingPoint | InputError


@dataclass(frozen=True, slots=True, eq=False)
class Operating:
    """Operating points, and what the gate asks of people.

    Attributes
    ----------
    rows : one for each false match rate asked for
    people : how many there are
    retake : share of people who are asked for another picture; None: the model gives no score
    never : share of people none of whose pictures passes; None likewise
    """

    rows: tuple[OperatingRow, ...]
    people: int
    retake: Rate | None
    never: float | None

    def points(self) -> Iterator[tuple[float, Gate, OperatingPoint | InputError]]:
        """Yield every false match rate ``without`` and ``with`` the gate, and what was found."""
        for row in self.rows:
            yield row.fmr, "without", row.without_gate
            yield row.fmr, "with", row.with_gate


@dataclass(frozen=True, slots=True, eq=False)
class SameFigures:
    """P(same) of the model as it is, at a prior of 1/2; honest on people it was not fitted to."""

    judged: Judged
    people: int
    mated_pairs: int
    impostor_pairs: int


@dataclass(frozen=True, slots=True, eq=False)
class OwnReport:
    """Everything that was measured on somebody's own pictures.

    Attributes
    ----------
    model_id : the model that was measured
    source : name of the folder or the list
    rule : how the pictures were paired
    scenario : whose quality gate was applied
    pictures, faces, people : how many pictures there are, with a face, of how many people
    mated_pairs, impostor_pairs : how many pairs were compared
    scores, similarities, trade_off, discard, reliability, operating, same : the sections
    """

    model_id: str
    source: str
    rule: str
    scenario: Scenario
    pictures: int
    faces: int
    people: int
    mated_pairs: int
    impostor_pairs: int
    scores: Scores | InputError
    similarities: Similarities | InputError
    trade_off: ErrorTradeOff | InputError
    discard: Discard | InputError
    reliability: ReliabilityChange | InputError
    operating: Operating | InputError
    same: SameFigures | InputError
