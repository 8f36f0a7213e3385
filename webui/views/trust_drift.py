"""The drift watch: one sentence that says how things stand, then what is watched, one by one."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING

from ood_face.messages import verdict_name
from ood_face.monitoring.drift_status import CALIBRATION, VERDICTS
from ood_face.monitoring.drift_windows import DriftState
from webui.markup import Html, tag
from webui.outcomes import Problem
from webui.plots import Axis, bars
from webui.views.parts import card, error_card, rows
from webui.views.trust_figures import figure

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ood_face.errors import OodFaceError
    from ood_face.monitoring.drift_status import (
        DriftStatus,
        LabelStatus,
        SignalShape,
        SignalStatus,
        VerdictStatus,
    )
    from webui.catalogue import Texts

__all__ = ["DriftOutcome", "direction", "drift_view"]

# where the alarm level stands on a gauge, so that what is beyond it can be seen as well
_LIMIT_PERCENT = 66
# bins by which the middle must have moved before it is called lower or higher
_MOVED_BINS = 0.5


@dataclass(frozen=True, slots=True, eq=False)
class DriftOutcome:
    """How everything stands, or why that cannot be told.

    Attributes
    ----------
    shapes : how each kind of number is spread that has a reference, by its name
    """

    status: DriftStatus | None = None
    shapes: Mapping[str, SignalShape] = field(default_factory=dict)
    error: OodFaceError | None = None


def drift_view(outcome: DriftOutcome | None, texts: Texts) -> Html:
    """Return the panel."""
    if outcome is not None and outcome.error is not None:
        return error_card(Problem(outcome.error), texts)
    if outcome is None or outcome.status is None:
        return tag("p", texts("drift.loading"), class_="trust-note")
    status = outcome.status
    signals = [_signal(one, outcome.shapes.get(one.name), texts) for one in status.signals]
    foot = texts("drift.foot", model=status.model_id, at=_minute(status.at, texts))
    again = tag(
        "button", texts("drift.again"), type="button", class_="trust-button", data_do="show"
    )
    dropped = texts("drift.dropped", count=status.dropped) if status.dropped else ""
    return tag(
        "div",
        _summary(outcome, status, texts),
        tag("div", *signals, _labels(status.calibration, texts), _verdicts(status, texts),
            class_="drift-signals"),
        tag("p", foot, " ", dropped, " ", again, class_="drift-foot"),
        class_="trust-list",
    )  # fmt: skip


def direction(shape: SignalShape | None) -> str:
    """Return ``lower`` or ``higher``: where the window has moved; ``spread``: neither."""
    if shape is None or not sum(shape.window):
        return "spread"
    before, now = _middle(shape.reference), _middle(shape.window)
    if abs(now - before) < _MOVED_BINS:
        return "spread"
    return "lower" if now < before else "higher"


def _middle(counts: tuple[int, ...]) -> float:
    return sum(place * count for place, count in enumerate(counts)) / sum(counts)


def _summary(outcome: DriftOutcome, status: DriftStatus, texts: Texts) -> Html:
    if status.drifted:
        sentences = [tag("p", _drifted(name, outcome, texts)) for name in status.drifted]
        return card("error", texts("drift.title_drifted"), *sentences)
    if any(signal.state is DriftState.STABLE for signal in status.signals):
        taken = [signal.reference_taken_at for signal in status.signals]
        first = min((at for at in taken if at is not None), default=status.at)
        since = texts("drift.stable", at=_minute(first, texts))
        return card("same", texts("drift.title_stable"), tag("p", since))
    if any(signal.state is DriftState.FILLING for signal in status.signals):
        return card("waiting", texts("drift.title_filling"), tag("p", texts("drift.filling")))
    return card("waiting", texts("drift.title_learning"), tag("p", texts("drift.learning")))


def _drifted(name: str, outcome: DriftOutcome, texts: Texts) -> str:
    if name in (CALIBRATION, VERDICTS):
        return texts(f"drift.drifted_{name}")
    return texts(f"drift.moved_{name}_{direction(outcome.shapes.get(name))}")


def _signal(signal: SignalStatus, shape: SignalShape | None, texts: Texts) -> Html:
    title = texts(f"drift.signal_{signal.name}")
    if signal.state is DriftState.LEARNING:
        body = [_progress(signal.reference_count, signal.reference_needed, texts)]
    else:
        body = [_gauges(signal, texts), _facts(signal, texts)]
        if shape is not None and signal.window_count:
            body.append(_spread(signal, shape, title, texts))
    return _part(title, signal.state, texts(f"drift.about_{signal.name}"), body, texts)


def _part(title: str, state: DriftState, about: str, body: list[Html], texts: Texts) -> Html:
    pill = tag("span", texts(f"drift.state_{state.value}"), class_=f"pill pill-{state.value}")
    head = tag("div", tag("h3", title), pill, class_="drift-head")
    return tag("section", head, tag("p", about), *body, class_="drift-signal")


def _progress(done: int, needed: int, texts: Texts) -> Html:
    sentence = texts("drift.progress", done=f"{done:,}", needed=f"{needed:,}")
    share = min(100, round(100 * done / max(1, needed)))
    fill = tag("div", class_="gauge-fill", style=f"width:{share}%")
    bar = tag("div", fill, class_="gauge-bar", role="img", aria_label=sentence)
    return tag("div", tag("div", tag("span", sentence), class_="gauge-head"), bar, class_="gauge")


def _gauges(signal: SignalStatus, texts: Texts) -> Html:
    pairs = (
        (signal.window_count, (signal.psi, signal.psi_threshold), (signal.ks, signal.ks_threshold)),
        (
            signal.long_window_count,
            (signal.long_psi, signal.long_psi_threshold),
            (signal.long_ks, signal.long_ks_threshold),
        ),
    )
    made = []
    for count, *figures in pairs:
        shares = [v / limit for v, limit in figures if v is not None and limit is not None]
        if shares:
            made.append(_gauge(texts("drift.of_last", count=f"{count:,}"), max(shares), texts))
    if not made:
        return tag("p", texts("drift.window_filling", count=signal.window_count))
    return tag("div", *made, class_="gauges")


def _gauge(title: str, share: float, texts: Texts) -> Html:
    value = texts("drift.share_of_limit", percent=f"{100 * share:.0f}")
    place = min(100.0, _LIMIT_PERCENT * share)
    bar = tag(
        "div",
        tag("div", class_="gauge-fill", style=f"width:{place:.1f}%"),
        tag("div", class_="gauge-limit", style=f"left:{_LIMIT_PERCENT}%"),
        class_="gauge-bar",
        role="img",
        aria_label=f"{title}: {value}",
    )
    over = " gauge-over" if share >= 1 else ""
    head = tag("div", tag("span", title), tag("b", value), class_="gauge-head")
    return tag("div", head, bar, class_=f"gauge{over}")


def _facts(signal: SignalStatus, texts: Texts) -> Html:
    lines = [
        ("psi", signal.psi, signal.psi_threshold),
        ("ks", signal.ks, signal.ks_threshold),
        ("long_psi", signal.long_psi, signal.long_psi_threshold),
        ("long_ks", signal.long_ks, signal.long_ks_threshold),
    ]
    pairs = [
        (
            texts(f"drift.{name}"),
            texts("drift.of_alarm", value=f"{value:.3f}", limit=f"{limit:.3f}"),
        )
        for name, value, limit in lines
        if value is not None and limit is not None
    ]
    source = signal.reference_source
    taken = "" if signal.reference_taken_at is None else _minute(signal.reference_taken_at, texts)
    key = "drift.reference_first" if source == "first" else "drift.reference_named"
    told = texts(key, count=f"{signal.reference_count:,}", name=source or "", at=taken)
    pairs.append((texts("drift.reference"), told))
    return tag("details", tag("summary", texts("drift.numbers")), rows(pairs))


def _spread(signal: SignalStatus, shape: SignalShape, title: str, texts: Texts) -> Html:
    labels = _bin_names(shape.edges, texts)
    # what chance alone makes has no direction
    moved = direction(shape) if signal.state is DriftState.DRIFTED else "chance"
    before, now = (
        [count / sum(counts) for count in counts] for counts in (shape.reference, shape.window)
    )
    plot = bars(
        f"drift-{signal.name}",
        labels,
        {texts("drift.before"): before, texts("drift.now"): now},
        (Axis(title), Axis(texts("drift.share"), percent=True)),
        {"values": labels, "reference": shape.reference, "window": shape.window},
    )
    numbers = texts(
        f"drift.spread_{moved}",
        window=f"{sum(shape.window):,}",
        reference=f"{sum(shape.reference):,}",
    )
    return figure(plot, texts("drift.plot"), texts("drift.plot_help"), numbers, texts)


def _bin_names(edges: tuple[float, ...], texts: Texts) -> list[str]:
    if not edges:
        return [texts("drift.bin_all")]
    between = [f"{low:.2f}-{high:.2f}" for low, high in pairwise(edges)]
    first, last = f"{edges[0]:.2f}", f"{edges[-1]:.2f}"
    return [f"< {first}", *between, f"≥ {last}"]


def _labels(found: LabelStatus, texts: Texts) -> Html:
    error = found.expected_calibration_error
    if error is None:
        body = [_progress(found.items, found.needed, texts)]
    else:
        title = texts("drift.labelled", count=found.items)
        value = texts("drift.of_alarm", value=f"{error:.3f}", limit=f"{found.alert_above:.3f}")
        body = [_gauge(title, error / found.alert_above, texts),
                tag("p", texts("drift.ece", value=value))]  # fmt: skip
    title = texts("drift.signal_calibration")
    return _part(title, found.state, texts("drift.about_calibration"), body, texts)


def _verdicts(status: DriftStatus, texts: Texts) -> Html:
    found = status.verdict_drift
    title = texts("drift.signal_verdicts")
    body: list[Html] = []
    if found.state is DriftState.LEARNING:
        body.append(_progress(found.reference_count, found.reference_needed, texts))
    body += _verdict_gauges(found, texts)
    if status.verdicts:
        body.append(_verdict_plot(status, texts))
    return _part(title, found.state, texts("drift.about_verdicts"), body, texts)


def _verdict_gauges(found: VerdictStatus, texts: Texts) -> list[Html]:
    figures = ((found.psi, found.psi_threshold, "drift.verdicts_now"),
               (found.long_psi, found.long_psi_threshold, "drift.verdicts_long"))  # fmt: skip
    return [
        _gauge(texts(key), value / limit, texts)
        for value, limit, key in figures
        if value is not None and limit is not None
    ]


def _verdict_plot(status: DriftStatus, texts: Texts) -> Html:
    names = [verdict_name(verdict, texts.language) for verdict in status.verdicts]
    now = list(status.verdicts.values())
    before = [status.reference_verdicts.get(verdict, 0.0) for verdict in status.verdicts]
    plot = bars(
        "drift-verdicts",
        names,
        {texts("drift.before"): before, texts("drift.now"): now},
        (Axis(texts("drift.verdict")), Axis(texts("drift.share"), percent=True)),
        {"verdict": names, "reference_share": before, "window_share": now},
    )
    told = [
        texts("drift.verdict_share", name=name, now=f"{100 * a:.0f}", before=f"{100 * b:.0f}")
        for name, a, b in zip(names, now, before, strict=True)
    ]
    help_ = texts("drift.verdict_help", count=status.verdict_count)
    return figure(plot, texts("drift.verdict_plot"), help_, " ".join(told), texts)


def _minute(at: str, texts: Texts) -> str:
    day, _, clock = at.partition("T")
    return texts("trust.moment", day=day, clock=clock[:5])
