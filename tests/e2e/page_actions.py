"""What visitors do, for the tests of the page."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from tests.e2e.page_server import ROOT
from webui.catalogue import texts

if TYPE_CHECKING:
    from playwright.sync_api import Page

__all__ = [
    "ASTRONAUT",
    "BLURRED",
    "EN",
    "EXAMPLES",
    "PORTRAIT",
    "RESULT",
    "SPEECH",
    "ZH",
    "choose",
    "compare",
    "open_tab",
    "switch_language",
]

EXAMPLES = ROOT / "webui" / "examples"
PORTRAIT, SPEECH = EXAMPLES / "portrait.jpg", EXAMPLES / "speech.jpg"
ASTRONAUT, BLURRED = EXAMPLES / "astronaut.jpg", EXAMPLES / "blurred.jpg"
RESULT = "#verdict .card:not(.card-waiting)"
EN, ZH = texts("en"), texts("zh")


def choose(page: Page, slot: str, *files: Path) -> None:
    page.set_input_files(f"#picker-{slot} input[type=file]", [str(file) for file in files])


def compare(page: Page, left: Path, right: Path) -> str:
    """Give two pictures, wait for the card, return its kind."""
    choose(page, "left", left)
    page.locator("#picker-left .picker-tile").wait_for()
    choose(page, "right", right)
    page.locator(RESULT).wait_for()
    kind = page.locator(RESULT).get_attribute("data-kind")
    assert kind is not None
    return kind


def open_tab(page: Page, name: str) -> None:
    """Open a tab, also one that a narrow page keeps in its menu."""
    tab = page.get_by_role("tab", name=name, exact=True).first
    if not tab.is_visible():
        page.locator(".overflow-menu > button").first.click()
        tab = page.locator(".overflow-dropdown button", has_text=name).first
    tab.click()


def switch_language(page: Page, name: str) -> None:
    page.locator("#language label", has_text=name).click()
    language = {"English": "en", "中文": "zh"}[name]
    page.locator(f'body[data-language="{language}"]').wait_for()
