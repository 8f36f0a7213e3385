"""The decision policy: pure functions of a similarity, two scores and a scenario."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from ood_face.errors import InputError
from ood_face.matching.explanation import explain_comparison
from ood_face.matching.spread import spread_of_two
from ood_face.types import Comparison, Policy, Reason, Verdict

if TYPE_CHECKING:
    from ood_face.types import FaceTemplate, Probability, SameEstimator, Scenario

__all__ = ["compare_templates", "decide"]

_EVEN = 0.5


def compare_templates(
    template_a: FaceTemplate,
    template_b: FaceTemplate,
    scenario: Scenario,
    counts: tuple[int, int] = (1, 1),
    same_model: SameEstimator | None = None,
) -> Comparison:
    """Compare two faces under a scenario, and explain how uncertain that is.

    Parameters
    ----------
    template_a, template_b : the faces
    scenario : the thresholds
    counts : how many faces each picture showed; more than one is said in the reasons
    same_model : makes P(same) of the similarity and both scores; None: nothing does

    Raises
    ------
    InputError
        The templates come from different models.
    """
    if template_a.model_id != template_b.model_id:
        raise InputError(
            "template.model",
            "features of different models cannot be compared: {model_a} and {model_b}",
            model_a=template_a.model_id,
            model_b=template_b.model_id,
        )
    cosine = np.dot(template_a.feature.astype(np.float64), template_b.feature.astype(np.float64))
    similarity = float(np.clip(cosine, -1.0, 1.0))
    scores = template_a.ood_score, template_b.ood_score
    found = _probability(similarity, scores, scenario, same_model)
    probability = None if found is None else found.value
    verdict, reasons = decide(similarity, *scores, scenario, probability)
    largest = tuple(
        Reason(f"faces.largest_{side}", {"count": count})
        for side, count in zip("ab", counts, strict=True)
        if count > 1
    )
    compared = Comparison(
        similarity=similarity,
        template_a=template_a,
        template_b=template_b,
        verdict=verdict,
        reasons=reasons + largest,
        scenario=scenario,
        probability=probability,
        probability_interval=_interval(found),
    )
    spread = spread_of_two(template_a, template_b, same_model, scenario.same_prior)
    return replace(compared, explanation=explain_comparison(compared, spread))


def _interval(found: Probability | None) -> tuple[float, float] | None:
    if found is None or found.low is None or found.high is None:
        return None
    return found.low, found.high


def _probability(
    similarity: float,
    scores: tuple[float | None, float | None],
    scenario: Scenario,
    same_model: SameEstimator | None,
) -> Probability | None:
    score_a, score_b = scores
    if same_model is None or score_a is None or score_b is None:
        return None
    return same_model.probability(similarity, score_a, score_b, scenario.same_prior)


def decide(
    similarity: float,
    ood_score_a: float | None,
    ood_score_b: float | None,
    scenario: Scenario,
    probability: float | None = None,
) -> tuple[Verdict, tuple[Reason, ...]]:
    """Say what to do about two faces, and why.

    Quality is asked first: the similarity of a face that can't be trusted says little,
    whichever way it points.

    1. A score below ``recapture_below``: ``recapture``, unless the scenario lets the similarity
       decide alone and it is above ``same_above``; then ``same``.
    2. A similarity above ``same_above``: ``same``; but ``recapture`` where the scenario asks
       for scores above ``same_needs_score_above`` and one of the two is not.
    3. A similarity below ``different_below``: ``different``.
    4. Anything else: ``review``.

    Where the model gives no score, no rule on scores can be kept, so a person decides: ``review``,
    with a reason that says so, in place of ``same`` and of ``different``. There are two
    exceptions: a similarity above ``same_above`` in a scenario that lets the similarity decide
    alone is ``same``, and one below ``different_below`` is ``different`` where
    ``recapture_below`` is 0, since no score could have asked for another picture.

    In a scenario whose policy is ``probability``, P(same) takes the place of the similarity
    throughout, and its two thresholds that of the similarity's. Where there is no P(same), what
    is not ``recapture`` is ``review``.

    Where the similarity decides, and P(same) is on the other side of 1/2, a reason says so: both
    hold, for a threshold weighs one error against the other.

    Parameters
    ----------
    similarity : cosine of the two features
    ood_score_a, ood_score_b : how far each face can be trusted, 0..1; None: nobody knows
    scenario : the thresholds; with ``similarity_alone``, ``same_needs_score_above`` has no effect
    probability : P(same), 0..1; None: there is none

    Returns
    -------
    verdict : what to do
    reasons : why, most important first; exchanging the faces exchanges ``_a`` and ``_b``

    Raises
    ------
    InputError
        One of the numbers is not finite.
    """
    for name, value in (
        ("similarity", similarity),
        ("ood_score_a", ood_score_a),
        ("ood_score_b", ood_score_b),
        ("probability", probability),
    ):
        if value is not None and not math.isfinite(value):
            raise InputError(
                "decision.not_finite",
                "{name} must be a finite number, this is {value}",
                name=name,
                value=value,
            )
    given = {"a": ood_score_a, "b": ood_score_b}
    scores = {side: score for side, score in given.items() if score is not None}
    measure = _Measure.of(similarity, probability, scenario)
    above = measure.above
    poor = {side: score for side, score in scores.items() if score < scenario.recapture_below}

    if poor and not (above and scenario.similarity_alone):
        return Verdict.RECAPTURE, _quality_reasons("poor", poor, scenario.recapture_below)
    if above:
        verdict, reasons = _decide_above(measure, scores, poor, scenario)
    else:
        verdict, reasons = measure.not_above()
    if len(scores) == len(given) or verdict is Verdict.RECAPTURE:
        return verdict, (*reasons, *_against(verdict, probability, scenario))
    no_rule = verdict is Verdict.DIFFERENT and scenario.recapture_below <= 0
    if no_rule or (above and scenario.similarity_alone):
        return verdict, (*reasons, Reason("quality.none_accepted"))
    return Verdict.REVIEW, (Reason("quality.none"), *reasons)


@dataclass(frozen=True, slots=True)
class _Measure:
    """What decides, similarity or probability, with its thresholds; value None: there is none."""

    name: Policy
    value: float | None
    low: float
    high: float

    @classmethod
    def of(cls, similarity: float, probability: float | None, scenario: Scenario) -> _Measure:
        if scenario.policy is Policy.PROBABILITY:
            low, high = scenario.different_probability_below, scenario.same_probability_above
            return cls(scenario.policy, probability, low, high)
        return cls(scenario.policy, similarity, scenario.different_below, scenario.same_above)

    @property
    def above(self) -> bool:
        return self.value is not None and self.value > self.high

    def reached(self) -> Reason:
        return self._reason("above", threshold=self.high)

    def not_above(self) -> tuple[Verdict, tuple[Reason, ...]]:
        if self.value is None:
            return Verdict.REVIEW, (Reason("probability.none"),)
        if self.value < self.low:
            return Verdict.DIFFERENT, (self._reason("below", threshold=self.low),)
        return Verdict.REVIEW, (self._reason("between", low=self.low, high=self.high),)

    def _reason(self, where: str, **thresholds: float) -> Reason:
        value = {} if self.value is None else {self.name.value: self.value}
        return Reason(f"{self.name.value}.{where}", {**value, **thresholds})


def _decide_above(
    measure: _Measure, scores: dict[str, float], poor: dict[str, float], scenario: Scenario
) -> tuple[Verdict, tuple[Reason, ...]]:
    needed = scenario.same_needs_score_above
    if needed is not None and not scenario.similarity_alone:
        lacking = {side: score for side, score in scores.items() if not score > needed}
        if lacking:
            reasons = _quality_reasons("insufficient", lacking, needed)
            return Verdict.RECAPTURE, (*reasons, measure.reached())
    what = "poor_counted" if scenario.policy is Policy.PROBABILITY else "poor_accepted"
    accepted = _quality_reasons(what, poor, scenario.recapture_below)
    return Verdict.SAME, (measure.reached(), *accepted)


def _against(verdict: Verdict, probability: float | None, scenario: Scenario) -> tuple[Reason, ...]:
    if probability is None or scenario.policy is Policy.PROBABILITY:
        return ()
    values: dict[str, float | str] = {"probability": probability, "prior": scenario.same_prior}
    if verdict is Verdict.DIFFERENT and probability > _EVEN:
        return (Reason("probability.likelier_same", values),)
    if verdict is Verdict.SAME and probability < _EVEN:
        return (Reason("probability.likelier_different", values),)
    return ()


def _quality_reasons(what: str, sides: dict[str, float], threshold: float) -> tuple[Reason, ...]:
    return tuple(
        Reason(f"quality.{what}_{side}", {"score": score, "threshold": threshold})
        for side, score in sides.items()
    )
