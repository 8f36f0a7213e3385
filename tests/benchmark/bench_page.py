"""The page in a real browser: until it can be used, until a verdict, until a change of language.

Prints a table and writes ``build/bench/page.json``; never fails on wall time. Needs chromium.
"""

from __future__ import annotations

import shutil
import statistics
import sys
import time
from typing import TYPE_CHECKING

from playwright.sync_api import sync_playwright

from tests.benchmark.machine import Figure, publish
from tests.benchmark.served import ROOT, server

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Browser

EXAMPLES = ROOT / "webui" / "examples"
ARGUMENTS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"]
VISITS = 7
TIMEOUT_MS = 120_000.0


def ms_of(step: Callable[[], object]) -> float:
    """Return how long a step takes, milliseconds."""
    began = time.perf_counter()
    step()
    return 1000 * (time.perf_counter() - began)


def visit(browser: Browser, address: str) -> dict[str, float]:
    """Visit the page once with an empty cache; return milliseconds by step."""
    with browser.new_context(locale="en-US") as context:
        context.set_default_timeout(TIMEOUT_MS)
        page = context.new_page()

        def opened() -> None:
            page.goto(address, wait_until="commit")
            # the pickers take pictures, and every word is there
            page.locator("body[data-language] #picker-right .picker-empty").wait_for()

        found = {"open": ms_of(opened)}
        page.set_input_files("#picker-left input[type=file]", EXAMPLES / "portrait.jpg")
        page.locator("#picker-left .picker-tile").wait_for()

        def compared() -> None:
            page.set_input_files("#picker-right input[type=file]", EXAMPLES / "speech.jpg")
            page.locator("#verdict .card-same").wait_for()

        found["verdict"] = ms_of(compared)

        def switched() -> None:
            page.locator("#language label", has_text="中文").click()
            page.locator('body[data-language="zh"]').wait_for()

        found["language"] = ms_of(switched)
    return found


def main() -> int:
    """Run the benchmark."""
    program = shutil.which("chromium")
    if program is None:
        print("the benchmark of the page needs chromium on the PATH", file=sys.stderr)
        return 1
    with server() as (address, _, _), sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=ARGUMENTS)
        visit(browser, address)  # the first one warms networks and files up
        visits = [visit(browser, address) for _ in range(VISITS)]
        browser.close()
    said = {
        "open": "page opened and usable, empty cache",
        "verdict": "second picture given -> verdict shown",
        "language": "change of language",
    }
    figures = []
    for step, name in said.items():
        times = [one[step] for one in visits]
        note = f"longest {max(times):.0f}, {VISITS} visits"
        figures.append(Figure(name, statistics.median(times), "ms", note))
    publish("page", "The page in headless Chromium on the same machine", figures)
    return 0


if __name__ == "__main__":
    sys.exit(main())
