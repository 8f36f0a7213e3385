"""A browser and the real page, for the tests that visit it."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect, sync_playwright

from tests.e2e.page_server import PATIENCE_S, running_page

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, Page

ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
]


@pytest.fixture(scope="module")
def temporary(tmp_path_factory) -> Path:
    folder: Path = tmp_path_factory.mktemp("page") / "stored"
    return folder


@pytest.fixture(scope="module")
def address(temporary) -> Iterator[str]:
    with running_page(temporary) as address:
        yield address


@pytest.fixture(scope="module")
def browser_arguments() -> list[str]:
    """Return what else the browser is started with; a module of tests may say."""
    return []


@pytest.fixture(scope="module")
def browser(browser_arguments) -> Iterator[Browser]:
    program = shutil.which("chromium")
    if program is None:
        pytest.fail("the tests of the page need chromium on the PATH (apt-get install chromium)")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=program, args=[*ARGUMENTS, *browser_arguments]
        )
        yield browser
        browser.close()


@pytest.fixture
def visit(browser, address) -> Iterator[Callable[..., Page]]:
    """Return a function that opens the page as a new visitor; complaints fail the test."""
    complaints: list[str] = []
    contexts = []

    def watch(page: Page) -> None:
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda line: line.type == "error" and complaints.append(f"{line.text}"))
        page.on("request", lambda request: note_foreign(request.url))

    def note_foreign(url: str) -> None:
        if not url.startswith((address, f"blob:{address}", "data:")):
            complaints.append(f"request to {url}")

    def open_page(width: int = 1280, language: str = "en-US", *, dark: bool = False) -> Page:
        context = browser.new_context(
            viewport={"width": width, "height": 860},
            locale=language,
            accept_downloads=True,
            color_scheme="dark" if dark else "light",
        )
        context.set_default_timeout(PATIENCE_S * 1000)
        contexts.append(context)
        page = context.new_page()
        watch(page)
        page.goto(address)
        page.locator("body[data-language]").wait_for()
        return page

    expect.set_options(timeout=PATIENCE_S * 1000)
    yield open_page
    for context in contexts:
        context.close()
    assert complaints == []
