"""Two visitors at once: neither sees what the other sent, by whatever way."""

from __future__ import annotations

import base64
import json
import shutil
from typing import TYPE_CHECKING

import httpx
import pytest
from playwright.sync_api import expect

from tests.e2e.page_actions import EN, PORTRAIT, SPEECH, choose, compare, open_tab
from tests.e2e.page_server import PATIENCE_S

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Page, Request

PREDICT = "/gradio_api/run/predict"
# every address of Gradio that keeps, serves, lists or fetches something
CLOSED = (
    "upload",
    "upload_progress?upload_id=x",
    "file=portrait.jpg",
    "file/portrait.jpg",
    "stream/{session}/x/0/playlist.m3u8",
    "queue/data?session_hash={session}",
    "queue/status",
    "info",
    "runs",
    "app_id",
    "component_server",
    "reset",
    "call/_compare",
    "proxy=http://127.0.0.1:9/",
    "deep_link?session_hash={session}",
)


NAME = "ann-on-holiday.jpg"


@pytest.fixture
def photo(tmp_path) -> Path:
    """Return a picture whose name stands nowhere else."""
    return shutil.copy(PORTRAIT, tmp_path / NAME)


def sent_by(page: Page) -> list[Request]:
    """Return the list to which every event of a page is added."""
    seen: list[Request] = []
    page.on("request", lambda request: PREDICT in request.url and seen.append(request))
    return seen


def repeated(address: str, request: Request, **changed: object) -> httpx.Response:
    """Send an event once more, changed, as somebody else might."""
    body = {**json.loads(request.post_data or "{}"), **changed}
    return httpx.post(f"{address}{PREDICT}", json=body, timeout=PATIENCE_S)


def test_visitors_never_see_each_other(visit, photo):
    first, second = visit(), visit()
    compare(first, SPEECH, SPEECH)
    open_tab(first, EN("tabs.extract"))
    choose(first, "many", photo)
    first.locator("#extracted table").wait_for()

    second.reload()
    second.locator("body[data-language]").wait_for()
    expect(second.locator("#verdict .card-waiting")).to_have_count(1)
    expect(second.locator(".picker-tile")).to_have_count(0)
    open_tab(second, EN("tabs.extract"))
    expect(second.locator("#extracted .card-waiting")).to_be_visible()
    expect(second.locator("#extracted table")).to_have_count(0)
    assert NAME not in second.locator("#extracted").inner_text()


def test_nothing_that_was_sent_is_on_the_disk(visit, temporary):
    page = visit()
    compare(page, PORTRAIT, SPEECH)

    stored = [path for path in temporary.rglob("*") if path.is_file()]
    assert stored == []
    pieces = [picture.read_bytes()[1000:1100] for picture in (PORTRAIT, SPEECH)]
    pieces += [base64.b64encode(piece)[4:60] for piece in pieces]
    for path in temporary.parent.rglob("*"):
        if path.is_file():
            data = path.read_bytes()
            assert not [piece for piece in pieces if piece in data], path


def test_no_route_gives_out_what_a_visitor_sent(visit, address, photo):
    page = visit()
    events = sent_by(page)
    compare(page, photo, SPEECH)
    session = json.loads(events[-1].post_data or "{}")["session_hash"]

    with httpx.Client(base_url=address, timeout=PATIENCE_S) as other:
        for path in CLOSED:
            url = f"/gradio_api/{path.format(session=session)}"
            for method in ("GET", "POST"):
                status = other.request(method, url).status_code
                assert status in (404, 405), (method, url, status)
        for path in ("/monitoring", "/config", "/login", f"/?session_hash={session}"):
            assert NAME not in other.get(path).text


def test_the_others_session_gives_out_neither_pictures_nor_their_names(visit, address, photo):
    page = visit()
    events = sent_by(page)
    open_tab(page, EN("tabs.extract"))
    choose(page, "many", photo)
    page.locator("#extracted table").wait_for()
    extracted = next(one for one in events if NAME in (one.post_data or ""))
    own = json.loads(extracted.post_data or "{}")

    # whoever has no session of this visitor learns nothing, whatever is asked for
    stranger = repeated(address, extracted, session_hash="nobody", data=[[], "en", False])
    assert stranger.status_code == 200
    assert NAME not in stranger.text
    # a session's name is 11 random characters that no other visitor is ever told
    assert len(own["session_hash"]) >= 10
    other = visit()
    answers = []
    other.on("response", lambda response: PREDICT in response.url and answers.append(response))
    other.locator("#language label", has_text="中文").click()
    other.locator('body[data-language="zh"]').wait_for()
    assert answers
    assert not [one for one in answers if own["session_hash"] in one.text()]


def test_a_page_that_is_closed_is_forgotten(visit, address, photo):
    page = visit()
    events = sent_by(page)
    open_tab(page, EN("tabs.extract"))
    choose(page, "many", photo)
    page.locator("#extracted table").wait_for()
    page.locator("#language label", has_text="中文").click()
    page.locator('body[data-language="zh"]').wait_for()
    switch = next(one for one in reversed(events) if NAME not in (one.post_data or ""))
    assert NAME in repeated(address, switch).text

    with page.expect_event("close"):
        page.close()

    # the server hears of it when the connection that told it that the page is there ends
    asked = (repeated(address, switch).text for _ in range(200))
    assert any(NAME not in text for text in asked)
