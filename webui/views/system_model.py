"""The model in plain words: what it was tested on, how often it is right, and what it cannot do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ood_face.errors import OodFaceError
from webui.markup import Html, join, tag
from webui.views.parts import error_text, rows

if TYPE_CHECKING:
    from ood_face.bootstrap import ModelCard, TestedPairs
    from webui.catalogue import Texts

__all__ = ["model_card"]

_MB = 1e6


def model_card(model: ModelCard | OodFaceError, texts: Texts) -> Html:
    """Return the model's card, or why it cannot be read."""
    title = tag("h2", texts("system.model"))
    if isinstance(model, OodFaceError):
        body = tag("p", error_text(model, texts), class_="problem")
    else:
        body = _card(model, texts)
    return tag("section", title, body, class_="panel panel-model")


def _card(model: ModelCard, texts: Texts) -> Html:
    if model.tested:
        figures = tag("ul", *[_tested(one, texts) for one in model.tested], class_="tested")
    else:
        figures = tag("p", texts("system.no_report"), class_="soft")
    limits = [tag("li", texts(f"system.limit_{name}")) for name in ("live", "groups", "side")]
    fold = tag("details", tag("summary", texts("compare.details")), rows(_facts(model, texts)))
    return join(
        tag("p", tag("code", model.model_id)),
        figures,
        tag("h3", texts("system.limits")),
        tag("ul", *limits, class_="limits"),
        fold,
    )


def _tested(one: TestedPairs, texts: Texts) -> Html:
    key = f"system.set_{one.name}"
    name = texts(key) if key in texts else one.name
    low, high = (_percent(end) for end in one.accuracy_interval)
    right = texts(
        "system.accuracy",
        share=_percent(one.accuracy),
        low=low,
        high=high,
        pairs=f"{one.pairs:,}",
        people=one.people,
    )
    parts = [tag("b", name), tag("span", right)]
    if one.threshold is not None:
        rates = texts(
            "system.rates",
            threshold=f"{one.threshold:g}",
            wrong=_percent(one.false_match_rate),
            most=_percent(one.false_match_interval[1]),
            missed=_percent(one.false_non_match_rate),
        )
        parts.append(tag("span", rates))
    return tag("li", *parts)


def _facts(model: ModelCard, texts: Texts) -> list[tuple[str, str]]:
    unknown = texts("system.unknown")
    error = model.calibration_error
    size = unknown
    if model.weights_bytes is not None:
        size = texts("system.megabytes", size=f"{model.weights_bytes / _MB:.1f}")
    checks = texts("system.checks_met", met=model.checks_met, all=model.checks)
    return [
        (texts("system.source"), model.source or unknown),
        (texts("system.license"), model.license or unknown),
        (texts("system.trained"), _count(model.trained_pictures, texts)),
        (texts("system.parameters"), _count(model.parameters, texts)),
        (texts("system.size"), size),
        (texts("system.score_error"), unknown if error is None else f"{error:.3f}"),
        (texts("system.checks"), checks if model.checks else unknown),
    ]


def _count(number: int | None, texts: Texts) -> str:
    return texts("system.unknown") if number is None else f"{number:,}"


def _percent(share: float) -> str:
    return f"{100 * share:.2f} %" if share < 0.01 else f"{100 * share:.1f} %"
