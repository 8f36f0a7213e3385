"""Own pictures: what is needed, how far the work has come, the report, and how to save it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ood_face.errors import ConfigError, ImageDecodeError, InputError
from webui.markup import Html, tag
from webui.outcomes import Problem
from webui.views.parts import card, error_card, error_text
from webui.views.trust_operating import one_in, usable_rates
from webui.views.trust_report import report_view
from webui.views.verdict import scenario_title

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ood_face.calibration.own_report_values import OwnReport
    from ood_face.errors import OodFaceError
    from webui.catalogue import Texts
    from webui.trust_own_outcomes import OwnOutcome
    from webui.trust_own_work import OwnPlan

__all__ = ["own_said", "own_view"]

_PERCENT = 100


def own_view(
    outcome: OwnOutcome | None, scenarios: Iterable[str], saving: bool, texts: Texts
) -> Html:
    """Return what stands below the picker.

    Parameters
    ----------
    scenarios : whose quality gates can be applied
    saving : the server can save scenarios
    """
    parts: list[Html] = []
    reported = outcome is not None and outcome.result is not None and not outcome.job_id
    if outcome is not None and outcome.error is not None and not (reported and saving):
        parts.append(_problem(outcome.error, texts))
    if outcome is None:
        parts.append(_needed(texts))
    elif outcome.job_id:
        parts.append(_working(outcome, texts))
    elif outcome.result is not None:
        parts.append(report_view(outcome.result, texts))
        if saving:
            parts.append(_saving(outcome, outcome.result.report, texts))
    elif outcome.plan is not None:
        parts.append(_planned(outcome, outcome.plan, scenarios, texts))
    elif outcome.error is None:
        parts.append(_needed(texts))
    return tag("div", *parts, class_="trust-list")


def own_said(outcome: OwnOutcome | None, texts: Texts) -> Html:
    """Return what was reached last, for people who do not see the page as well."""
    if outcome is None:
        return Html()
    if outcome.saved:
        sentence = texts("own.saved", name=outcome.saved)
    elif outcome.cancelled:
        sentence = texts("own.cancelled")
    elif outcome.result is not None:
        sentence = texts("own.ready")
    else:
        return Html()
    return tag("p", tag("span", sentence), class_="review-said")


def _problem(error: OodFaceError, texts: Texts) -> Html:
    if isinstance(error, InputError | ConfigError) and not isinstance(error, ImageDecodeError):
        # its sentence says what to do
        return card("error", texts("error.title"), tag("p", error_text(error, texts)))
    return error_card(Problem(error), texts)


def _needed(texts: Texts) -> Html:
    points = [tag("li", texts(f"own.need_{name}")) for name in ("folders", "people", "private")]
    return card("waiting", texts("own.need_title"), tag("ul", *points, class_="own-needs"))


def _planned(outcome: OwnOutcome, plan: OwnPlan, scenarios: Iterable[str], texts: Texts) -> Html:
    lines = [texts("own.plan", people=f"{plan.people:,}", pictures=f"{plan.pictures:,}")]
    if plan.alone:
        lines.append(texts("own.plan_alone", count=plan.alone))
    if plan.loose:
        lines.append(texts("own.plan_loose", count=plan.loose))
    options = [
        tag("option", scenario_title(name, texts), value=name, selected=name == outcome.scenario)
        for name in scenarios
    ]
    choice = tag(
        "label",
        tag("span", texts("own.scenario")),
        tag("select", *options, data_filter="scenario"),
        class_="own-field",
    )
    button = tag(
        "button",
        texts("own.measure"),
        type="button",
        class_="trust-button trust-primary",
        data_do="measure",
    )
    return tag("div", *[tag("p", line) for line in lines], choice, button, class_="own-plan")


def _working(outcome: OwnOutcome, texts: Texts) -> Html:
    step = outcome.step
    if outcome.ahead:
        sentence = texts("own.ahead", count=outcome.ahead)
    elif step is None or not step.total:
        sentence = texts("own.starting")
    elif step.what:
        sentence = texts(
            "own.reading", done=f"{step.done + 1:,}", total=f"{step.total:,}", name=step.what
        )
    else:
        sentence = texts("own.figures")
    share = 0 if step is None or not step.total else round(_PERCENT * step.done / step.total)
    bar = tag(
        "div",
        tag("div", class_="gauge-fill", style=f"width:{share}%"),
        class_="gauge-bar",
        role="progressbar",
        aria_label=texts("own.working"),
        aria_valuenow=share,
        aria_valuemin=0,
        aria_valuemax=_PERCENT,
    )
    cancel = tag(
        "button", texts("own.cancel"), type="button", class_="trust-button", data_do="cancel"
    )
    title = tag("h3", texts("own.working"))
    return tag("div", title, tag("p", sentence), bar, cancel, class_="own-plan")


def _saving(outcome: OwnOutcome, report: OwnReport, texts: Texts) -> Html:
    form = outcome.form
    rates = usable_rates(report)
    options = [("", texts("own.keep_threshold"))]
    options += [(f"{rate:g}", one_in(rate, texts)) for rate in rates]
    chosen = "" if form.fmr is None else f"{form.fmr:g}"
    made = [tag("option", title, value=value, selected=value == chosen) for value, title in options]
    can_calibrate = not isinstance(report.reliability, InputError)
    name = tag(
        "input",
        type="text",
        value=form.name,
        data_filter="name",
        maxlength=64,
        autocomplete="off",
        spellcheck="false",
    )
    calibrate = tag(
        "label",
        tag(
            "input",
            type="checkbox",
            data_filter="calibrate",
            checked=form.calibrate and can_calibrate,
            disabled=not can_calibrate,
        ),
        tag("span", texts("own.calibrate" if can_calibrate else "own.cannot_calibrate")),
        class_="own-check",
    )
    button = tag(
        "button",
        texts("own.save"),
        type="button",
        class_="trust-button trust-primary",
        data_do="save",
    )
    return tag(
        "section",
        tag("h3", texts("own.save_title")),
        tag("p", texts("own.save_help")),
        tag("label", tag("span", texts("own.name")), name, class_="own-field"),
        tag(
            "label",
            tag("span", texts("own.target")),
            tag("select", *made, data_filter="fmr"),
            class_="own-field",
        ),
        calibrate,
        button,
        _came_of_saving(outcome, texts),
        class_="own-plan",
    )


def _came_of_saving(outcome: OwnOutcome, texts: Texts) -> Html:
    # at the button: the report above it is several screens long
    if outcome.error is not None:
        return _problem(outcome.error, texts)
    if not outcome.saved:
        return Html()
    return tag("p", tag("span", texts("own.saved", name=outcome.saved)), class_="review-said")
