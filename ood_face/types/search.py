"""What a search over a gallery found, and what that means."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ood_face.types.decisions import Reason, Scenario, Verdict
    from ood_face.types.explanation import Explanation
    from ood_face.types.faces import FaceTemplate

__all__ = ["Candidate", "Hit", "Identification", "IdentifyVerdict", "Verification"]


@dataclass(frozen=True, slots=True)
class Hit:
    """One template that a search found; ``similarity`` is the cosine with the probe."""

    template_id: int
    subject_id: str
    similarity: float


class IdentifyVerdict(StrEnum):
    """What a search over a gallery says; ``recapture`` means: retake the picture first."""

    IDENTIFIED = "identified"
    REVIEW = "review"
    UNKNOWN = "unknown"
    RECAPTURE = "recapture"


@dataclass(frozen=True, slots=True)
class Candidate:
    """A subject that may be the one in the picture.

    Attributes
    ----------
    subject_id, name : who
    similarity : cosine of the probe and the subject's most similar template
    fused_similarity : cosine of the probe and the mean of all the subject's features, weighted
        by their scores
    template_id, ood_score : the most similar template
    probability : calibrated probability of the same person; None: no calibration is there
    probability_interval : where it lies with 95 %, as far as the calibration goes; None: it has
        no interval
    """

    subject_id: str
    name: str | None
    similarity: float
    fused_similarity: float
    template_id: int
    ood_score: float | None
    probability: float | None = None
    probability_interval: tuple[float, float] | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Identification:
    """A face sought in a gallery.

    Attributes
    ----------
    probe : the face sought
    verdict : what to do; ``identified`` is the first candidate
    reasons : why, most important first
    candidates : by similarity, best first
    margin : similarity of the first less that of the second; None: fewer than two subjects
    gallery : where it was sought
    scenario : the thresholds that were applied
    calibration : the one in force: a name, or ``model``; None: no probabilities
    explanation : how uncertain it is, and why; None: nobody worked it out
    """

    probe: FaceTemplate
    verdict: IdentifyVerdict
    reasons: tuple[Reason, ...]
    candidates: tuple[Candidate, ...]
    margin: float | None
    gallery: str
    scenario: Scenario
    calibration: str | None = None
    explanation: Explanation | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Verification:
    """A face compared with an enrolled subject.

    Attributes
    ----------
    probe : the face
    candidate : the subject, and how similar it is
    verdict : what to do
    reasons : why, most important first
    gallery : where the subject is enrolled
    scenario : the thresholds that were applied
    calibration : the one in force: a name, or ``model``; None: no probabilities
    explanation : how uncertain it is, and why; None: nobody worked it out
    """

    probe: FaceTemplate
    candidate: Candidate
    verdict: Verdict
    reasons: tuple[Reason, ...]
    gallery: str
    scenario: Scenario
    calibration: str | None = None
    explanation: Explanation | None = None
