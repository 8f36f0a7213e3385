"""Decisions: thresholds of a use, verdicts and their reasons."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ood_face.types.faces import FaceTemplate

__all__ = ["Comparison", "Reason", "Scenario", "Verdict"]


class Verdict(StrEnum):
    """What a comparison says; ``recapture`` means: retake the picture first."""

    SAME = "same"
    REVIEW = "review"
    DIFFERENT = "different"
    RECAPTURE = "recapture"


@dataclass(frozen=True, slots=True)
class Scenario:
    """The thresholds of one use: which similarity and which quality lead to which verdict.

    Attributes
    ----------
    same_above : similarity above which two faces are the same person
    different_below : similarity below which they are different people; between: review
    recapture_below : a face whose ood_score is below this asks for another picture
    same_needs_score_above : both ood_scores must exceed this for ``same``; None: no such rule
    similarity_alone : a similarity above ``same_above`` passes whatever the scores are
    enroll_needs_score_above : a face is enrolled if its ood_score exceeds this
    identify_needs_margin_above : a subject is ``identified`` if its similarity exceeds that of
        the next subject by more than this; between: review
    calibration : name of the model's calibration that turns similarities into probabilities;
        None: none
    """

    name: str
    same_above: float = 0.45
    different_below: float = 0.35
    recapture_below: float = 0.4
    same_needs_score_above: float | None = None
    similarity_alone: bool = False
    enroll_needs_score_above: float = 0.5
    identify_needs_margin_above: float = 0.05
    calibration: str | None = None


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason of a decision: a stable key and the values of its sentence."""

    key: str
    values: dict[str, float | str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False)
class Comparison:
    """Two faces compared under a scenario.

    Attributes
    ----------
    similarity : cosine of the two features, -1..1
    template_a, template_b : the two faces
    verdict : what to do
    reasons : why, most important first
    scenario : the thresholds that were applied
    """

    similarity: float
    template_a: FaceTemplate
    template_b: FaceTemplate
    verdict: Verdict
    reasons: tuple[Reason, ...]
    scenario: Scenario
