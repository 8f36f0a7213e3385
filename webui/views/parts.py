"""Parts that several views use: icons, cards, the score bar, tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ood_face.errors import (
    BusyError,
    ImageDecodeError,
    ImageTooLargeError,
    MultipleFacesError,
    NoFaceError,
    UnauthenticatedError,
)
from ood_face.messages import error_sentence, level_name, quality_score_note
from ood_face.types import QualityScore
from webui.markup import Html, tag

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ood_face.errors import OodFaceError
    from ood_face.types import FaceTemplate
    from webui.catalogue import Texts
    from webui.outcomes import Problem

__all__ = ["card", "error_card", "error_text", "icon", "rows", "score_bar", "waiting_card"]

# paths on a 24x24 grid, drawn for this page
_ICONS = {
    "same": "M4.5 12.5l5 5 10-11",
    "different": "M6 6l12 12M18 6L6 18",
    "review": "M8.5 9a3.5 3.5 0 1 1 5.2 3c-1.2.7-1.7 1.3-1.7 2.6M12 18.6v.2",
    "recapture": "M3.5 8h4l1.6-2.5h5.8L16.5 8h4v11h-17zM12 16.2a3 3 0 1 0 0-6 3 3 0 0 0 0 6z",
    "choose": "M9 11a3 3 0 1 0 0-6 3 3 0 0 0 0 6zM3.5 19c.4-3.4 2.6-5 5.5-5M13 16.5l2.5 2.5 5-6",
    "error": "M12 4l9 16H3zM12 10v4.6M12 17.2v.2",
    "waiting": "M9 11a3 3 0 1 0 0-6 3 3 0 0 0 0 6zM3.5 19c.4-3.4 2.6-5 5.5-5s5.1 1.6 5.5 5"
    "M15.5 5.5a2.8 2.8 0 0 1 0 5.3M17 14.3c2 .6 3.2 2.2 3.5 4.7",
}
# the most special class first
_ADVICE = (
    (ImageTooLargeError, "too_large"),
    (ImageDecodeError, "image"),
    (NoFaceError, "no_face"),
    (BusyError, "busy"),
)


def icon(name: str) -> Html:
    """Return a drawn sign; the words beside it say the same, so it is hidden from readers."""
    path = tag("path", d=_ICONS[name])
    return tag("svg", path, class_="icon", viewBox="0 0 24 24", aria_hidden="true")


def card(kind: str, title: str, *body: str) -> Html:
    """Return a card with sign and title; ``kind`` chooses sign and colours."""
    head = tag("div", icon(kind), tag("h2", title), class_="card-head")
    return tag("section", head, *body, class_=f"card card-{kind}", data_kind=kind)


def waiting_card(texts: Texts, section: str) -> Html:
    """Return what stands in the place of a result before there is one."""
    return tag(
        "div",
        card("waiting", texts(f"{section}.waiting_title"), tag("p", texts(f"{section}.waiting"))),
        tag("p", texts(f"{section}.busy"), class_="busy", aria_hidden="true"),
    )


def error_card(problem: Problem, texts: Texts) -> Html:
    """Return what went wrong, in which picture, and what to do."""
    if isinstance(problem.error, MultipleFacesError) and problem.side:
        # no failure: the visitor says which face is meant
        sentence = texts(f"error.several_{problem.side}", count=problem.error.values["count"])
        return card(
            "choose",
            texts("error.which_face"),
            tag("p", sentence, class_="reason"),
            tag("p", texts("error.advice_several"), class_="advice"),
        )
    if isinstance(problem.error, UnauthenticatedError) or problem.error.key == "access.role":
        return _signing_in(problem.error, texts)
    side = tag("strong", texts(f"error.{problem.side}")) if problem.side else Html()
    advice = next((key for cls, key in _ADVICE if isinstance(problem.error, cls)), "other")
    return card(
        "error",
        texts("error.title"),
        tag("p", side, error_text(problem.error, texts), class_="reason"),
        tag("p", texts(f"error.advice_{advice}"), class_="advice"),
    )


def _signing_in(error: OodFaceError, texts: Texts) -> Html:
    lacks_role = error.key == "access.role"
    sentence = error_text(error, texts) if lacks_role else texts("signin.needed")
    link = tag("a", texts("signin.link"), href="sign-in", class_="account-link")
    return card(
        "error",
        texts("signin.title"),
        tag("p", sentence, class_="reason"),
        tag("p", link),
    )


def error_text(error: OodFaceError, texts: Texts) -> str:
    """Return an error's sentence, from the page's catalogue where the page raised it."""
    if error.key == "access.role":
        return texts("signin.lacks", role=texts(f"signin.role_{error.values['role']}"))
    own = {
        "page.upload": "error.upload",
        "page.too_many_files": "error.too_many_files",
    }.get(error.key)
    if own is not None:
        return texts(own, **error.values)
    return error_sentence(error, texts.language)


def score_bar(template: FaceTemplate | None, texts: Texts) -> Html:
    """Return one face's score as a bar with its level in words.

    Empty where there is no face; a sentence where the model gives no score.
    """
    if template is None:
        return Html()
    quality, level_key = template.quality, template.quality_level
    if quality is None or level_key is None:
        sentence = quality_score_note(QualityScore.NONE, texts.language)
        return tag("p", sentence, class_="score score-none")
    level = level_name(level_key, texts.language)
    value = tag(
        "span", tag("b", level), " · ", texts("score.value", quality=quality), class_="score-value"
    )
    bar = tag(
        "div",
        tag("div", class_="meter-fill", style=f"width:{quality}%"),
        class_="meter",
        role="meter",
        aria_valuenow=quality,
        aria_valuemin=0,
        aria_valuemax=100,
        aria_label=texts("score.spoken", quality=quality, level=level),
    )
    head = tag("div", tag("span", texts("score.title")), value, class_="score-head")
    return tag("div", head, bar, class_=f"score level-{level_key}")


def rows(pairs: Iterable[tuple[str, str]]) -> Html:
    """Return a two-column table of names and values."""
    lines = [tag("tr", tag("th", name, scope="row"), tag("td", value)) for name, value in pairs]
    return tag("table", tag("tbody", *lines), class_="facts")
