"""The real page in a real browser: real server, real weights, real uploads."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from PIL import Image
from playwright.sync_api import expect

from tests.e2e.page_actions import (
    ASTRONAUT,
    EN,
    EXAMPLES,
    PORTRAIT,
    RESULT,
    SPEECH,
    ZH,
    choose,
    compare,
    switch_language,
)

if TYPE_CHECKING:
    from playwright.sync_api import Page

# what reads the same in both languages: names of formats, files, languages, the product
SAME_IN_BOTH = re.compile(r"English|中文|[\w.-]+\.(jpg|md)|ood_face|rts[\w.-]*|\+|[≠?=]")


def lines(page: Page) -> list[str]:
    return [line.strip() for line in page.locator("body").inner_text().splitlines() if line.strip()]


def test_two_uploads_give_a_verdict_by_themselves(visit):
    page = visit()

    assert compare(page, SPEECH, SPEECH) == "same"
    for slot in ("left", "right"):
        # the outline and its halo
        expect(page.locator(f"#picker-{slot} .mark-chosen rect")).to_have_count(2)
        expect(page.locator(f"#picker-{slot} .mark-chosen circle")).to_have_count(5)
        meter = page.locator(f"#score-{slot} [role=meter]")
        assert 0 <= int(meter.get_attribute("aria-valuenow") or "-1") <= 100
    expect(page.locator("#verdict h2")).to_have_text(re.compile("same person", re.IGNORECASE))
    expect(page.locator("#verdict .needle b").first).to_have_text("1.00")
    scale = page.locator("#verdict .similarity").first
    expect(scale.locator(".tick")).to_have_text(["-0.2", "0.35", "0.45", "1"])
    page.get_by_text(EN("compare.details"), exact=True).click()
    expect(page.locator("#verdict .facts")).to_contain_text("0.4")


def test_the_outline_lies_on_the_face(visit):
    page = visit()
    compare(page, PORTRAIT, ASTRONAUT)

    box = page.locator("#picker-right .mark-chosen rect").last
    left, top = (float(box.get_attribute(name) or "nan") for name in ("x", "y"))
    width, height = (float(box.get_attribute(name) or "nan") for name in ("width", "height"))
    # the astronaut's nose, read off the picture
    assert left < 163 < left + width
    assert top < 120 < top + height
    assert 40 < width < 160


def test_two_people_are_not_the_same(visit):
    assert compare(visit(), PORTRAIT, ASTRONAUT) in {"different", "review", "recapture"}


def test_the_scenario_can_be_changed_afterwards(visit):
    page = visit()
    compare(page, PORTRAIT, SPEECH)
    page.get_by_text(EN("compare.details"), exact=True).click()
    page.locator("#scenario label", has_text=EN("scenario.finance")).click()

    expect(page.locator("#scenario-note")).to_contain_text(EN("scenario.finance_note"))
    expect(page.locator("#verdict .facts")).to_contain_text("0.65")


def test_an_example_fills_both_pictures(visit):
    page = visit()
    page.locator('[data-example-right="examples/blurred.jpg"]').click()
    page.locator("#picker-right .picker-tile").wait_for()

    # the score sees that the second picture is not to be trusted
    expect(page.locator("#verdict .card-recapture")).to_have_count(1)
    expect(page.locator("#picker-left figcaption")).to_have_text("speech.jpg")


def test_removing_a_picture_takes_the_verdict_away(visit):
    page = visit()
    compare(page, SPEECH, SPEECH)
    page.locator("#picker-right .picker-remove").click()

    expect(page.locator("#verdict .card-waiting")).to_have_count(1)
    expect(page.locator("#score-left [role=meter]")).to_have_count(0)
    expect(page.locator("#picker-left .mark")).to_have_count(0)


def test_the_switch_changes_every_string_also_of_results(visit):
    page = visit()
    compare(page, PORTRAIT, ASTRONAUT)
    page.get_by_role("tab", name=EN("tabs.extract")).click()
    choose(page, "many", PORTRAIT, EXAMPLES / "LICENSES.md")
    page.locator("#extracted table").wait_for()
    shown: dict[str, set[str]] = {}
    for language, words in (("English", EN), ("中文", ZH)):
        switch_language(page, language)
        shown[language] = set()
        for tab in ("extract", "compare", "system"):
            page.get_by_role("tab", name=words(f"tabs.{tab}")).click()
            for fold in page.locator("details:not([open]) summary").all():
                if fold.is_visible():
                    fold.click()
            if tab == "system":
                page.locator(".lights").wait_for()
            code = "\n".join(page.locator("pre, code, .panel-versions").all_inner_texts())
            shown[language] |= set(lines(page)) - {line.strip() for line in code.splitlines()}
        assert page.title() == words("page.title")

    assert page.locator("html").get_attribute("lang") == "zh-CN"
    everything = " ".join(shown["English"] | shown["中文"])
    assert (
        re.search(r"\b(page|picker|compare|extract|details|error|score)\.[a-z_]+\b", everything)
        is None
    )
    assert "{" not in everything
    same = {
        line
        for line in shown["English"] & shown["中文"]
        if re.search(r"[A-Za-z]{2}", SAME_IN_BOTH.sub("", line))
    }
    assert same == set()
    page.reload()
    page.locator('body[data-language="zh"]').wait_for()


def test_the_browsers_language_comes_first(visit):
    page = visit(language="zh-CN")

    expect(page.locator("h1")).to_have_text(ZH("page.title"))


def test_a_bad_file_is_named_and_the_page_stays_usable(visit, tmp_path):
    page = visit()
    text = tmp_path / "holiday.jpg"
    text.write_text("this is no picture")

    assert compare(page, SPEECH, text) == "error"
    expect(page.locator(RESULT)).to_contain_text(EN("error.second"))
    expect(page.locator(RESULT)).to_contain_text(EN("error.advice_image"))
    choose(page, "right", SPEECH)
    expect(page.locator("#verdict .card-same")).to_have_count(1)


def test_a_picture_without_a_face(visit, tmp_path):
    empty = tmp_path / "wall.png"
    Image.radial_gradient("L").save(empty)

    page = visit()
    assert compare(page, empty, PORTRAIT) == "error"
    expect(page.locator(RESULT)).to_contain_text(EN("error.first"))
    expect(page.locator(RESULT)).to_contain_text(EN("error.advice_no_face"))


def test_a_file_over_the_limit_is_not_even_sent(visit, tmp_path):
    huge = tmp_path / "huge.jpg"
    huge.write_bytes(b"\xff\xd8" + bytes(16 * 2**20))

    page = visit()
    choose(page, "left", huge)
    expect(page.locator("#picker-left [role=alert]")).to_contain_text("15.0 MiB")


def test_one_file_over_the_limit_keeps_no_other_out(visit, tmp_path):
    huge = tmp_path / "huge.png"
    huge.write_bytes(bytes(32 * 2**20))
    page = visit()
    page.get_by_role("tab", name=EN("tabs.extract"), exact=True).click()
    choose(page, "many", PORTRAIT, huge, SPEECH)

    expect(page.locator("#picker-many .picker-tile")).to_have_count(2)
    expect(page.locator("#picker-many .picker-notice")).to_contain_text("huge.png has 32.0 MiB")
    expect(page.locator("#picker-many .picker-notice")).not_to_contain_text("At most")


def test_extraction_of_several_pictures_with_downloads(visit):
    page = visit()
    page.get_by_role("tab", name=EN("tabs.extract")).click()
    choose(page, "many", PORTRAIT, ASTRONAUT, EXAMPLES / "LICENSES.md")

    expect(page.locator("#extracted tbody tr")).to_have_count(2)
    expect(page.locator("#extracted .problem")).to_contain_text("LICENSES.md")
    expect(page.locator("#picker-many .mark-chosen")).to_have_count(2)
    with page.expect_download() as waiting:
        page.locator('a[download="faces.json"]').click()
    read = json.loads(Path(waiting.value.path()).read_text(encoding="utf-8"))
    assert [face["file"] for face in read["faces"]] == ["portrait.jpg", "astronaut.jpg"]
    # the gallery shows the part of each picture that is the face
    expect(page.locator(".face-thumb")).to_have_count(2)
    drawn = "(node) => node.style.backgroundImage.startsWith('url(\"blob:')"
    assert all(thumb.evaluate(drawn) for thumb in page.locator(".face-thumb").all())
    with page.expect_download() as waiting:
        page.locator('a[download="faces.csv"]').click()
    assert Path(waiting.value.path()).read_text(encoding="utf-8-sig").count("\n") == 3
    for face in read["faces"]:
        assert sum(number**2 for number in face["feature"]) == pytest.approx(1, abs=1e-3)
        assert len(face["feature"]) == 512


def test_uncertainty_is_estimated_on_request_and_in_both_languages(visit):
    page = visit()
    page.get_by_role("tab", name=EN("tabs.extract")).click()
    choose(page, "many", PORTRAIT, ASTRONAUT)
    expect(page.locator("#extracted tbody tr")).to_have_count(2)
    expect(page.locator(".uncertainties")).to_have_count(0)

    page.get_by_label(EN("uncertainty.option")).check()
    expect(page.locator(".uncertainties h3")).to_have_count(2)
    shown = page.locator(".uncertainties").inner_text()
    for words in ("uncertainty.title", "uncertainty.feature_spread", "uncertainty.rts_variance"):
        assert EN(words) in shown
    assert re.search(r"0\.\d{3} ± 0\.\d{3} \(20 times\)", shown)

    page.get_by_label("中文").check()
    expect(page.locator(".uncertainties h2")).to_have_text(ZH("uncertainty.title"))
    page.get_by_label(ZH("uncertainty.option")).uncheck()
    expect(page.locator(".uncertainties")).to_have_count(0)
    expect(page.locator("#extracted tbody tr")).to_have_count(2)


def test_a_phone_needs_no_sideways_scrolling(visit):
    page = visit(width=390, language="zh-CN")
    compare(page, SPEECH, SPEECH)

    assert page.evaluate("document.documentElement.scrollWidth") == 390
    page.get_by_role("tab", name=ZH("tabs.extract")).click()
    choose(page, "many", PORTRAIT)
    page.locator("#extracted table").wait_for()
    assert page.evaluate("document.documentElement.scrollWidth") == 390
