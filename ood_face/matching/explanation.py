"""The uncertainty of a decision, taken apart: pure functions of what was decided."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ood_face.matching.spread import entropy_bits
from ood_face.types import (
    Explanation,
    IdentifyVerdict,
    QualityLevel,
    Reason,
    UncertaintyLevel,
    UncertaintyPart,
    UncertaintySource,
)

if TYPE_CHECKING:
    from ood_face.types import (
        Comparison,
        FaceTemplate,
        Identification,
        ModelSpread,
        Scenario,
        Verification,
    )

__all__ = ["explain_comparison", "explain_identification", "explain_verification"]

# Widths of a range of P(same). At 0.1 the first decimal is in doubt: 0.90 may be 0.85 or 0.95. At
# 0.3 the answer is: 0.65 may be 0.50, a coin toss, or 0.80.
_MODERATE_WIDTH = 0.1
_HIGH_WIDTH = 0.3
# a normal distribution has 95 % within so many standard deviations
_Z = 1.96
# thresholds that lie closer than this say little of what makes a difference
_LEAST_BAND = 0.1
# amounts from which a source's level is moderate, and high: scores below 0.6 are `fair` and below
# 0.4 `poor`; a margin of twice what is needed, and of just that
_FROM = {
    UncertaintySource.PICTURE: (0.4, 0.6),
    UncertaintySource.MODEL: (_MODERATE_WIDTH, _HIGH_WIDTH),
    UncertaintySource.GALLERY: (1 / 3, 0.5),
    UncertaintySource.CALIBRATION: (_MODERATE_WIDTH, _HIGH_WIDTH),
}
_OF_QUALITY = {
    QualityLevel.EXCELLENT: UncertaintyLevel.LOW,
    QualityLevel.GOOD: UncertaintyLevel.LOW,
    QualityLevel.FAIR: UncertaintyLevel.MODERATE,
    QualityLevel.POOR: UncertaintyLevel.HIGH,
}
_RANK = (UncertaintyLevel.UNKNOWN, UncertaintyLevel.MODERATE, UncertaintyLevel.HIGH)


def explain_comparison(found: Comparison, model: ModelSpread | None = None) -> Explanation:
    """Take the uncertainty of a comparison apart.

    Parameters
    ----------
    found : what was decided
    model : what the passes of dropout gave; None: none were run

    Returns
    -------
    explanation : exchanging the faces exchanges ``_a`` and ``_b`` in its reasons, nothing else
    """
    sides = {"a": found.template_a, "b": found.template_b}
    scores = {side: template.ood_score for side, template in sides.items()}
    variances = {side: template.rts_variance for side, template in sides.items()}
    parts = [
        _picture(scores, variances),
        *_model(model, found.scenario),
        _calibration(found.probability, found.probability_interval),
    ]
    return _explanation(found.probability, parts, model, found.scenario)


def explain_identification(found: Identification, model: ModelSpread | None = None) -> Explanation:
    """Take the uncertainty of a search apart; see :func:`explain_comparison`.

    Where nobody is enrolled, there is no P(same), and no calibration has a part in it.
    """
    first = found.candidates[0] if found.candidates else None
    if first is None:
        parts = [_picture_alone(found.probe), _gallery(found)]
        return _explanation(None, parts, None, found.scenario)
    parts = [
        _picture_enrolled(found.probe, first.ood_score),
        *_model(model, found.scenario),
        _gallery(found),
        _calibration(first.probability, first.probability_interval),
    ]
    return _explanation(first.probability, parts, model, found.scenario)


def explain_verification(found: Verification, model: ModelSpread | None = None) -> Explanation:
    """Take the uncertainty of a verification apart; see :func:`explain_comparison`."""
    candidate = found.candidate
    parts = [
        _picture_enrolled(found.probe, candidate.ood_score),
        *_model(model, found.scenario),
        _calibration(candidate.probability, candidate.probability_interval),
    ]
    return _explanation(candidate.probability, parts, model, found.scenario)


def _explanation(
    probability: float | None,
    parts: list[UncertaintyPart],
    model: ModelSpread | None,
    scenario: Scenario,
) -> Explanation:
    if probability is None:
        error, bits = None, None
    else:
        error, bits = min(probability, 1 - probability), float(entropy_bits(probability))
    ranked = [part for part in parts if part.level in _RANK]
    # of two that are alike, the earlier source
    limits = _FROM | {UncertaintySource.MODEL: _model_from(model, scenario)}
    main = (
        max(ranked, key=lambda part: _weight(part, limits[part.source][1])).source
        if ranked
        else None
    )
    return Explanation(error, bits, tuple(parts), main, model)


def _weight(part: UncertaintyPart, high_from: float) -> tuple[int, float]:
    amount = 0.0 if part.amount is None else part.amount / high_from
    return _RANK.index(part.level), amount


def _part(
    source: UncertaintySource, level: UncertaintyLevel, amount: float | None, reason: Reason
) -> UncertaintyPart:
    # rounding may leave 0..1 by the last digit
    kept = None if amount is None else min(1.0, max(0.0, amount))
    return UncertaintyPart(source, level, kept, reason)


def _picture_enrolled(probe: FaceTemplate, enrolled: float | None) -> UncertaintyPart:
    return _picture(
        {"probe": probe.ood_score, "template": enrolled},
        {"probe": probe.rts_variance, "template": None},
    )


def _picture_alone(probe: FaceTemplate) -> UncertaintyPart:
    if probe.ood_score is None:
        return _picture({"probe": None}, {})
    level = _OF_QUALITY[QualityLevel.of(probe.ood_score)]
    reason = Reason(f"explanation.picture_{level}_alone", {"score": probe.ood_score})
    return _part(UncertaintySource.PICTURE, level, 1 - probe.ood_score, reason)


def _picture(
    scores: dict[str, float | None], variances: dict[str, float | None]
) -> UncertaintyPart:
    known = {side: score for side, score in scores.items() if score is not None}
    if len(known) < len(scores):
        reason = Reason("explanation.picture_unknown")
        return _part(UncertaintySource.PICTURE, UncertaintyLevel.UNKNOWN, None, reason)
    (worse, score), (_, other) = sorted(known.items(), key=lambda item: item[1])
    level = _OF_QUALITY[QualityLevel.of(score)]
    which = worse if level is not _OF_QUALITY[QualityLevel.of(other)] else "both"
    values: dict[str, float | str] = {"score": score, "other": other}
    variance = variances[worse]
    # of two that are alike, none is the worse
    if score < other and variance is not None:
        values["rts_variance"] = variance
    ending = "low" if level is UncertaintyLevel.LOW else f"{level}_{which}"
    reason = Reason(f"explanation.picture_{ending}", values)
    return _part(UncertaintySource.PICTURE, level, 1 - score, reason)


def _model_from(model: ModelSpread | None, scenario: Scenario) -> tuple[float, float]:
    if model is None or model.probability_range is not None:
        return _FROM[UncertaintySource.MODEL]
    # without P(same): whether the similarity may be on the other side of the doubtful band
    band = max(scenario.same_above - scenario.different_below, _LEAST_BAND)
    return band * _MODERATE_WIDTH / _HIGH_WIDTH, band


def _model(model: ModelSpread | None, scenario: Scenario) -> list[UncertaintyPart]:
    if model is None:
        return []
    values: dict[str, float | str] = {"passes": model.passes}
    limits = _model_from(model, scenario)
    if model.probability_range is not None:
        low, high = model.probability_range
        amount = high - low
        level = _of_width(amount, limits)
        reason = Reason(f"explanation.model_{level}", {**values, "low": low, "high": high})
    else:
        amount = 2 * _Z * model.similarity_spread
        level = _of_width(amount, limits)
        values["reach"] = amount / 2
        reason = Reason(f"explanation.model_{level}_similarity", values)
    return [_part(UncertaintySource.MODEL, level, amount, reason)]


def _gallery(found: Identification) -> UncertaintyPart:
    source, margin = UncertaintySource.GALLERY, found.margin
    needed = found.scenario.identify_needs_margin_above
    if not found.candidates:
        return _part(source, UncertaintyLevel.LOW, 0.0, Reason("explanation.gallery_empty"))
    if found.verdict is IdentifyVerdict.UNKNOWN:
        # strangers are about as like one as another
        return _part(source, UncertaintyLevel.LOW, 0.0, Reason("explanation.gallery_stranger"))
    if margin is None:
        return _part(source, UncertaintyLevel.LOW, 0.0, Reason("explanation.gallery_alone"))
    amount = 1.0 if margin <= 0 else needed / (needed + margin)
    # the margins as the decision compares them: a share may round to the other side
    if not margin > needed:
        level = UncertaintyLevel.HIGH
    else:
        level = UncertaintyLevel.LOW if margin > 2 * needed else UncertaintyLevel.MODERATE
    reason = Reason(f"explanation.gallery_{level}", {"margin": margin, "threshold": needed})
    return _part(source, level, amount, reason)


def _calibration(
    probability: float | None, interval: tuple[float, float] | None
) -> UncertaintyPart:
    source = UncertaintySource.CALIBRATION
    if probability is None or interval is None:
        what = "none" if probability is None else "no_interval"
        reason = Reason(f"explanation.calibration_{what}")
        return _part(source, UncertaintyLevel.UNKNOWN, None, reason)
    low, high = interval
    level = _of_width(high - low, _FROM[source])
    reason = Reason(f"explanation.calibration_{level}", {"low": low, "high": high})
    return _part(source, level, high - low, reason)


def _of_width(width: float, limits: tuple[float, float]) -> UncertaintyLevel:
    moderate, high = limits
    if width >= high:
        return UncertaintyLevel.HIGH
    return UncertaintyLevel.MODERATE if width >= moderate else UncertaintyLevel.LOW
