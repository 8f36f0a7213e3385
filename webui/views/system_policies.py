"""Scenarios and calibrations in force, for people to read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ood_face.types import MODEL_CALIBRATION
from webui.markup import Html, join, tag
from webui.views.verdict import scenario_title
from webui.views.verdict_doubt import calibration_name
from webui.views.verdict_scale import different_below, same_above

if TYPE_CHECKING:
    from ood_face.service import Policies
    from ood_face.types import CalibrationFacts, Scenario
    from webui.catalogue import Texts

__all__ = ["policies_view"]

_COLUMNS = ("scenario", "same", "different", "retake", "needed", "calibration")


def policies_view(policies: Policies, texts: Texts) -> Html:
    """Return the thresholds of every scenario, and where the probabilities come from."""
    head = [tag("th", texts(f"system.column_{name}"), scope="col") for name in _COLUMNS]
    body = [_row(policies, scenario, texts) for scenario in policies.scenarios.values()]
    label = texts("system.scenarios")
    table = tag("table", tag("thead", tag("tr", *head)), tag("tbody", *body), class_="faces")
    scroll = tag("div", table, class_="scroll", tabindex=0, role="region", aria_label=label)
    facts = [tag("li", _facts(one, texts)) for one in policies.facts]
    since = texts("system.since", at=f"{policies.loaded_at:%Y-%m-%d %H:%M} UTC")
    return tag(
        "section",
        tag("h2", label),
        scroll,
        tag("h3", texts("system.calibrations")) if facts else Html(),
        tag("ul", *facts, class_="limits") if facts else Html(),
        tag("p", tag("small", since), class_="soft"),
        class_="panel panel-scenarios",
    )


def _row(policies: Policies, scenario: Scenario, texts: Texts) -> Html:
    applied = policies.applied(scenario.name)
    needed = scenario.same_needs_score_above
    cells = (
        same_above(scenario),
        different_below(scenario),
        f"{100 * scenario.recapture_below:g}",
        texts("details.none") if needed is None else f"{100 * needed:g}",
        calibration_name(applied.calibration, texts),
    )
    name = tag("th", scenario_title(scenario.name, texts), scope="row")
    return tag("tr", name, *[tag("td", cell) for cell in cells])


def _facts(facts: CalibrationFacts, texts: Texts) -> Html:
    named = MODEL_CALIBRATION if facts.name == MODEL_CALIBRATION else facts.name
    parts = [tag("b", calibration_name(named, texts))]
    if facts.error_after is not None:
        parts.append(tag("span", texts("system.error_after", error=f"{facts.error_after:.3f}")))
    people = facts.counts.get("people")
    if people is not None:
        parts.append(tag("span", texts("system.fitted_on", people=f"{people:,}")))
    if facts.made is not None:
        parts.append(tag("span", texts("system.made", at=facts.made[:10])))
    return join(*[child for part in parts for child in (part, " ")])
