"""A number on its scale, with the thresholds that divide it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ood_face.types import Policy
from webui.markup import Html, tag

if TYPE_CHECKING:
    from collections.abc import Callable

    from ood_face.types import Scenario
    from webui.catalogue import Texts

__all__ = ["Scale", "different_below", "same_above", "scale_view", "short_number"]

# a zone narrower than this has no room for a word
_NARROW_PERCENT = 16
# and one narrower than this none for a sign
_SLIVER_PERCENT = 4
# a label this close to an end stands on the other side of its mark
_NEAR_END_PERCENT = 12


@dataclass(frozen=True, slots=True)
class Scale:
    """What a scale shows.

    Attributes
    ----------
    value : where the needle stands
    shown : the same as it is written above the needle
    low, high : the ends; a value beyond them stands at the end
    different_below, same_above : the two thresholds; None: nothing is decided by this number
    band : the range in which the value may lie; None: not known
    written : makes the number of a tick readable
    spoken : the whole in one sentence, for those who do not see it
    """

    value: float
    shown: str
    low: float
    high: float
    different_below: float | None
    same_above: float | None
    band: tuple[float, float] | None
    written: Callable[[float], str]
    spoken: str

    def place(self, value: float) -> float:
        """Return how far a value lies from the left end, percent."""
        inside = min(max(value, self.low), self.high)
        return round(100 * (inside - self.low) / (self.high - self.low), 2)


def scale_view(scale: Scale, texts: Texts) -> Html:
    """Return the scale: zones, needle, ticks; the colours of the zones are said in words."""
    at = scale.place(scale.value)
    side = "end" if at > 100 - _NEAR_END_PERCENT else "start" if at < _NEAR_END_PERCENT else "mid"
    value = tag("b", scale.shown, class_=f"at-{side}")
    needle = tag("div", value, class_="needle", style=f"left:{at}%")
    return tag(
        "div",
        tag("div", _band(scale), needle, *_zones(scale, texts), class_="scale-track"),
        tag("div", *_ticks(scale), class_="scale-ticks"),
        class_="scale",
        role="img",
        aria_label=scale.spoken,
    )


def short_number(value: float) -> str:
    """Return a similarity as short as it can be read: at most three places."""
    return f"{round(value, 3):g}"


def same_above(scenario: Scenario) -> str:
    """Return what "same" needs: a similarity, or a probability where that decides."""
    if scenario.policy is Policy.PROBABILITY:
        return _share(scenario.same_probability_above)
    return short_number(scenario.same_above)


def different_below(scenario: Scenario) -> str:
    """Return what "different" needs: a similarity, or a probability where that decides."""
    if scenario.policy is Policy.PROBABILITY:
        return _share(scenario.different_probability_below)
    return short_number(scenario.different_below)


def _share(share: float) -> str:
    return f"{100 * share:g} %"


def _band(scale: Scale) -> Html:
    if scale.band is None:
        return Html()
    left, right = (scale.place(end) for end in scale.band)
    # the narrowest is drawn 6 pixels wide
    return tag(
        "div", class_="band", style=f"left:min({left}%,calc(100% - 6px));width:{right - left:.2f}%"
    )


def _zones(scale: Scale, texts: Texts) -> list[Html]:
    if scale.different_below is None or scale.same_above is None:
        return [tag("div", class_="zone zone-plain", style="left:0%;width:100%")]
    low, high = scale.place(scale.different_below), scale.place(scale.same_above)
    ends = (("different", 0.0, low), ("review", low, high), ("same", high, 100.0))
    return [_zone(name, left, right, texts) for name, left, right in ends]


def _zone(name: str, left: float, right: float, texts: Texts) -> Html:
    width = right - left
    if width < _SLIVER_PERCENT:
        label = Html()
    elif width < _NARROW_PERCENT:
        label = tag("span", texts(f"similarity.short_{name}"))
    else:
        label = tag("span", texts(f"similarity.zone_{name}"))
    place = f"left:{left}%;width:{width:.2f}%"
    return tag("div", label, class_=f"zone zone-{name}", style=place)


def _ticks(scale: Scale) -> list[Html]:
    if scale.different_below is None or scale.same_above is None:
        return [_tick(scale, "start", scale.low), _tick(scale, "end", scale.high)]
    low, high = scale.different_below, scale.same_above
    near_start = scale.place(low) < _NEAR_END_PERCENT
    near_end = scale.place(high) > 100 - _NEAR_END_PERCENT
    # close to an end there is room for one number: the threshold, inside the scale
    return [
        Html() if near_start else _tick(scale, "start", scale.low),
        _tick(scale, "start" if near_start else "low", low),
        _tick(scale, "end" if near_end else "high", high),
        Html() if near_end else _tick(scale, "end", scale.high),
    ]


def _tick(scale: Scale, name: str, number: float) -> Html:
    return tag(
        "span",
        scale.written(number),
        class_=f"tick tick-{name}",
        style=f"left:{scale.place(number)}%",
    )
