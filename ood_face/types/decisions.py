"""Decisions: thresholds of a use, verdicts and their reasons."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ood_face.types.explanation import Explanation
    from ood_face.types.faces import FaceTemplate

__all__ = [
    "MODEL_CALIBRATION",
    "NO_CALIBRATION",
    "Comparison",
    "Policy",
    "Reason",
    "Scenario",
    "Verdict",
]

# names that no calibration file can have: the model's own P(same), and no probabilities at all
MODEL_CALIBRATION = "model"
NO_CALIBRATION = "none"


class Verdict(StrEnum):
    """What a comparison says; ``recapture`` means: retake the picture first."""

    SAME = "same"
    REVIEW = "review"
    DIFFERENT = "different"
    RECAPTURE = "recapture"


class Policy(StrEnum):
    """What decides once the pictures are good enough."""

    SIMILARITY = "similarity"
    PROBABILITY = "probability"


@dataclass(frozen=True, slots=True)
class Scenario:
    """The thresholds of one use: which similarity and which quality lead to which verdict.

    Attributes
    ----------
    same_above : similarity above which two faces are the same person
    different_below : similarity below which they are different people; between: review
    recapture_below : a face whose ood_score is below this asks for another picture
    same_needs_score_above : both ood_scores must exceed this for ``same``; None: no such rule
    similarity_alone : a similarity above ``same_above``, or a probability above
        ``same_probability_above``, passes whatever the scores are
    enroll_needs_score_above : a face is enrolled if its ood_score exceeds this
    identify_needs_margin_above : a subject is ``identified`` if its similarity exceeds that of
        the next subject by more than this; between: review
    calibration : name of the calibration that turns similarities into probabilities, where
        neither the request nor the gallery chooses; ``none``: no probabilities; None: the model's
        own P(same), if it has one
    calibration_configs : names that a request or a gallery may choose instead; ``model``: the
        model's own P(same). ``none`` may always be chosen
    policy : whether the thresholds of the similarity or those of the probability decide
    same_probability_above : P(same) above which two faces are the same person
    different_probability_below : P(same) below which they are different people; between: review
    same_prior : how probable it is, before the pictures are seen, that two faces are the same
        person; in a search, that the person is enrolled
    dropout_passes : how often Monte Carlo dropout runs the network's head on each picture sent,
        10..30, so that the decision's explanation says what the model does not know; 0: not
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
    calibration_configs: tuple[str, ...] = ()
    policy: Policy = Policy.SIMILARITY
    same_probability_above: float = 0.99
    different_probability_below: float = 0.05
    same_prior: float = 0.5
    dropout_passes: int = 0

    @property
    def calibrations(self) -> tuple[str, ...]:
        """What may be chosen, the one that applies by itself first; ``none`` is always there."""
        first = MODEL_CALIBRATION if self.calibration is None else self.calibration
        return tuple(dict.fromkeys((first, *self.calibration_configs, NO_CALIBRATION)))


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
    probability : P(same), 0..1, given ``scenario.same_prior``; None: the model in use has no such
        calibration, or no score
    probability_interval : where it lies with 95 %, as far as the calibration goes
    calibration : the one in force: a name, or ``model``; None: no probabilities
    explanation : how uncertain it is, and why; None: nobody worked it out
    """

    similarity: float
    template_a: FaceTemplate
    template_b: FaceTemplate
    verdict: Verdict
    reasons: tuple[Reason, ...]
    scenario: Scenario
    probability: float | None = None
    probability_interval: tuple[float, float] | None = None
    calibration: str | None = None
    explanation: Explanation | None = None
