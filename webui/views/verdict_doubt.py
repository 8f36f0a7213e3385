"""How sure a verdict is: the probability, and where the doubt comes from, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ood_face.messages import reason_sentence
from ood_face.types import MODEL_CALIBRATION, Policy, Verdict
from webui.markup import Html, join, tag
from webui.views.verdict_scale import Scale, scale_view

if TYPE_CHECKING:
    from ood_face.types import Comparison, Explanation, UncertaintyPart
    from webui.catalogue import Texts

__all__ = [
    "calibration_name",
    "doubt_fold",
    "doubt_line",
    "doubt_parts",
    "main_doubt",
    "percent",
    "probability_scale",
]

# nothing that was measured on some thousand pairs is surer than this
_SUREST = 0.999


def percent(share: float) -> str:
    """Return a probability as people read it: never 0 % and never 100 %."""
    if share > _SUREST:
        return f"> {100 * _SUREST:g} %"
    if share < 1 - _SUREST:
        return f"< {100 * (1 - _SUREST):.1g} %"
    return f"{100 * share:.1f} %" if not 0.1 <= share <= 0.9 else f"{100 * share:.0f} %"


def main_doubt(comparison: Comparison, texts: Texts) -> Html:
    """Return one line that names what stands most in the way of trust; empty: nobody knows."""
    if comparison.verdict is Verdict.RECAPTURE:
        # the reasons say already what is wrong with which picture
        return Html()
    return doubt_line(comparison.explanation, texts)


def doubt_line(found: Explanation | None, texts: Texts) -> Html:
    """Return what adds most to the doubt of a decision; empty: nobody worked it out."""
    if found is None:
        return Html()
    part = None if found.main is None else found.part(found.main)
    if part is None:
        sentence, level = texts("doubt.no_main"), "low"
    else:
        sentence, level = reason_sentence(part.reason, texts.language), part.level.value
    title = tag("strong", texts("doubt.main"))
    return tag("p", title, sentence, class_=f"doubt-main doubt-{level}")


def doubt_fold(comparison: Comparison, texts: Texts) -> Html:
    """Return what opens on "How sure is this?": the probability and all parts of the doubt."""
    parts = [_probability(comparison, texts)]
    if comparison.explanation is not None:
        parts += doubt_parts(comparison.explanation, texts)
    named = calibration_name(comparison.calibration, texts)
    parts.append(tag("p", tag("small", texts("doubt.calibration"), " ", named)))
    return tag("details", tag("summary", texts("doubt.fold")), *parts, class_="doubt")


def probability_scale(comparison: Comparison, texts: Texts) -> Html:
    """Return P(same) with its interval on a scale; with the thresholds where they decide."""
    probability = comparison.probability
    if probability is None:
        return Html()
    scenario = comparison.scenario
    decides = scenario.policy is Policy.PROBABILITY
    spoken = texts("doubt.spoken", value=percent(probability))
    scale = Scale(
        probability,
        percent(probability),
        0.0,
        1.0,
        scenario.different_probability_below if decides else None,
        scenario.same_probability_above if decides else None,
        comparison.probability_interval,
        lambda share: f"{100 * share:g} %",
        spoken,
    )
    muted = " similarity-muted" if comparison.verdict is Verdict.RECAPTURE else ""
    return tag(
        "div",
        tag("h3", texts("doubt.probability")),
        scale_view(scale, texts),
        tag("p", tag("small", *_notes(comparison, texts))),
        class_=f"similarity{muted}",
    )


def calibration_name(name: str | None, texts: Texts) -> str:
    """Return what makes the probabilities, in words."""
    if name is None:
        return texts("doubt.calibration_none")
    if name == MODEL_CALIBRATION:
        return texts("doubt.calibration_model")
    return texts("doubt.calibration_named", name=name)


def _notes(comparison: Comparison, texts: Texts) -> list[str]:
    notes = []
    if comparison.verdict is Verdict.RECAPTURE:
        notes.append(texts("similarity.untrusted"))
    if comparison.probability_interval is not None:
        low, high = (percent(end) for end in comparison.probability_interval)
        key = "doubt.interval_narrow" if low == high else "doubt.interval"
        notes.append(texts(key, low=low, high=high))
    notes.append(texts("doubt.prior", prior=f"{100 * comparison.scenario.same_prior:g} %"))
    return [text for note in notes for text in (note, " ")]


def _probability(comparison: Comparison, texts: Texts) -> Html:
    if comparison.probability is None:
        return tag("p", texts("doubt.no_probability"))
    found = comparison.explanation
    error = Html()
    if found is not None and found.probability_of_error is not None:
        error = tag("p", texts("doubt.error", value=percent(found.probability_of_error)))
    if comparison.scenario.policy is Policy.PROBABILITY:
        # its scale stands in the card already
        return error
    return join(probability_scale(comparison, texts), error)


def doubt_parts(found: Explanation, texts: Texts) -> list[Html]:
    """Return the parts of a decision's doubt, each in a sentence."""
    if not found.parts:
        return []
    items = [_part(part, texts) for part in found.parts]
    return [tag("h3", texts("doubt.parts")), tag("ul", *items, class_="doubt-parts")]


def _part(part: UncertaintyPart, texts: Texts) -> Html:
    head = tag(
        "span",
        tag("span", class_="swatch", aria_hidden="true"),
        tag("b", texts(f"doubt.source_{part.source.value}")),
        " · ",
        texts(f"doubt.level_{part.level.value}"),
        class_="doubt-head",
    )
    sentence = reason_sentence(part.reason, texts.language)
    return tag("li", head, tag("span", sentence), class_=f"doubt-{part.level.value}")
