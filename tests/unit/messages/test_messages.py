"""Negotiation, sentences and their fall-backs."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ood_face import messages
from ood_face.errors import ImageDecodeError, ImageTooLargeError, InputError
from ood_face.messages import (
    LANGUAGES,
    catalogue,
    error_sentence,
    level_name,
    negotiate,
    reason_sentence,
    translate,
    verdict_name,
)
from ood_face.types import QualityLevel, Reason, Verdict


@pytest.mark.parametrize(
    ("header", "language"),
    [
        (None, "en"),
        ("", "en"),
        ("zh", "zh"),
        ("zh-CN,zh;q=0.9,en;q=0.8", "zh"),
        ("zh-TW", "zh"),
        ("zh-Hans", "zh"),
        ("zh-Hant-HK;q=0.5", "zh"),
        ("zh_CN", "zh"),
        ("ZH-cn", "zh"),
        ("en-US,en;q=0.9,zh-CN;q=0.8", "en"),
        ("en;q=0.2,zh;q=0.3", "zh"),
        ("en;q=0.3 , zh ; q=0.2", "en"),
        ("en, zh", "en"),
        ("zh, en", "zh"),
        ("fr-FR,fr;q=0.9,zh;q=0.1", "zh"),
        ("fr, de", "en"),
        ("*", "en"),
        ("zh;q=0", "en"),
        ("zh;q=2", "en"),
        ("zh;level=1", "en"),
        ("zhx", "en"),
        ("x-zh", "en"),
        (";;,,q=zh", "en"),
    ],
)
def test_negotiation(header, language):
    assert negotiate(header) == language


@given(st.text(max_size=200))
def test_any_header_gives_a_language(header):
    assert negotiate(header) in LANGUAGES


def test_a_hostile_header_is_read_in_no_time():
    assert negotiate("zh" + "-a" * 10_000_000) == "zh"
    assert negotiate("a-" * 10_000_000 + ",zh") == "en"


def test_names_of_levels():
    names = [level_name(level, "zh") for level in QualityLevel]
    assert names == ["优秀", "良好", "一般", "较差"]
    assert [level_name(level, "en") for level in QualityLevel] == list(QualityLevel)


def test_names_of_verdicts():
    assert [verdict_name(verdict, "en") for verdict in Verdict] == [
        "same person",
        "needs review",
        "different people",
        "retake the picture",
    ]
    assert len({verdict_name(verdict, "zh") for verdict in Verdict}) == 4


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_reason_names_its_numbers(language):
    reason = Reason("similarity.between", {"similarity": 0.4, "low": 0.35, "high": 0.45})
    sentence = reason_sentence(reason, language)
    assert all(number in sentence for number in ("0.400", "0.350", "0.450"))


def test_the_two_pictures_are_told_apart():
    values: dict[str, float | str] = {"score": 0.2, "threshold": 0.4}
    first, second = (reason_sentence(Reason(f"quality.poor_{x}", values), "en") for x in "ab")
    assert "first picture" in first
    assert "second picture" in second


def test_an_errors_english_is_its_own():
    error = ImageTooLargeError("image.too_many_bytes", "{size} of {limit}", size=5, limit=4)
    assert error_sentence(error, "en") == "5 of 4"
    assert error_sentence(error, "zh") == "图片有 5 字节，上限为 4 字节"


def test_an_error_without_chinese_stays_english():
    error = InputError("no.such_key", "the {thing} is wrong", thing="hat")
    assert error_sentence(error, "zh") == "the hat is wrong"


def test_braces_in_values_are_left_alone():
    error = ImageDecodeError("image.damaged", "the {format} file", format="{0}{x}")
    assert error_sentence(error, "zh").startswith("{0}{x} 文件")


def test_a_key_that_nobody_has_is_returned():
    assert translate("no.such_key", {}, "zh") == "no.such_key"


def test_catalogues_are_read_once_and_cannot_be_changed():
    assert catalogue("zh") is catalogue("zh")
    with pytest.raises(TypeError):
        catalogue("zh")["level.good"] = "x"  # type: ignore[index]


def test_exports_are_sorted_and_there():
    assert messages.__all__ == sorted(messages.__all__)
    assert all(hasattr(messages, name) for name in messages.__all__)
