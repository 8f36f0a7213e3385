"""What people read, in English and Chinese: levels, verdicts, reasons, errors.

The sentences lie in ``locale/<language>.toml`` by key. The English sentence of an error is the
error's own; only its Chinese one is in a catalogue.
"""

from __future__ import annotations

import re
import tomllib
from functools import cache
from importlib import resources
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal, get_args

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ood_face.errors import OodFaceError
    from ood_face.types import (
        IdentifyVerdict,
        QualityLevel,
        QualityScore,
        Reason,
        UncertaintyLevel,
        UncertaintySource,
        Verdict,
    )

__all__ = [
    "DEFAULT_LANGUAGE",
    "LANGUAGES",
    "Language",
    "catalogue",
    "error_sentence",
    "identity_name",
    "level_name",
    "negotiate",
    "quality_score_note",
    "reason_sentence",
    "source_name",
    "translate",
    "uncertainty_level_name",
    "verdict_name",
]

Language = Literal["en", "zh"]
LANGUAGES: tuple[Language, ...] = get_args(Language)
DEFAULT_LANGUAGE: Language = "en"

_LONGEST_HEADER = 1000  # more than any browser sends
_LANGUAGE_RANGE = re.compile(
    r"\s*([a-z]{1,8})(?:[-_][a-z0-9]{1,8})*\s*(?:;\s*q\s*=\s*(0(?:\.\d*)?|1(?:\.0*)?)\s*)?",
    re.IGNORECASE | re.ASCII,
)


@cache
def catalogue(language: Language) -> Mapping[str, str]:
    """Return all sentences of a language by their dotted keys, read once."""
    text = resources.files("ood_face").joinpath("locale", f"{language}.toml").read_text("utf-8")
    return MappingProxyType(tomllib.loads(text))


def negotiate(accept_language_header: str | None) -> Language:
    """Return the language a request asks for; English where it asks for none of ours.

    Parameters
    ----------
    accept_language_header : the header's value, as in ``zh-CN,zh;q=0.9,en;q=0.8``;
        every kind of Chinese (zh-TW, zh-Hans...) is ``zh``, q=0 rules a language out
    """
    best, best_weight = DEFAULT_LANGUAGE, 0.0
    for part in (accept_language_header or "")[:_LONGEST_HEADER].split(","):
        wanted = _LANGUAGE_RANGE.fullmatch(part)
        if wanted is None:
            continue
        weight = 1.0 if wanted[2] is None else float(wanted[2])
        for language in LANGUAGES:
            if language == wanted[1].lower() and weight > best_weight:
                best, best_weight = language, weight
    return best


def translate(key: str, values: Mapping[str, object], language: Language) -> str:
    """Return the sentence of a key with its values put in.

    A sentence that the language lacks is taken from the English catalogue; a key that no
    catalogue has is returned as it is (the tests see to it that there is none).
    """
    template = catalogue(language).get(key) or catalogue(DEFAULT_LANGUAGE).get(key)
    return key if template is None else template.format(**values)


def error_sentence(error: OodFaceError, language: Language) -> str:
    """Return what an error says; in English where the language lacks its sentence."""
    if language == DEFAULT_LANGUAGE or error.key not in catalogue(language):
        return str(error)
    return translate(error.key, error.values, language)


def level_name(level: QualityLevel, language: Language) -> str:
    """Return the name of a quality level."""
    return translate(f"level.{level.value}", {}, language)


def quality_score_note(quality_score: QualityScore, language: Language) -> str:
    """Return what a reader of scores must know; empty where the model's score is calibrated."""
    key = f"quality_score.{quality_score.value}"
    return translate(key, {}, language) if key in catalogue(language) else ""


def verdict_name(verdict: Verdict, language: Language) -> str:
    """Return a verdict in plain words."""
    return translate(f"verdict.{verdict.value}", {}, language)


def identity_name(verdict: IdentifyVerdict, language: Language) -> str:
    """Return what a search says in plain words."""
    return translate(f"identity.{verdict.value}", {}, language)


def reason_sentence(reason: Reason, language: Language) -> str:
    """Return one reason of a decision as a sentence that says what to do."""
    return translate(reason.key, reason.values, language)


def source_name(source: UncertaintySource, language: Language) -> str:
    """Return where uncertainty comes from in plain words."""
    return translate(f"uncertainty.source_{source.value}", {}, language)


def uncertainty_level_name(level: UncertaintyLevel, language: Language) -> str:
    """Return how much uncertainty there is in plain words."""
    return translate(f"uncertainty.level_{level.value}", {}, language)
