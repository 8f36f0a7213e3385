"""The tab Search in a real browser: a gallery from nothing to an answer, many at once, and back."""

from __future__ import annotations

import re
import zipfile
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.e2e.page_server import PATIENCE_S, ROOT
from webui.catalogue import texts

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Page

PICTURES = ROOT / "tests" / "pictures"
EN, ZH = texts("en"), texts("zh")
WHO, ONE, MANY, PEOPLE = (f"search.view_{name}" for name in ("who", "one", "many", "people"))
ANSWER = "#found .card:not(.card-waiting)"


@pytest.fixture(scope="module")
def uploads(temporary) -> Path:
    """Return where the server keeps what is being sent."""
    folder: Path = temporary.with_suffix(".data") / "uploads"
    return folder


def kept(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def open_tab(page: Page, words=EN) -> None:
    page.get_by_role("tab", name=words("tabs.search")).click()
    page.locator("#gallery-bar [data-admin]").wait_for()


def view(page: Page, key: str, words=EN) -> None:
    page.get_by_role("tab", name=words(key)).click()


def make_gallery(page: Page, name: str) -> None:
    open_tab(page)
    form = page.locator('form[data-act="create"]')
    if not form.is_visible():
        page.locator(".new-gallery summary").click()
    form.locator("#new-name").fill(name)
    form.get_by_role("button").click()
    expect(page.locator(".done-note")).to_contain_text(name)


def add_one(page: Page, who: str, *files: str) -> None:
    view(page, ONE)
    page.get_by_label(EN("enrol.who")).fill(who)
    paths = [str(PICTURES / file) for file in files]
    page.set_input_files("#picker-person input[type=file]", paths)
    expect(page.locator("#picker-person .picker-tile")).to_have_count(len(files))
    page.get_by_role("button", name=EN("enrol.button")).click()
    # what was given is gone, and the next person begins with nothing
    expect(page.locator("#picker-person .picker-tile")).to_have_count(0)
    expect(page.get_by_label(EN("enrol.who"))).to_have_value("")
    page.locator("#enrolled-one .card").wait_for()


def send_zip(page: Page, archive: Path) -> None:
    view(page, MANY)
    page.set_input_files("#collector-enrol input[type=file] >> nth=1", str(archive))
    page.locator("#enrol-plan .plan").wait_for()


def zipped(folder: Path, members: dict[str, bytes]) -> Path:
    path = folder / "people.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return path


def file(name: str) -> bytes:
    return (PICTURES / name).read_bytes()


def test_from_no_gallery_to_an_answer_and_to_nothing_again(visit):
    page = visit()
    open_tab(page)
    expect(page.locator("#gallery-bar h2")).to_have_text(EN("search.empty_title"))
    expect(page.locator("#search-views")).to_be_hidden()

    make_gallery(page, "staff")
    expect(page.locator("#found h2")).to_have_text(EN("search.nobody_title"))
    add_one(page, "Barack Obama", "obama_1.jpg", "obama_3.jpg", "cat.jpg")
    expect(page.locator("#enrolled-one h2")).to_contain_text("1 person has new pictures in staff")
    expect(page.locator("#enrolled-one tbody tr").first).to_contain_text(EN("enrol.why_no_face"))
    add_one(page, "astronaut", "astronaut.jpg")

    view(page, WHO)
    page.set_input_files("#picker-probe input[type=file]", str(PICTURES / "obama_2.jpg"))
    expect(page.locator(f"{ANSWER} h2")).to_have_text("This is Barack Obama")
    expect(page.locator("#found .candidate")).to_have_count(2)
    expect(page.locator("#picker-probe .mark-chosen")).to_have_count(1)
    expect(page.locator("#score-probe [role=meter]")).to_have_count(1)

    view(page, PEOPLE)
    rows = page.locator("#people tbody tr")
    expect(rows).to_have_count(2)
    page.get_by_label(EN("people.search")).fill("barack")
    page.get_by_label(EN("people.search")).press("Enter")
    expect(rows).to_have_count(1)
    rows.get_by_role("button", name=EN("people.delete_of", who="Barack Obama")).click()
    # the keyboard stands on the answer that changes nothing
    expect(page.get_by_role("button", name=EN("people.no"))).to_be_focused()
    page.get_by_role("button", name=EN("people.yes")).click()
    expect(page.locator("#people .done-note")).to_have_text(EN("search.done_person_deleted"))
    expect(page.locator("#gallery-bar")).to_contain_text("1 person")

    page.locator(".end-gallery summary").click()
    page.locator("#end-name").fill("nonsense")
    page.get_by_role("button", name=EN("people.end_button")).click()
    expect(page.locator("#people [role=alert]")).to_contain_text("type its name")
    page.locator(".end-gallery summary").click()
    page.locator("#end-name").fill("staff")
    page.get_by_role("button", name=EN("people.end_button")).click()
    expect(page.locator("#gallery-bar h2")).to_have_text(EN("search.empty_title"))


def test_many_people_of_a_zip_with_every_refusal_in_plain_words(visit, tmp_path, uploads):
    page = visit()
    make_gallery(page, "many")
    archive = zipped(
        tmp_path,
        {
            "staff/Barack Obama/1.jpg": file("obama_1.jpg"),
            "staff/Barack Obama/2.jpg": file("obama_3.jpg"),
            "staff/astronaut/1.jpg": file("astronaut.jpg"),
            "staff/Somebody/1.jpg": file("obama_2.jpg"),
            "staff/Coffee/1.jpg": file("coffee.jpg"),
            "staff/Coffee/notes.txt": b"no picture",
            "staff/lost.jpg": file("cat.jpg"),
        },
    )
    send_zip(page, archive)
    expect(page.locator("#enrol-plan .summary")).to_contain_text("4 people, 6 pictures")
    expect(page.locator("#enrol-plan .problem")).to_contain_text("1")
    assert len(kept(uploads)) == 1
    page.get_by_role("button", name=EN("enrol.start")).click()

    result = page.locator("#enrolled-many")
    expect(result.locator("h2")).to_have_text("2 people have new pictures in many")
    for reason in ("why_duplicate", "why_no_face", "why_no_picture"):
        expect(result).to_contain_text(EN(f"enrol.{reason}"))
    expect(page.locator("#gallery-bar")).to_contain_text("2 people · 3 pictures")
    assert kept(uploads) == []
    with page.expect_download() as waiting:
        result.locator("a[download]").click()
    assert "astronaut/1.jpg,astronaut,enrolled" in waiting.value.path().read_text("utf-8-sig")


def test_a_folder_in_chinese_on_a_phone(visit, tmp_path):
    folder = tmp_path / "同事"
    for who, name in (("奥巴马", "obama_2.jpg"), ("宇航员", "astronaut.jpg")):
        (folder / who).mkdir(parents=True)
        (folder / who / "1.jpg").write_bytes(file(name))
    make_gallery(visit(), "phone")

    page = visit(width=390, language="zh-CN")
    open_tab(page, ZH)
    page.get_by_label(ZH("search.gallery"), exact=True).select_option("phone")
    view(page, MANY, ZH)
    page.set_input_files("#collector-enrol input[type=file] >> nth=0", str(folder))
    expect(page.locator("#enrol-plan .names")).to_contain_text("奥巴马")
    page.get_by_role("button", name=ZH("enrol.start")).click()
    expect(page.locator("#enrolled-many h2")).to_contain_text("2 人有了新图片")
    view(page, WHO, ZH)
    page.set_input_files("#picker-probe input[type=file]", str(PICTURES / "obama_1.jpg"))
    expect(page.locator(f"{ANSWER} h2")).to_have_text("这是 奥巴马")
    view(page, PEOPLE, ZH)
    expect(page.locator("#people tbody tr")).to_have_count(2)
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    assert (
        re.search(
            r"\b(search|enrol|people|identify)\.[a-z_]+\b", page.locator("#search").inner_text()
        )
        is None
    )


def test_what_cannot_be_read_is_refused_and_the_page_stays_usable(visit, tmp_path):
    page = visit()
    make_gallery(page, "bad")
    broken = tmp_path / "broken.zip"
    broken.write_bytes(zipped(tmp_path, {"a/1.jpg": file("cat.jpg")}).read_bytes()[:-30])
    view(page, MANY)
    page.set_input_files("#collector-enrol input[type=file] >> nth=1", str(broken))
    expect(page.locator("#enrol-plan .card-error")).to_contain_text("broken.zip")
    expect(page.get_by_role("button", name=EN("enrol.start"))).to_be_disabled()

    view(page, WHO)
    page.set_input_files("#picker-probe input[type=file]", str(PICTURES / "cat.jpg"))
    expect(page.locator(ANSWER)).to_contain_text(EN("search.advice_no_face"))
    view(page, ONE)
    page.set_input_files("#picker-person input[type=file]", str(PICTURES / "cat.jpg"))
    page.get_by_role("button", name=EN("enrol.button")).click()
    expect(page.locator("#enrolled-one .card-error")).to_contain_text("say who it is")
    expect(page.locator("#picker-person .picker-tile")).to_have_count(1)


def test_work_can_be_stopped_and_a_closed_page_leaves_nothing(visit, tmp_path, uploads):
    page = visit()
    make_gallery(page, "slow")
    # bytes after the end of a JPEG change nothing but its hash
    pictures = {f"p/{i}.jpg": file("obama_1.jpg") + bytes([i]) for i in range(100)}
    send_zip(page, zipped(tmp_path, pictures))
    page.get_by_role("button", name=EN("enrol.start")).click()
    page.locator("#progress-many").get_by_role("button", name=EN("enrol.cancel")).click()
    expect(page.locator("#enrolled-many")).to_contain_text(EN("enrol.left", count="").split(":")[0])

    send_zip(page, tmp_path / "people.zip")
    assert len(kept(uploads)) == 1
    other = visit()
    page.close()
    for _ in range(int(PATIENCE_S * 10)):
        if not kept(uploads):
            break
        other.wait_for_timeout(100)
    assert kept(uploads) == []
