"""The review queue: what to look at, as cards with three buttons each."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

from ood_face.messages import level_name, reason_sentence, translate
from ood_face.types import (
    QualityLevel,
    ReviewKind,
    ReviewLabel,
    ReviewOrder,
    ReviewState,
)
from webui.markup import Html, tag
from webui.outcomes import Problem
from webui.views.parts import card, error_card, icon
from webui.views.verdict import scenario_title
from webui.views.verdict_doubt import percent

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ood_face.types import ReviewItem
    from webui.catalogue import Texts
    from webui.trust_review_outcomes import ReviewCard, ReviewOutcome, Said

__all__ = ["moment", "review_said", "review_view"]

# sign and colours of a card that has no verdict of its own
_KIND_OF = {"identified": "same", "unknown": "different"}
_LABELS = (
    (ReviewLabel.SAME, "same", "1"),
    (ReviewLabel.DIFFERENT, "different", "2"),
    (ReviewLabel.UNUSABLE, "review", "3"),
)


def review_view(outcome: ReviewOutcome | None, texts: Texts) -> Html:
    """Return the filters and the cards, or why there are none."""
    if outcome is None:
        return tag("p", texts("review.loading"), class_="trust-note")
    if outcome.error is not None and not outcome.cards:
        return error_card(Problem(outcome.error), texts)
    parts = [_counts(outcome, texts), _filters(outcome, texts), _faces_note(outcome, texts)]
    if not outcome.cards:
        empty = "nothing" if outcome.waiting + outcome.labelled == 0 else "none_match"
        words = tag("p", texts(f"review.{empty}"))
        parts.append(card("waiting", texts(f"review.title_{empty}"), words))
    else:
        cards = [_card(found, outcome.faces_allowed, texts) for found in outcome.cards]
        parts.append(tag("div", *cards, class_="review-cards"))
    if outcome.matching > len(outcome.cards):
        label = texts("review.more", count=outcome.matching - len(outcome.cards))
        parts.append(_button(label, "more", class_="trust-button review-more"))
    return tag("div", *parts, class_="trust-list")


def review_said(outcome: ReviewOutcome | None, texts: Texts) -> Html:
    """Return what was done last, with the way back; or why it was not done."""
    if outcome is None:
        return Html()
    if outcome.error is not None and outcome.cards:
        return error_card(Problem(outcome.error), texts)
    said = outcome.said
    if said is None:
        return Html()
    parts = [tag("span", texts(f"review.said_{said.what}", count=said.count))]
    if said.item_id is not None:
        parts.append(_button(texts("review.undo"), "undo", class_="trust-button"))
    if said.npz:
        parts.append(_download(said, texts))
    return tag("p", *parts, class_="review-said")


def moment(at: str, texts: Texts) -> str:
    """Return a time for people: day and minute of an ISO 8601 text in UTC."""
    day, _, clock = at.partition("T")
    return texts("trust.moment", day=day, clock=clock[:5])


def _counts(outcome: ReviewOutcome, texts: Texts) -> Html:
    key = "review.counts_more" if outcome.more_than else "review.counts"
    sentence = texts(key, waiting=outcome.waiting, labelled=outcome.labelled)
    export = _button(texts("review.export"), "export", class_="trust-button")
    return tag("div", tag("p", tag("strong", sentence)), export, class_="review-top")


def _filters(outcome: ReviewOutcome, texts: Texts) -> Html:
    choice = outcome.choice
    kinds = [("", texts("review.any"))]
    kinds += [(kind.value, texts(f"review.kind_{kind.value}")) for kind in ReviewKind]
    scenarios = [("", texts("review.any"))]
    known = sorted({*outcome.scenarios, *filter(None, [choice.scenario])})
    scenarios += [(name, scenario_title(name, texts)) for name in known]
    orders = [(order.value, texts(f"review.order_{order.value}")) for order in ReviewOrder]
    states = [(state.value, texts(f"review.state_{state.value}")) for state in ReviewState]
    keys = tag(
        "label",
        tag("input", type="checkbox", checked=True, data_keys=True),
        texts("review.keys"),
        class_="review-keys",
    )
    return tag(
        "div",
        _select("state", texts("review.state"), states, choice.state),
        _select("order", texts("review.order"), orders, choice.order),
        _select("kind", texts("review.kind"), kinds, choice.kind),
        _select("scenario", texts("review.scenario"), scenarios, choice.scenario),
        keys,
        class_="review-filters",
    )


def _select(name: str, label: str, options: Iterable[tuple[str, str]], chosen: str) -> Html:
    made = [tag("option", title, value=value, selected=value == chosen) for value, title in options]
    return tag("label", tag("span", label), tag("select", *made, data_filter=name))


def _faces_note(outcome: ReviewOutcome, texts: Texts) -> Html:
    if not outcome.cards or (outcome.faces_kept and outcome.faces_allowed):
        return Html()
    key = "review.faces_hidden" if outcome.faces_kept else "review.faces_off"
    return tag("p", texts(key), class_="trust-note")


def _card(found: ReviewCard, faces_allowed: bool, texts: Texts) -> Html:
    item, case = found.item, found.item.case
    names = "identity" if case.kind is ReviewKind.IDENTIFY else "verdict"
    name = translate(f"{names}.{case.verdict}", {}, texts.language)
    title = f"review-{item.item_id}"
    head = tag(
        "div",
        icon(_KIND_OF.get(case.verdict, case.verdict)),
        tag("div", tag("h3", name, id=title), tag("p", _origin(item, texts))),
        class_="card-head",
    )
    reasons = [
        tag("p", reason_sentence(reason, texts.language), class_="reason")
        for reason in case.reasons
    ]
    return tag(
        "article",
        head,
        _numbers(item, texts),
        _sides(found, faces_allowed, texts),
        *reasons,
        _buttons(item, texts),
        _foot(item, texts),
        class_=f"card card-{_KIND_OF.get(case.verdict, case.verdict)} review-card",
        tabindex=-1,
        aria_labelledby=title,
        data_item=item.item_id,
    )


def _origin(item: ReviewItem, texts: Texts) -> str:
    case = item.case
    parts = [
        texts(f"review.kind_{case.kind.value}"),
        scenario_title(case.scenario, texts),
        moment(item.at.isoformat(), texts),
    ]
    return " · ".join(parts)


def _numbers(item: ReviewItem, texts: Texts) -> Html:
    case = item.case
    tiles = [(texts("review.similarity"), f"{case.similarity:.2f}")]
    if case.probability is not None:
        tiles.append((texts("review.probability"), percent(case.probability)))
    tiles.append((texts("review.doubt"), percent(case.ambiguity)))
    made = [tag("div", tag("dt", name), tag("dd", value)) for name, value in tiles]
    return tag("dl", *made, class_="tiles")


def _sides(found: ReviewCard, faces_allowed: bool, texts: Texts) -> Html:
    case = found.item.case
    compared = case.kind is ReviewKind.COMPARE
    titles = ["first", "second"] if compared else ["probe", "enrolled"]
    sides = []
    for index, (title, score) in enumerate(zip(titles, (case.score_a, case.score_b), strict=True)):
        name = texts(f"review.{title}")
        if title == "enrolled" and case.subject_id is not None:
            name = texts("review.enrolled_who", subject=case.subject_id, gallery=case.gallery or "")
        picture = _face(found, index, faces_allowed, name, texts)
        sides.append(tag("figure", picture, tag("figcaption", name), _quality(score, texts)))
    return tag("div", *sides, class_="review-sides")


def _face(found: ReviewCard, index: int, allowed: bool, name: str, texts: Texts) -> Html:
    if index >= len(found.faces):
        if not (allowed and found.faces):
            return Html()
        return tag("span", texts("review.face_not_kept"), class_="face-missing")
    encoded = base64.b64encode(found.faces[index]).decode("ascii")
    return tag("img", src=f"data:image/png;base64,{encoded}", alt=name, width=112, height=112)


def _quality(score: float | None, texts: Texts) -> Html:
    if score is None:
        return tag("span", texts("review.no_score"), class_="score-none")
    level = QualityLevel.of(score)
    name = level_name(level, texts.language)
    value = texts("review.quality", level=name, quality=round(100 * score))
    swatch = tag("span", class_="swatch", aria_hidden="true")
    return tag("span", swatch, value, class_=f"level-{level}")


def _buttons(item: ReviewItem, texts: Texts) -> Html:
    chosen = None if item.mark is None else item.mark.label
    made = [
        tag(
            "button",
            icon(sign),
            tag("span", texts(f"review.label_{label.value}")),
            tag("kbd", key, aria_hidden="true"),
            type="button",
            class_=f"review-label card-{sign}",
            data_do="label",
            data_label=label.value,
            data_item=item.item_id,
            aria_pressed="true" if label is chosen else "false",
        )
        for label, sign, key in _LABELS
    ]
    return tag("div", *made, class_="review-labels", role="group", aria_label=texts("review.ask"))


def _foot(item: ReviewItem, texts: Texts) -> Html:
    mark = item.mark
    told = Html()
    if mark is not None:
        at = moment(mark.at.isoformat(), texts)
        label = texts(f"review.label_{mark.label.value}")
        told = tag("span", texts("review.marked", label=label, by=mark.by, at=at))
    delete = tag(
        "button",
        texts("review.delete"),
        type="button",
        class_="trust-link",
        data_do="delete",
        data_item=item.item_id,
        data_ask=texts("review.delete_ask"),
    )
    return tag("div", told, delete, class_="review-foot")


def _button(label: str, action: str, class_: str) -> Html:
    return tag("button", label, type="button", class_=class_, data_do=action)


def _download(said: Said, texts: Texts) -> Html:
    encoded = base64.b64encode(said.npz).decode("ascii")
    return tag(
        "a",
        texts("review.download"),
        href=f"data:application/octet-stream;base64,{encoded}",
        download="review.npz",
        class_="download",
        data_now=True,
    )
