"""Every tab under axe-core, in both themes; at the width of a phone; by keyboard alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from tests.e2e.page_actions import EN, SPEECH, ZH, choose, compare, open_tab
from webui.page import TABS

if TYPE_CHECKING:
    from playwright.sync_api import Page

GRAVE = ("serious", "critical")
PHONE_PX = 390


def wait_until_settled(page: Page) -> None:
    """Return when nothing is asked for and nothing moves: a colour on its way has no contrast."""
    page.wait_for_function(
        "!document.querySelector('[aria-busy=true]') &&"
        " document.getAnimations().every((one) => one.playState !== 'running')"
    )


def grave_findings(page: Page) -> list[str]:
    """Return what axe-core finds that keeps people out, with where."""
    wait_until_settled(page)
    found = Axe().run(page).response["violations"]
    return [
        f"{finding['id']}: {node['target']} {node['failureSummary']}"
        for finding in found
        if finding["impact"] in GRAVE
        for node in finding["nodes"]
    ]


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_no_tab_keeps_anybody_out(visit, dark):
    page = visit(dark=dark)
    findings = {}
    for name in TABS:
        open_tab(page, EN(f"tabs.{name}"))
        findings[name] = grave_findings(page)

    assert [one for found in findings.values() for one in found] == []


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_results_keep_nobody_out_either(visit, dark):
    page = visit(dark=dark, language="zh-CN")
    compare(page, SPEECH, SPEECH)
    for fold in page.locator("#verdict summary").all():
        fold.click()
    verdict = grave_findings(page)
    open_tab(page, ZH("tabs.extract"))
    choose(page, "many", SPEECH)
    page.locator("#extracted table").wait_for()

    assert verdict == []
    assert grave_findings(page) == []


@pytest.mark.parametrize("language", ["en-US", "zh-CN"])
def test_no_tab_scrolls_sideways_on_a_phone(visit, language):
    page = visit(width=PHONE_PX, language=language)
    words = ZH if language == "zh-CN" else EN
    widths = {}
    for name in TABS:
        open_tab(page, words(f"tabs.{name}"))
        wait_until_settled(page)
        widths[name] = page.evaluate("document.documentElement.scrollWidth")

    assert widths == dict.fromkeys(TABS, PHONE_PX)


def test_two_pictures_are_compared_with_the_keyboard_alone(visit):
    page = visit()
    example = page.locator(".example").first
    for _ in range(40):
        page.keyboard.press("Tab")
        if example.evaluate("(node) => node === document.activeElement"):
            break
    page.keyboard.press("Enter")

    expect(page.locator("#verdict .card-same")).to_have_count(1)
    expect(page.locator("#verdict [role=status]")).to_have_attribute("aria-live", "polite")


def test_the_language_of_the_page_is_told_to_readers(visit):
    assert visit(language="zh-CN").locator("html").get_attribute("lang") == "zh-CN"
    assert visit().locator("html").get_attribute("lang") == "en"


def test_arrow_keys_go_from_choice_to_choice_and_show_where_they_are(visit):
    page = visit()
    choices = page.locator("#scenario input")
    choices.first.focus()
    page.keyboard.press("ArrowRight")

    expect(choices.nth(1)).to_be_focused()
    chosen = page.locator("#scenario label.selected")
    expect(chosen).to_have_text(EN("scenario.attendance"))
    expect(chosen).to_have_css("outline-style", "solid")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowUp")
    expect(chosen).to_have_text(EN("scenario.finance"))
    page.locator("#language input").first.focus()
    page.keyboard.press("ArrowRight")
    expect(page.locator("h1")).to_have_text(ZH("page.title"))
