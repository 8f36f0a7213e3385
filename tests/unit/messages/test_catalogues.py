"""The two catalogues say the same things, and every error of the source has its Chinese."""

from __future__ import annotations

import pytest

from ood_face.messages import LANGUAGES, catalogue
from ood_face.types import IdentifyVerdict, QualityLevel, Verdict
from tests.unit.messages.source_keys import error_uses, places, reason_uses

ERRORS = error_uses()
REASONS = reason_uses()


def test_the_source_was_found():
    # the keys of this package's first modules; a scan that finds nothing would pass all else
    found = {use.key.pattern for use in ERRORS}
    assert r"image\.empty" in found
    assert r"feature\.norm" in found
    assert len(REASONS) >= 4


@pytest.mark.parametrize("language", LANGUAGES)
def test_sentences_are_texts_without_loose_ends(language):
    for key, sentence in catalogue(language).items():
        assert isinstance(sentence, str), f'{key}: write "{key}.{next(iter(sentence))}" = ...'
        assert sentence == sentence.strip(), key
        assert sentence, key


def test_every_english_sentence_has_a_chinese_one_with_the_same_places():
    chinese = catalogue("zh")
    for key, sentence in catalogue("en").items():
        assert key in chinese, key
        assert places(chinese[key]) == places(sentence), key


def test_every_chinese_sentence_has_its_english():
    english = catalogue("en")
    for key in catalogue("zh"):
        raised = any(use.key.fullmatch(key) for use in ERRORS)
        assert key in english or raised, f"{key} stands in no catalogue and no source"


@pytest.mark.parametrize("use", ERRORS, ids=lambda use: f"{use.where} {use.key.pattern}")
def test_every_error_has_its_chinese_with_the_same_places(use):
    matching = {key: text for key, text in catalogue("zh").items() if use.key.fullmatch(key)}
    assert matching, f"{use.where}: zh.toml has no sentence {use.key.pattern}"
    for key, sentence in matching.items():
        assert places(sentence) == use.places, f"{use.where}: {key}"


@pytest.mark.parametrize("use", REASONS, ids=lambda use: f"{use.where} {use.key.pattern}")
def test_every_reason_has_its_sentences(use):
    for language in LANGUAGES:
        assert any(use.key.fullmatch(key) for key in catalogue(language)), use.where


@pytest.mark.parametrize("language", LANGUAGES)
def test_levels_verdicts_and_both_sides_are_complete(language):
    keys = set(catalogue(language))
    assert {f"level.{level}" for level in QualityLevel} <= keys
    assert {f"verdict.{verdict}" for verdict in Verdict} <= keys
    assert {f"identity.{verdict}" for verdict in IdentifyVerdict} <= keys
    for stem in ("quality.poor", "quality.insufficient", "quality.poor_accepted", "faces.largest"):
        assert {f"{stem}_a", f"{stem}_b"} <= keys


def test_chinese_is_chinese():
    for key, sentence in catalogue("zh").items():
        assert any("\u4e00" <= char <= "\u9fff" for char in sentence), key
