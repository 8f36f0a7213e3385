"""Why a decision is as it is, and how uncertain, as the commands print it."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from ood_face.messages import reason_sentence, source_name, translate, uncertainty_level_name
from ood_face.types import UncertaintyLevel

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ood_face.messages import Language
    from ood_face.types import Explanation, Reason, UncertaintyPart

__all__ = ["explanation_json", "explanation_lines", "reasons_json"]

_MOST_PARTS = 3
_ORDER = (UncertaintyLevel.HIGH, UncertaintyLevel.MODERATE, UncertaintyLevel.UNKNOWN)


def reasons_json(reasons: Iterable[Reason], language: Language) -> list[dict[str, Any]]:
    """Return reasons as JSON values."""
    return [
        {
            "key": reason.key,
            "sentence": reason_sentence(reason, language),
            "values": dict(reason.values),
        }
        for reason in reasons
    ]


def explanation_lines(explanation: Explanation | None, language: Language) -> list[str]:
    """Return the probability of error and the parts that are not low, one to four lines.

    Empty where nobody worked them out.
    """
    if explanation is None:
        return []
    lines = []
    error, bits = explanation.probability_of_error, explanation.entropy_bits
    if error is not None and bits is not None:
        lines.append(translate("uncertainty.error", {"error": error, "bits": bits}, language))
    lines += [_line(part, language) for part in _doubtful(explanation)[:_MOST_PARTS]]
    if explanation.main is None:
        lines.append(translate("uncertainty.all_low", {}, language))
    return lines


def explanation_json(explanation: Explanation | None, language: Language) -> dict[str, Any] | None:
    """Return an explanation as JSON values; None: nobody worked it out."""
    if explanation is None:
        return None
    return {
        "probability_of_error": explanation.probability_of_error,
        "entropy_bits": explanation.entropy_bits,
        "main": explanation.main,
        "parts": [
            {
                "source": part.source,
                "source_name": source_name(part.source, language),
                "level": part.level,
                "level_name": uncertainty_level_name(part.level, language),
                "amount": part.amount,
                "reason": reasons_json([part.reason], language)[0],
            }
            for part in explanation.parts
        ],
        "model": None if explanation.model is None else asdict(explanation.model),
    }


def _doubtful(explanation: Explanation) -> list[UncertaintyPart]:
    # the one that matters most first, then by level
    parts = [part for part in explanation.parts if part.level in _ORDER]
    return sorted(
        parts, key=lambda part: (part.source != explanation.main, _ORDER.index(part.level))
    )


def _line(part: UncertaintyPart, language: Language) -> str:
    values = {
        "source": source_name(part.source, language),
        "level": uncertainty_level_name(part.level, language),
        "sentence": reason_sentence(part.reason, language),
    }
    return translate("uncertainty.part", values, language)
