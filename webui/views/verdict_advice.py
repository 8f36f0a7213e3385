"""What to do after a verdict: nothing, ask a person, or retake a picture, and how."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ood_face.types import Verdict
from webui.markup import Html, tag

if TYPE_CHECKING:
    from webui.catalogue import Texts
    from webui.outcomes import CompareOutcome

__all__ = ["advice"]

_SIDES = ("first", "second")
# the reasons that ask for another picture end in the side it is about
_RETAKE = ("quality.poor_", "quality.insufficient_")


def advice(outcome: CompareOutcome, texts: Texts) -> Html:
    """Return what to do; of a picture to retake, which one, what is wrong, and how."""
    comparison = outcome.comparison
    if comparison is None:
        return Html()
    if comparison.verdict is not Verdict.RECAPTURE:
        return _box(texts, tag("p", texts(f"compare.advice_{comparison.verdict}")))
    asked = {
        side
        for reason in comparison.reasons
        for side, letter in zip(_SIDES, "ab", strict=True)
        if reason.key.startswith(_RETAKE) and reason.key.endswith(f"_{letter}")
    }
    lines = [
        _retake(side, [fault.value for fault in faults], texts)
        for side, faults in zip(_SIDES, outcome.faults, strict=True)
        if side in asked
    ]
    return _box(texts, *lines)


def _retake(side: str, faults: list[str], texts: Texts) -> Html:
    found = faults or ["unlike"]
    steps = [
        tag("li", tag("b", texts(f"fault.what_{fault}")), " ", texts(f"fault.do_{fault}"))
        for fault in found
    ]
    return tag("div", tag("p", texts(f"compare.retake_{side}")), tag("ul", *steps))


def _box(texts: Texts, *lines: Html) -> Html:
    title = tag("strong", texts("compare.advice"))
    return tag("div", title, *lines, class_="advice")
