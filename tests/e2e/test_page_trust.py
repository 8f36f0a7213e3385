"""The tab Trust of the real page: doubtful cases, drift, own pictures, in a real browser."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from PIL import Image
from playwright.sync_api import expect

from tests.e2e.page_actions import ASTRONAUT, BLURRED, EN, SPEECH, ZH, compare, open_tab
from tests.e2e.page_server import ROOT, running_page

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Page

PICTURES = ROOT / "tests" / "pictures"
PHONE_PX = 390
GRAVE = ("serious", "critical")


@pytest.fixture(scope="module")
def address(temporary) -> Iterator[str]:
    with running_page(temporary, review_crops=True) as address:
        yield address


@pytest.fixture(scope="module")
def own_pictures(tmp_path_factory) -> Path:
    """Return a zip of three people's folders, with one file that is no picture."""
    path: Path = tmp_path_factory.mktemp("own") / "people.zip"
    people = {
        "obama": ["obama_1.jpg", "obama_2.jpg", "obama_3.jpg"],
        "biden": ["biden_1.jpg"],
        "collins": ["astronaut.jpg"],
    }
    with zipfile.ZipFile(path, "w") as archive:
        for person, files in people.items():
            for file in files:
                archive.write(PICTURES / file, f"people/{person}/{file}")
        archive.writestr("people/biden/broken.jpg", b"no picture")
    return path


def open_part(page: Page, part: str, words=EN) -> None:
    open_tab(page, words("tabs.trust"))
    open_tab(page, words(f"trust.{part}"))


def send(page: Page, archive: Path) -> None:
    page.set_input_files("#collector-own input[type=file]:not([webkitdirectory])", str(archive))


def saved(page: Page, selector: str) -> bytes:
    with page.expect_download() as waiting:
        page.locator(selector).first.click()
    return Path(waiting.value.path()).read_bytes()


def grave_findings(page: Page) -> list[str]:
    page.wait_for_function("document.getAnimations().every((a) => a.playState !== 'running')")
    found = Axe().run(page).response["violations"]
    return [
        f"{finding['id']}: {node['target']}"
        for finding in found
        if finding["impact"] in GRAVE
        for node in finding["nodes"]
    ]


def test_a_doubtful_comparison_is_labelled_by_key_taken_back_and_exported(visit):
    page = visit()
    compare(page, SPEECH, BLURRED)
    page.locator("#picker-left .picker-remove").click()
    page.locator("#picker-right .picker-remove").click()
    compare(page, ASTRONAUT, BLURRED)
    open_part(page, "review")
    cards = page.locator(".review-card")
    expect(cards).to_have_count(2)
    expect(cards.first.locator("img")).to_have_count(2)
    assert grave_findings(page) == []

    page.keyboard.press("2")
    expect(page.locator("#review-said")).to_contain_text(EN("review.said_different"))
    expect(cards).to_have_count(1)
    # the focus goes on to the next card, which is the same person
    expect(cards.first).to_be_focused()
    page.keyboard.press("1")
    expect(page.locator(".review-top")).to_contain_text(EN("review.counts", waiting=0, labelled=2))
    page.locator("#review-said [data-do=undo]").click()
    expect(cards).to_have_count(1)
    labels = np.load(io.BytesIO(saved(page, ".review-top [data-do=export]")))["labels"]
    assert labels.tolist() == [0]

    page.locator("[data-filter=state]").select_option("all")
    expect(cards).to_have_count(2)
    page.once("dialog", lambda dialog: dialog.accept())
    cards.first.locator("[data-do=delete]").click()
    expect(cards).to_have_count(1)


def test_the_drift_watch_says_in_chinese_on_a_phone_what_it_has_seen(visit):
    page = visit(width=PHONE_PX, language="zh-CN")
    compare(page, SPEECH, SPEECH)
    open_part(page, "drift", ZH)

    expect(page.locator("#drift h2")).to_have_text(ZH("drift.title_learning"))
    expect(page.locator(".drift-signal").first).to_contain_text(ZH("drift.signal_ood_score"))
    # the shares of the answers so far
    page.locator("#drift .plot").first.scroll_into_view_if_needed()
    expect(page.locator("#drift .plot[data-drawn] svg.main-svg").first).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") == PHONE_PX
    assert grave_findings(page) == []


def test_own_pictures_become_a_report_and_a_scenario(visit, own_pictures):
    page = visit()
    open_part(page, "own")
    send(page, own_pictures)
    expect(page.locator("#own")).to_contain_text(EN("own.plan", people="3", pictures="6"))
    page.locator("[data-do=measure]").click()

    expect(page.locator(".report-head")).to_contain_text("6 pictures, 5 with a face, of 3 people")
    expect(page.locator(".report-head")).to_contain_text(EN("report.unreadable", count=1))
    # so few people carry no calibration, and the report says how many are needed
    expect(page.locator(".report-lacking").first).to_contain_text(EN("report.lacking"))
    page.locator("#own .plot").first.scroll_into_view_if_needed()
    expect(page.locator("#own .plot[data-drawn]").first).to_be_visible()
    picture = Image.open(io.BytesIO(saved(page, "[data-png=scores]")))
    assert (picture.format, picture.width) == ("PNG", 1920)
    numbers = saved(page, 'a[download="scores.csv"]').decode("utf-8-sig").splitlines()
    assert numbers[0] == "score_from,score_to,pictures"
    assert sum(int(line.split(",")[2]) for line in numbers[1:]) == 5
    assert grave_findings(page) == []

    page.locator("[data-filter=name]").fill("My Desk")
    page.locator("[data-do=save]").click()
    expect(page.locator("#own .card-error")).to_contain_text("My Desk")
    page.locator("[data-filter=name]").fill("desk")
    page.locator("[data-do=save]").click()
    expect(page.locator("#own .card-error")).to_have_count(0)
    expect(page.locator("#scenario label", has_text="desk")).to_have_count(1)


def test_pictures_of_one_person_are_refused_and_the_part_stays_usable(
    visit, own_pictures, tmp_path
):
    alone = tmp_path / "alone.zip"
    with zipfile.ZipFile(alone, "w") as archive:
        archive.write(PICTURES / "obama_1.jpg", "obama/1.jpg")
    page = visit(width=PHONE_PX, language="zh-CN")
    open_part(page, "own", ZH)
    send(page, alone)

    expect(page.locator("#own .card-error")).to_contain_text("至少两个人")
    send(page, own_pictures)
    expect(page.locator("#own [data-do=measure]")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") == PHONE_PX


def test_measuring_can_be_cancelled_and_leaves_no_picture(visit, temporary, tmp_path):
    many = tmp_path / "many.zip"
    with zipfile.ZipFile(many, "w") as archive:
        for number in range(120):
            person = number % 4
            archive.write(PICTURES / "obama_1.jpg", f"p{person}/{number}.jpg")
    page = visit()
    open_part(page, "own")
    send(page, many)
    page.locator("[data-do=measure]").click()
    page.locator("[data-do=cancel]").click()

    expect(page.locator("#own-said")).to_contain_text(EN("own.cancelled"))
    expect(page.locator("#own")).to_contain_text(EN("own.need_title"))
    uploads = temporary.with_suffix(".data") / "uploads"
    assert [path for path in uploads.rglob("*") if path.is_file()] == []
