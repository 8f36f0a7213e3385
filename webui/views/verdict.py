"""The result of a comparison: verdict, reason, similarity on its scale, details."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ood_face.messages import reason_sentence, verdict_name
from ood_face.types import Policy, Verdict
from webui.markup import Html, join, tag
from webui.views.parts import card, error_card, rows, score_bar, waiting_card
from webui.views.verdict_advice import advice
from webui.views.verdict_doubt import calibration_name, doubt_fold, main_doubt, probability_scale
from webui.views.verdict_scale import (
    Scale,
    different_below,
    same_above,
    scale_view,
    short_number,
)

if TYPE_CHECKING:
    from ood_face.types import Comparison, FaceTemplate, Scenario
    from webui.catalogue import Texts
    from webui.outcomes import CompareOutcome, Marks

__all__ = ["scenario_note", "scenario_title", "score_bars", "verdict_view"]

# the part of -1..1 that the scale shows; a cosine of faces is hardly ever lower
_SCALE_LOW, _SCALE_HIGH = -0.2, 1.0


def verdict_view(outcome: CompareOutcome | None, texts: Texts) -> Html:
    """Return the card that answers: the verdict, a problem, or what is still missing."""
    if outcome is not None and outcome.problem is not None:
        return error_card(outcome.problem, texts)
    if outcome is None or outcome.comparison is None:
        return waiting_card(texts, "compare")
    comparison = outcome.comparison
    sentences = [reason_sentence(reason, texts.language) for reason in comparison.reasons]
    fold = tag(
        "details",
        tag("summary", texts("compare.details")),
        _details(comparison, outcome.marks, texts),
    )
    return card(
        str(comparison.verdict),
        verdict_name(comparison.verdict, texts.language),
        *[tag("p", sentence, class_="reason") for sentence in sentences],
        main_doubt(comparison, texts),
        advice(outcome, texts),
        _scale(comparison, texts),
        doubt_fold(comparison, texts),
        fold,
    )


def score_bars(outcome: CompareOutcome | None, texts: Texts) -> tuple[Html, Html]:
    """Return the score bars that stand below the two pictures."""
    comparison = None if outcome is None else outcome.comparison
    if comparison is None:
        return Html(), Html()
    return score_bar(comparison.template_a, texts), score_bar(comparison.template_b, texts)


def scenario_title(name: str, texts: Texts) -> str:
    """Return a scenario's name for people; an operator's own keeps the name it has."""
    key = f"scenario.{name}"
    return texts(key) if key in texts else name


def scenario_note(scenario: Scenario, texts: Texts) -> Html:
    """Return what a scenario is for, and its numbers."""
    key = f"scenario.{scenario.name}_note"
    decides = scenario.policy is Policy.PROBABILITY
    numbers = texts(
        "scenario.numbers_probability" if decides else "scenario.numbers",
        same=same_above(scenario),
        different=different_below(scenario),
        recapture=f"{100 * scenario.recapture_below:g}",
    )
    note = texts(key if key in texts else "scenario.custom_note")
    return tag("p", note, " ", tag("small", numbers), class_="scenario-note")


def _scale(comparison: Comparison, texts: Texts) -> Html:
    scenario = comparison.scenario
    if scenario.policy is Policy.PROBABILITY:
        return probability_scale(comparison, texts)
    spoken = texts(
        "similarity.spoken",
        value=f"{comparison.similarity:.2f}",
        different=different_below(scenario),
        same=same_above(scenario),
    )
    scale = Scale(
        comparison.similarity,
        f"{comparison.similarity:.2f}",
        _SCALE_LOW,
        _SCALE_HIGH,
        scenario.different_below,
        scenario.same_above,
        None,
        short_number,
        spoken,
    )
    untrusted = comparison.verdict is Verdict.RECAPTURE
    note = texts("similarity.untrusted" if untrusted else "similarity.help")
    title = tag("h3", texts("similarity.title"))
    muted = " similarity-muted" if untrusted else ""
    return tag(
        "div",
        title,
        scale_view(scale, texts),
        tag("p", tag("small", note)),
        class_=f"similarity{muted}",
    )


def _details(comparison: Comparison, marks: tuple[Marks, Marks], texts: Texts) -> Html:
    scenario = comparison.scenario
    needed = scenario.same_needs_score_above
    truth = texts("details.yes" if scenario.similarity_alone else "details.no")
    return rows(
        [
            (texts("details.similarity"), f"{comparison.similarity:.4f}"),
            (texts("details.score_first"), _score(comparison.template_a, texts)),
            (texts("details.score_second"), _score(comparison.template_b, texts)),
            (texts("details.faces_first"), _faces(marks[0], texts)),
            (texts("details.faces_second"), _faces(marks[1], texts)),
            (texts("details.scenario"), scenario_title(scenario.name, texts)),
            (texts("details.same_above"), same_above(scenario)),
            (texts("details.different_below"), different_below(scenario)),
            (texts("details.recapture_below"), f"{scenario.recapture_below:g}"),
            (
                texts("details.same_needs"),
                texts("details.none") if needed is None else f"{needed:g}",
            ),
            (texts("details.similarity_alone"), truth),
            (texts("details.calibration"), calibration_name(comparison.calibration, texts)),
            *_bits(comparison, texts),
            (texts("details.model"), comparison.template_a.model_id),
        ]
    )


def _bits(comparison: Comparison, texts: Texts) -> list[tuple[str, str]]:
    found = comparison.explanation
    if found is None or found.entropy_bits is None:
        return []
    return [(texts("details.entropy"), texts("details.bits", bits=f"{found.entropy_bits:.3f}"))]


def _score(template: FaceTemplate, texts: Texts) -> str:
    score = template.ood_score
    return texts("details.none") if score is None else f"{score:.4f}"


def _faces(marks: Marks, texts: Texts) -> Html:
    lines = [
        texts(
            "details.face_used" if marks.is_used(face) else "details.face",
            number=number,
            probability=f"{face.probability:.4f}",
        )
        for number, face in enumerate(marks.faces, start=1)
    ]
    return join(*[tag("div", line) for line in lines])
