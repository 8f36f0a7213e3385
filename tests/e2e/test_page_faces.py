"""Several faces in a picture, the doubt about a verdict, and what to do about it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PIL import Image
from playwright.sync_api import expect

from tests.e2e.page_actions import (
    BLURRED,
    EN,
    PORTRAIT,
    SPEECH,
    ZH,
    compare,
    switch_language,
)

if TYPE_CHECKING:
    from pathlib import Path


def two_people(folder: Path) -> Path:
    """Return a picture of the portrait and, larger, the speaker."""
    both = Image.new("RGB", (720, 420), "white")
    both.paste(Image.open(PORTRAIT).crop((60, 0, 394, 420)), (0, 0))
    both.paste(Image.open(SPEECH).crop((20, 0, 380, 420)).resize((300, 350)), (380, 0))
    pair = folder / "pair.png"
    both.save(pair)
    return pair


def test_of_several_faces_the_visitor_picks_one_by_button_or_outline(visit, tmp_path):
    page = visit()
    assert compare(page, PORTRAIT, two_people(tmp_path)) == "choose"
    expect(page.locator("#picker-right .mark text")).to_have_text(["1", "2"])
    expect(page.locator("#picker-right [aria-pressed=true]")).to_have_count(0)

    page.get_by_role("button", name=EN("picker.face", number=2)).click()
    expect(page.locator("#verdict .card-same")).to_have_count(1)
    expect(page.locator("#picker-right [aria-pressed=true]")).to_have_text("2")
    expect(page.locator("#picker-right .mark-chosen text")).to_have_text("2")
    similarity = page.locator("#verdict .needle b").first.inner_text()

    page.locator("#picker-right .mark").first.locator("rect").last.click(force=True)
    expect(page.locator("#picker-right [aria-pressed=true]")).to_have_text("1")
    expect(page.locator("#verdict .needle b").first).not_to_have_text(similarity)


def test_the_doubt_is_said_in_words_and_taken_apart_behind_a_fold(visit):
    page = visit()
    compare(page, PORTRAIT, SPEECH)
    expect(page.locator("#verdict .doubt-main")).to_contain_text(EN("doubt.main"))
    page.get_by_text(EN("doubt.fold")).click()

    fold = page.locator("#verdict .doubt")
    expect(fold).to_contain_text(EN("doubt.probability"))
    expect(fold).to_contain_text(EN("doubt.source_picture"))
    expect(fold).to_contain_text(EN("doubt.calibration_model"))
    switch_language(page, "中文")
    expect(page.locator("#verdict .doubt-main")).to_contain_text(ZH("doubt.main"))


def test_a_picture_to_retake_says_what_is_wrong_with_it_and_how_to_mend_it(visit):
    page = visit()
    compare(page, SPEECH, BLURRED)

    advice = page.locator("#verdict .advice")
    expect(advice).to_contain_text(EN("compare.retake_second"))
    expect(advice).to_contain_text(EN("fault.do_blurred"))
