"""The result of a search: the answer, and everybody it may be."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ood_face.messages import identity_name, level_name, reason_sentence
from ood_face.types import IdentifyVerdict, QualityLevel
from webui.markup import Html, tag
from webui.views.parts import card, waiting_card
from webui.views.search import problem_card
from webui.views.verdict_doubt import calibration_name, doubt_line, doubt_parts, percent

if TYPE_CHECKING:
    from ood_face.types import Candidate, Identification, Scenario
    from webui.catalogue import Texts
    from webui.search_outcomes import IdentifyOutcome

__all__ = ["found_view", "quality_words"]

# sign and colours
_KINDS = {
    IdentifyVerdict.IDENTIFIED: "same",
    IdentifyVerdict.REVIEW: "review",
    IdentifyVerdict.UNKNOWN: "different",
    IdentifyVerdict.RECAPTURE: "recapture",
}
# the part of -1..1 that the scale shows; a cosine of faces is hardly ever lower
_LOW, _HIGH = -0.2, 1.0


def found_view(outcome: IdentifyOutcome | None, empty: bool, words: Texts) -> Html:
    """Return the card that answers "Who is this?".

    Parameters
    ----------
    outcome : of the search; None: nobody has searched yet
    empty : nobody is enrolled in the chosen gallery
    words : the language
    """
    if outcome is not None and outcome.problem is not None:
        return problem_card(outcome.problem.error, words)
    if outcome is None or outcome.found is None:
        if empty:
            text = tag("p", words("search.nobody"))
            return card("waiting", words("search.nobody_title"), text)
        return waiting_card(words, "identify")
    found = outcome.found
    return card(
        _KINDS[found.verdict],
        _title(found, words),
        *[tag("p", reason_sentence(r, words.language), class_="reason") for r in found.reasons],
        Html()
        if found.verdict is IdentifyVerdict.RECAPTURE
        else doubt_line(found.explanation, words),
        _advice(found, words),
        _candidates(found, words),
        _doubt(found, words),
    )


def quality_words(score: float | None, words: Texts) -> Html:
    """Return a score as a coloured word with its number out of 100."""
    if score is None:
        return tag("span", words("search.no_score"), class_="quality")
    level = QualityLevel.of(score)
    swatch = tag("span", class_="swatch", aria_hidden="true")
    text = words(
        "search.quality", level=level_name(level, words.language), value=round(100 * score)
    )
    return tag("span", swatch, text, class_=f"quality level-{level}")


def _title(found: Identification, words: Texts) -> str:
    if found.verdict is not IdentifyVerdict.IDENTIFIED:
        return identity_name(found.verdict, words.language)
    return words("identify.this_is", name=_name(found.candidates[0]))


def _doubt(found: Identification, words: Texts) -> Html:
    if found.explanation is None:
        return Html()
    parts = doubt_parts(found.explanation, words)
    named = calibration_name(found.calibration, words)
    calibration = tag("p", tag("small", words("doubt.calibration"), " ", named))
    return tag("details", tag("summary", words("doubt.fold")), *parts, calibration, class_="doubt")


def _name(candidate: Candidate) -> str:
    return candidate.subject_id if candidate.name is None else candidate.name


def _advice(found: Identification, words: Texts) -> Html:
    key = f"identify.advice_{found.verdict}"
    if key not in words:
        return Html()
    return tag("p", tag("strong", words("compare.advice")), words(key), class_="advice")


def _candidates(found: Identification, words: Texts) -> Html:
    if not found.candidates:
        return Html()
    items = [
        _candidate(rank, candidate, found.scenario, words)
        for rank, candidate in enumerate(found.candidates, start=1)
    ]
    margin = Html()
    if found.margin is not None:
        margin = tag("p", tag("small", words("identify.margin", value=f"{found.margin:.2f}")))
    untrusted = found.verdict is IdentifyVerdict.RECAPTURE
    note = words(
        "similarity.untrusted" if untrusted else "identify.legend",
        different=f"{found.scenario.different_below:g}",
        same=f"{found.scenario.same_above:g}",
    )
    return tag(
        "div",
        tag("h3", words("identify.candidates")),
        tag("ol", *items, class_="candidates"),
        margin,
        tag("p", tag("small", note)),
        class_="similarity similarity-muted" if untrusted else "similarity",
    )


def _candidate(rank: int, candidate: Candidate, scenario: Scenario, words: Texts) -> Html:
    name, subject_id = _name(candidate), candidate.subject_id
    facts = [words("identify.similarity", value=f"{candidate.similarity:.2f}")]
    if candidate.probability is not None:
        facts.append(_probability(candidate, candidate.probability, words))
    return tag(
        "li",
        tag(
            "div",
            tag("b", name),
            tag("small", subject_id) if name != subject_id else Html(),
            class_="candidate-who",
        ),
        _scale(candidate.similarity, scenario),
        tag(
            "div",
            tag("span", " · ".join(facts)),
            tag(
                "span",
                words("identify.enrolled_picture"),
                " ",
                quality_words(candidate.ood_score, words),
            ),
            class_="candidate-facts",
        ),
        class_="candidate candidate-first" if rank == 1 else "candidate",
    )


def _probability(candidate: Candidate, share: float, words: Texts) -> str:
    interval = candidate.probability_interval
    low, high = (percent(end) for end in interval) if interval is not None else ("", "")
    if low == high:
        # none, or narrower than can be written
        return words("identify.probability", value=percent(share))
    return words("identify.probability_interval", value=percent(share), low=low, high=high)


def _scale(similarity: float, scenario: Scenario) -> Html:
    # the number stands beside it in words
    def place(value: float) -> float:
        inside = min(max(value, _LOW), _HIGH)
        return round(100 * (inside - _LOW) / (_HIGH - _LOW), 2)

    low, high = place(scenario.different_below), place(scenario.same_above)
    zones = [
        tag("div", class_=f"zone zone-{name}", style=f"left:{left}%;width:{right - left:.2f}%")
        for name, left, right in (
            ("different", 0.0, low),
            ("review", low, high),
            ("same", high, 100.0),
        )
    ]
    needle = tag("div", class_="needle", style=f"left:{place(similarity)}%")
    return tag("div", *zones, needle, class_="mini-scale", aria_hidden="true")
