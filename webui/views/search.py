"""The galleries: which one is chosen, how to make one, and what is wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ood_face.errors import (
    AccessError,
    DuplicateFaceError,
    DuplicateGalleryError,
    GalleryNotFoundError,
    LowQualityError,
    MultipleFacesError,
    NoFaceError,
    TemplateMismatchError,
    UnauthenticatedError,
)
from ood_face.service.galleries import DEFAULT_MAX_TEMPLATES
from ood_face.types.galleries import MAX_TEMPLATES
from webui.markup import Html, join, tag
from webui.outcomes import Problem
from webui.views.parts import card, error_card, error_text
from webui.views.verdict import scenario_title

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ood_face.errors import OodFaceError
    from ood_face.types import GalleryCounts, GalleryInfo
    from webui.catalogue import Texts
    from webui.search_outcomes import Shelf

__all__ = ["act", "done_note", "no_galleries_view", "problem_card", "problem_note", "shelf_view"]

# the most special class first
_ADVICE = (
    (AccessError, "access"),
    (NoFaceError, "no_face"),
    (MultipleFacesError, "several"),
    (LowQualityError, "quality"),
    (DuplicateFaceError, "duplicate"),
    (DuplicateGalleryError, "name_taken"),
    (GalleryNotFoundError, "gone"),
    (TemplateMismatchError, "model"),
)


def shelf_view(shelf: Shelf | None, scenarios: Iterable[str], words: Texts) -> Html:
    """Return the choice of a gallery, a note on it, and the form that makes one.

    Parameters
    ----------
    shelf : the galleries; None: nobody has asked yet
    scenarios : names of the scenarios a gallery can have
    words : the language
    """
    if shelf is None:
        return tag("p", words("search.loading"), class_="intro", data_gallery="none")
    trouble = Html() if shelf.problem is None else problem_card(shelf.problem, words)
    said = done_note(shelf.done, words, gallery=shelf.done_to)
    if shelf.info is None or shelf.counts is None:
        body = trouble if shelf.problem is not None else _no_gallery(shelf, scenarios, words)
        return tag("div", said, body, data_gallery="none", data_admin=_flag(shelf))
    new = Html()
    if shelf.may_admin:
        new = tag(
            "details",
            tag("summary", words("search.new_gallery")),
            _new_form(scenarios, words),
            class_="new-gallery",
            open=shelf.problem is not None,
        )
    return tag(
        "div",
        _choice(shelf, shelf.info, shelf.counts, words),
        said,
        trouble,
        new,
        data_gallery="chosen",
        data_admin=_flag(shelf),
        class_="shelf",
    )


def no_galleries_view(words: Texts) -> Html:
    """Return what stands there where the server keeps no galleries at all."""
    return card("waiting", words("search.none_kept_title"), tag("p", words("search.none_kept")))


def problem_card(error: OodFaceError, words: Texts) -> Html:
    """Return what went wrong and what to do."""
    if isinstance(error, UnauthenticatedError) or error.key == "access.role":
        # with the way to sign in
        return error_card(Problem(error), words)
    return card(
        "error",
        words("error.title"),
        tag("p", error_text(error, words), class_="reason"),
        tag("p", words(f"search.advice_{_advice(error)}"), class_="advice"),
    )


def problem_note(error: OodFaceError | None, words: Texts) -> Html:
    """Return what went wrong in a line; empty: nothing did."""
    if error is None:
        return Html()
    return tag("p", error_text(error, words), class_="problem", role="alert")


def done_note(key: str, words: Texts, **values: object) -> Html:
    """Return what was done in a line; empty where the key is."""
    if not key:
        return Html()
    return tag("p", words(f"search.done_{key}", **values), class_="done-note", role="status")


def act(name: str, label: str, kind: str = "plain", **data: str | float | bool | None) -> Html:
    """Return a button; see :func:`webui.search_parts.acts`.

    Parameters
    ----------
    name : what it asks for
    label : its words
    kind : ``plain``, ``primary`` or ``danger``
    data : goes with the question, as ``data_id="7"``; other attributes as they are
    """
    return tag("button", label, type="button", class_=f"act act-{kind}", data_act=name, **data)


def _advice(error: OodFaceError) -> str:
    return next((key for cls, key in _ADVICE if isinstance(error, cls)), "other")


def _flag(shelf: Shelf) -> str:
    return "yes" if shelf.may_admin else "no"


def _no_gallery(shelf: Shelf, scenarios: Iterable[str], words: Texts) -> Html:
    if not shelf.may_admin:
        return card("waiting", words("search.empty_title"), tag("p", words("search.empty_ask")))
    text = tag("p", words("search.empty"))
    return card("waiting", words("search.empty_title"), text, _new_form(scenarios, words))


def _choice(shelf: Shelf, info: GalleryInfo, counts: GalleryCounts, words: Texts) -> Html:
    options = [tag("option", name, value=name, selected=name == info.name) for name in shelf.names]
    select = tag("select", *options, id="gallery-select", data_act="choose")
    label = tag("label", words("search.gallery"), for_="gallery-select")
    people = "search.people_one" if counts.subjects == 1 else "search.people_many"
    pictures = "search.pictures_one" if counts.templates == 1 else "search.pictures_many"
    facts = [
        words(people, count=f"{counts.subjects:,}"),
        words(pictures, count=f"{counts.templates:,}"),
        words("search.used_for", scenario=scenario_title(info.scenario, words)),
    ]
    kept = words("search.faces_kept" if info.keep_crops else "search.faces_not_kept")
    note = tag("p", tag("b", " · ".join(facts)), tag("small", kept), class_="shelf-note")
    return tag("div", tag("div", label, select, class_="field"), note, class_="shelf-row")


def _new_form(scenarios: Iterable[str], words: Texts) -> Html:
    options = [tag("option", scenario_title(name, words), value=name) for name in scenarios]
    return tag(
        "form",
        _field(
            "name",
            words("search.new_name"),
            words("search.new_name_note"),
            tag(
                "input",
                type="text",
                id="new-name",
                name_="name",
                required=True,
                maxlength=63,
                pattern="[a-z0-9][a-z0-9_\\-]*",
                # browsers say it where the name does not fit
                title=words("search.new_name_note"),
                autocomplete="off",
                placeholder=words("search.new_name_example"),
            ),
        ),
        _field(
            "scenario",
            words("search.new_scenario"),
            words("search.new_scenario_note"),
            tag("select", *options, id="new-scenario", name_="scenario"),
        ),
        _field(
            "templates",
            words("search.new_templates"),
            words("search.new_templates_note"),
            tag(
                "input",
                type="number",
                id="new-templates",
                name_="templates",
                min=1,
                max=MAX_TEMPLATES,
                value=DEFAULT_MAX_TEMPLATES,
                required=True,
            ),
        ),
        tag(
            "label",
            tag("input", type="checkbox", name_="crops", value=1),
            tag("span", words("search.new_crops"), tag("small", words("search.new_crops_note"))),
            class_="check",
        ),
        tag("button", words("search.new_button"), type="submit", class_="act act-primary"),
        class_="form",
        data_act="create",
    )


def _field(name: str, label: str, note: str, control: Html) -> Html:
    return tag(
        "div",
        tag("label", label, for_=f"new-{name}"),
        join(control, tag("small", note)),
        class_="field",
    )
