"""What ``ood-face operating-points`` does: read, measure, compare, find."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from ood_face.bootstrap import open_scenario
from ood_face.calibration.operating_points import fmr_for_fpir, operating_point, retakes
from ood_face.calibration.pairs import with_usable_pairs
from ood_face.calibration.trials import gather_trials, passes_gate
from ood_face.cli.bench import Bench
from ood_face.cli.evaluating import Source, read_data
from ood_face.errors import InputError
from ood_face.types import Policy
from ood_face.uncertainty import MIN_PASSES

if TYPE_CHECKING:
    from pathlib import Path

    from ood_face.calibration.operating_points import OperatingPoint
    from ood_face.config import Settings
    from ood_face.evaluation.instruments import Progress
    from ood_face.types import Scenario

__all__ = ["Found", "Target", "find_points"]


@dataclass(frozen=True, slots=True)
class Target:
    """What is wanted, of which pictures; either ``fmr`` is given, or the two after it."""

    source: Path
    fmr: float | None
    fpir: float | None
    gallery_size: int | None
    aligned: bool

    @property
    def false_match_rate(self) -> float:
        """The false match rate that is to be kept."""
        if self.fmr is not None:
            return self.fmr
        if self.fpir is None or self.gallery_size is None:
            message = "either fmr, or fpir and gallery_size"
            raise ValueError(message)
        return fmr_for_fpir(self.fpir, self.gallery_size)


@dataclass(frozen=True, slots=True)
class Found:
    """What was found.

    Attributes
    ----------
    model_id, source, rule : the model, the pictures, and how they were paired
    fmr : the false match rate kept
    fpir, gallery_size : the false positive rate of searches that led to it; None: not asked for
    applied : the scenario whose gate was applied
    without_gate, with_gate : of all pairs, and of those whose pictures pass the gate; None: see
        ``reason``
    retakes : see :func:`ood_face.calibration.operating_points.retakes`
    """

    model_id: str
    source: str
    rule: str
    fmr: float
    fpir: float | None
    gallery_size: int | None
    applied: Scenario
    without_gate: OperatingPoint
    with_gate: OperatingPoint | None
    reason: InputError | None
    retakes: dict[str, Any]

    def scenario(self, name: str) -> Scenario:
        """Return the scenario with the threshold found, behind its gate where that was judged."""
        point = self.without_gate if self.with_gate is None else self.with_gate
        threshold = point.threshold.value
        return replace(
            self.applied,
            name=name,
            policy=Policy.SIMILARITY,
            same_above=threshold,
            different_below=min(self.applied.different_below, threshold),
        )


def find_points(
    settings: Settings, target: Target, scenario: str, cache: Path, progress: Progress
) -> Found:
    """Measure the pictures and find the operating point, with and without the gate.

    Raises
    ------
    InputError
        The pictures can't be read, contradict each other, or are too few for the rate; says how
        many are needed.
    UnknownScenarioError
        No scenario has this name.
    """
    fmr = target.false_match_rate
    applied = open_scenario(settings, scenario)
    bench = Bench(settings, cache, MIN_PASSES, progress)
    source = _source(target)
    data = read_data(source, cache, bench)
    if source.data is None:  # own pictures may lie there twice, or in the wrong place
        data = with_usable_pairs(data)
    features, scores = bench.measured(data.faces.crops)
    passed = np.ones(len(features), bool) if scores is None else passes_gate(scores, applied)
    trials = gather_trials(features, passed, data)
    without = operating_point(trials, fmr)
    gated, reason = None, None
    try:
        gated = operating_point(trials.gated(), fmr)
    except InputError as exc:
        reason = exc
    return Found(
        model_id=bench.model_id,
        source=target.source.name,
        rule=data.rule,
        fmr=fmr,
        fpir=target.fpir,
        gallery_size=target.gallery_size,
        applied=applied,
        without_gate=without,
        with_gate=gated,
        reason=reason,
        retakes=retakes(trials),
    )


def _source(target: Target) -> Source:
    path = target.source
    if (path / "faces" / "cfp-00.tar").is_file():
        return Source(data=path)
    if path.is_dir():
        return Source(folders=path, aligned=target.aligned)
    if path.suffix.lower() == ".csv" and path.is_file():
        return Source(pairs=path, aligned=target.aligned)
    raise InputError(
        "operating.source", "{path} is neither a folder nor a .csv file", path=str(path)
    )
