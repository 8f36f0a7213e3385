"""How far a model can be trusted on somebody's own pictures: one report of many figures.

Nothing here reads, writes or prints. Every figure is made by the function that makes it for the
other commands as well; a section that the data can't carry holds the reason instead.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ood_face.calibration.operating_points import check_rate
from ood_face.calibration.own_report_probability import reliability, same_figures
from ood_face.calibration.own_report_sections import (
    discard,
    made_or_refused,
    operating,
    scores,
    similarities,
    trade_off,
)
from ood_face.calibration.own_report_tables import SECTIONS
from ood_face.calibration.own_report_values import OwnReport
from ood_face.calibration.pairs import with_usable_pairs
from ood_face.calibration.trials import gather_trials, passes_gate
from ood_face.errors import InputError
from ood_face.evaluation.instruments import SilentProgress

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import TypeVar

    from numpy.typing import NDArray

    from ood_face.calibration.trials import Trials
    from ood_face.evaluation.datasets import TestData
    from ood_face.evaluation.instruments import Progress
    from ood_face.types import SameModel, Scenario

    T = TypeVar("T")

__all__ = [
    "DEFAULT_FMRS",
    "MAX_FMRS",
    "OwnFaces",
    "OwnReport",
    "checked_rates",
    "make_report",
    "most_steps",
]

DEFAULT_FMRS = (0.01, 0.001, 0.0001)
MAX_FMRS = 8


@dataclass(frozen=True, slots=True, eq=False)
class OwnFaces:
    """Labelled pictures, measured.

    Attributes
    ----------
    data : the faces and the pairs to compare, named ``pairs``
    features : float32 array of shape (P, 512), unit norm
    scores : float32 array of shape (P,), the ood_score of each, 0..1; None: the model gives none
    model_id : the model that measured
    source : name of the folder or the list, for the report
    """

    data: TestData
    features: NDArray[np.float32]
    scores: NDArray[np.float32] | None
    model_id: str
    source: str

    def __post_init__(self) -> None:
        count = len(self.data.faces.labels)
        if self.features.ndim != 2 or len(self.features) != count:
            raise InputError(
                "trust.features",
                "there must be one feature for each of {count} faces, not an array of shape {got}",
                count=count,
                got=self.features.shape,
            )
        if not np.isfinite(self.features).all():
            raise InputError("trust.not_finite", "some of the features are no finite numbers")
        if self.scores is None:
            return
        if self.scores.shape != (count,) or not np.all((self.scores >= 0) & (self.scores <= 1)):
            raise InputError(
                "trust.bad_scores",
                "there must be one score in 0..1 for each of {count} faces",
                count=count,
            )


def make_report(
    faces: OwnFaces,
    scenario: Scenario,
    same_model: SameModel | None,
    fmrs: Sequence[float] = DEFAULT_FMRS,
    progress: Progress | None = None,
    method: str = "vector",
) -> OwnReport:
    """Measure everything; the same input gives the same report.

    Parameters
    ----------
    scenario : whose quality gate is applied; the middle of its two thresholds is where an
        uncalibrated similarity counts as 1/2
    same_model : what makes P(same) of the model; None: it has none
    fmrs : false match rates to find thresholds for, 1 to 8
    progress : told of each section; an exception that it raises ends the report
    method : of the calibration: ``vector``, ``temperature`` or ``isotonic``

    Raises
    ------
    InputError
        The pictures contradict each other, or a rate is none. What too little data can't carry is
        no reason to raise: that section holds the error.
    """
    rates = checked_rates(fmrs)
    tell = SilentProgress() if progress is None else progress
    tell.begin("pairs")
    data = with_usable_pairs(faces.data)
    passed = (
        np.ones(len(faces.features), bool)
        if faces.scores is None
        else passes_gate(faces.scores, scenario)
    )
    trials = made_or_refused(lambda: gather_trials(faces.features, passed, data))

    def section(name: str, make: Callable[[], T]) -> T | InputError:
        tell.begin(name)
        return made_or_refused(make)

    def compared(name: str, make: Callable[[Trials], T]) -> T | InputError:
        return trials if isinstance(trials, InputError) else section(name, lambda: make(trials))

    mated, impostor = _counts(trials, data.pairs["pairs"].same)
    return OwnReport(
        model_id=faces.model_id,
        source=faces.source,
        rule=data.rule,
        scenario=scenario,
        pictures=data.pictures,
        faces=len(faces.features),
        people=len(np.unique(data.faces.labels)),
        mated_pairs=mated,
        impostor_pairs=impostor,
        scores=section("scores", lambda: scores(faces.scores, passed, faces.model_id)),
        similarities=compared("similarities", similarities),
        trade_off=compared("detection error trade-off", trade_off),
        discard=section(
            "error versus discard",
            lambda: discard(faces.features, faces.scores, data, rates, faces.model_id),
        ),
        reliability=section(
            "calibration",
            lambda: reliability(
                faces.features, faces.scores, data, scenario, (faces.model_id, method)
            ),
        ),
        operating=compared(
            "operating points",
            lambda found: operating(found, rates, faces.scores, faces.model_id, tell.begin),
        ),
        same=section(
            "P(same)",
            lambda: same_figures(faces.features, faces.scores, data, same_model, faces.model_id),
        ),
    )


def _counts(trials: Trials | InputError, same: NDArray[np.bool_]) -> tuple[int, int]:
    if isinstance(trials, InputError):
        return int(same.sum()), int((~same).sum())
    return len(trials.mated.similarity), len(trials.impostor.similarity)


def most_steps(fmrs: Sequence[float] = DEFAULT_FMRS) -> int:
    """Return how often ``progress`` is told of a step of a report, at the most."""
    # the pairs, every section, and each rate's threshold without and with the gate
    return 1 + len(SECTIONS) + 2 * len(checked_rates(fmrs))


def checked_rates(fmrs: Sequence[float]) -> tuple[float, ...]:
    """Return false match rates, falling, each once; InputError where they are none."""
    rates = tuple(sorted(set(fmrs), reverse=True))
    if not 1 <= len(rates) <= MAX_FMRS:
        raise InputError(
            "trust.rates",
            "a report has 1 to {limit} false match rates, not {got}",
            limit=MAX_FMRS,
            got=len(rates),
        )
    for rate in rates:
        check_rate(rate)
    return rates
