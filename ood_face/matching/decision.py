"""The decision policy: pure functions of a similarity, two scores and a scenario."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from ood_face.errors import InputError
from ood_face.types import Comparison, Reason, Verdict

if TYPE_CHECKING:
    from ood_face.types import FaceTemplate, Scenario

__all__ = ["compare_templates", "decide"]


def compare_templates(
    template_a: FaceTemplate,
    template_b: FaceTemplate,
    scenario: Scenario,
    counts: tuple[int, int] = (1, 1),
) -> Comparison:
    """Compare two faces under a scenario.

    Parameters
    ----------
    template_a, template_b : the faces
    scenario : the thresholds
    counts : how many faces each picture showed; more than one is said in the reasons

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
    verdict, reasons = decide(similarity, template_a.ood_score, template_b.ood_score, scenario)
    largest = tuple(
        Reason(f"faces.largest_{side}", {"count": count})
        for side, count in zip("ab", counts, strict=True)
        if count > 1
    )
    return Comparison(
        similarity=similarity,
        template_a=template_a,
        template_b=template_b,
        verdict=verdict,
        reasons=reasons + largest,
        scenario=scenario,
    )


def decide(
    similarity: float,
    ood_score_a: float | None,
    ood_score_b: float | None,
    scenario: Scenario,
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

    Parameters
    ----------
    similarity : cosine of the two features
    ood_score_a, ood_score_b : how far each face can be trusted, 0..1; None: nobody knows
    scenario : the thresholds; with ``similarity_alone``, ``same_needs_score_above`` has no effect

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
    above = similarity > scenario.same_above
    poor = {side: score for side, score in scores.items() if score < scenario.recapture_below}

    if poor and not (above and scenario.similarity_alone):
        return Verdict.RECAPTURE, _quality_reasons("poor", poor, scenario.recapture_below)
    if above:
        verdict, reasons = _decide_above(similarity, scores, poor, scenario)
    else:
        verdict, reasons = _decide_not_above(similarity, scenario)
    if len(scores) == len(given) or verdict is Verdict.RECAPTURE:
        return verdict, reasons
    no_rule = verdict is Verdict.DIFFERENT and scenario.recapture_below <= 0
    if no_rule or (above and scenario.similarity_alone):
        return verdict, (*reasons, Reason("quality.none_accepted"))
    return Verdict.REVIEW, (Reason("quality.none"), *reasons)


def _decide_above(
    similarity: float, scores: dict[str, float], poor: dict[str, float], scenario: Scenario
) -> tuple[Verdict, tuple[Reason, ...]]:
    reached = Reason(
        "similarity.above", {"similarity": similarity, "threshold": scenario.same_above}
    )
    needed = scenario.same_needs_score_above
    if needed is not None and not scenario.similarity_alone:
        lacking = {side: score for side, score in scores.items() if not score > needed}
        if lacking:
            reasons = _quality_reasons("insufficient", lacking, needed)
            return Verdict.RECAPTURE, (*reasons, reached)
    accepted = _quality_reasons("poor_accepted", poor, scenario.recapture_below)
    return Verdict.SAME, (reached, *accepted)


def _decide_not_above(similarity: float, scenario: Scenario) -> tuple[Verdict, tuple[Reason, ...]]:
    low, high = scenario.different_below, scenario.same_above
    if similarity < low:
        below = Reason("similarity.below", {"similarity": similarity, "threshold": low})
        return Verdict.DIFFERENT, (below,)
    between = Reason("similarity.between", {"similarity": similarity, "low": low, "high": high})
    return Verdict.REVIEW, (between,)


def _quality_reasons(what: str, sides: dict[str, float], threshold: float) -> tuple[Reason, ...]:
    return tuple(
        Reason(f"quality.{what}_{side}", {"score": score, "threshold": threshold})
        for side, score in sides.items()
    )
