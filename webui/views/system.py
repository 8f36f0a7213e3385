"""The tab System: how things are now, how fast, and what the model can and cannot do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from webui.markup import Html, join, tag
from webui.outcomes import Problem
from webui.views.parts import error_card, error_text, rows
from webui.views.system_calls import calls
from webui.views.system_model import model_card
from webui.views.system_policies import policies_view

if TYPE_CHECKING:
    from ood_face.bootstrap import ModelCard
    from ood_face.errors import OodFaceError
    from ood_face.service import Policies
    from webui.catalogue import Texts
    from webui.system_state import Speed, SystemState

__all__ = ["NARROW_DISK_BYTES", "system_view"]

# less than this is worth a warning: SQLite needs room to write before it can erase
NARROW_DISK_BYTES = 2**30
_GIB = 2**30


def system_view(
    state: SystemState | None,
    model: ModelCard | OodFaceError,
    policies: Policies,
    versions: dict[str, str],
    texts: Texts,
) -> Html:
    """Return all parts of the tab.

    Parameters
    ----------
    state : what was found; None: nobody has looked yet
    model : what is known of the model, or why it cannot be read
    policies : scenarios and calibrations in force
    versions : of the programs at work, by name
    """
    needs_key = state is not None and state.needs_key
    left = tag(
        "div",
        _now(state, texts),
        _speed(state, texts),
        _section("versions", texts, rows(versions.items())),
        class_="system-column",
    )
    right = tag(
        "div",
        model_card(model, texts),
        policies_view(policies, texts),
        class_="system-column",
    )
    both = tag("div", left, right, class_="system-columns")
    address = state.address if state is not None else ""
    return tag("div", both, calls(texts, address, needs_key=needs_key), class_="system")


def _section(name: str, texts: Texts, *body: str) -> Html:
    title = tag("h2", texts(f"system.{name}"))
    return tag("section", title, *body, class_=f"panel panel-{name}")


def _now(state: SystemState | None, texts: Texts) -> Html:
    if state is None:
        return _section("now", texts, tag("p", texts("system.looking"), class_="soft"))
    if state.error is not None:
        return error_card(Problem(state.error), texts)
    lights = [
        _works(state, texts),
        *_load(state, texts),
        _disk(state, texts),
        *_galleries(state, texts),
    ]
    again = tag("button", texts("system.again"), type="button", class_="quiet", data_do="show")
    return _section("now", texts, tag("ul", *lights, class_="lights"), again)


def _light(level: str, title: str, *body: str) -> Html:
    # the title says what the colour says
    swatch = tag("span", class_="swatch", aria_hidden="true")
    return tag("li", swatch, tag("b", title), tag("span", *body), class_=f"light-{level}")


def _works(state: SystemState, texts: Texts) -> Html:
    if state.failure is not None:
        sentence = error_text(state.failure, texts)
        return _light("bad", texts("system.broken"), sentence, " ", texts("system.broken_do"))
    note = texts("system.works_note", ms=f"{state.self_test_ms:.0f}")
    return _light("good", texts("system.works"), note)


def _load(state: SystemState, texts: Texts) -> list[Html]:
    load = state.load
    if load is None:
        return []
    note = texts(
        "system.load_note",
        at_work=load.at_work,
        workers=load.workers,
        waiting=load.waiting,
        queue_size=load.queue_size,
        refused=load.refused_full + load.refused_late,
    )
    if load.at_work < load.workers:
        return [_light("good", texts("system.idle"), note)]
    if load.waiting < load.queue_size:
        level, title = ("unknown", "busy") if load.waiting else ("good", "idle")
        return [_light(level, texts(f"system.{title}"), note)]
    return [_light("bad", texts("system.full"), note)]


def _disk(state: SystemState, texts: Texts) -> Html:
    if state.disk_free_bytes is None or state.disk_bytes is None:
        return _light("unknown", texts("system.disk_unknown"))
    note = texts(
        "system.disk_note",
        free=f"{state.disk_free_bytes / _GIB:.1f}",
        total=f"{state.disk_bytes / _GIB:.0f}",
    )
    narrow = state.disk_free_bytes < NARROW_DISK_BYTES
    title = texts("system.disk_narrow" if narrow else "system.disk")
    return _light("bad" if narrow else "good", title, note)


def _galleries(state: SystemState, texts: Texts) -> list[Html]:
    if state.galleries is None:
        return []
    if not state.galleries:
        return [_light("unknown", texts("system.no_galleries"))]
    sizes = [
        (
            gallery.name,
            texts("system.gallery", subjects=gallery.subjects, templates=gallery.templates),
        )
        for gallery in state.galleries
    ]
    title = texts("system.galleries", count=len(sizes))
    return [_light("good", title, rows(sizes))]


def _speed(state: SystemState | None, texts: Texts) -> Html:
    button = tag("button", texts("system.measure"), type="button", class_="quiet", data_do="speed")
    note = tag("p", texts("system.speed_note"), class_="soft")
    if state is None or state.speed is None:
        return _section("speed", texts, note, button)
    return _section("speed", texts, note, _figures(state.speed, texts), button)


def _figures(speed: Speed, texts: Texts) -> Html:
    steps = {
        "decode": speed.decode_ms,
        "detect": speed.detect_ms,
        "feature": speed.feature_ms,
        "compare": speed.compare_ms,
    }
    longest = max(steps.values()) or 1.0
    width, height = speed.picture_px
    bars = [
        tag(
            "li",
            tag("span", texts(f"system.step_{name}")),
            tag("b", texts("system.ms", ms=f"{ms:.0f}" if ms >= 10 else f"{ms:.1f}")),
            tag("span", class_="bar", style=f"width:{100 * ms / longest:.0f}%", aria_hidden="true"),
        )
        for name, ms in steps.items()
    ]
    said = texts("system.speed_said", runs=speed.runs, width=width, height=height)
    return join(tag("ul", *bars, class_="steps"), tag("p", tag("small", said), class_="soft"))
