"""A server that asks for keys: a browser gives one as password, programs in a header."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import httpx
import pytest
from axe_playwright_python.base import AXE_FILE_PATH
from playwright.sync_api import expect

from ood_face.access import KeyStore
from ood_face.types import Role
from tests.e2e.page_actions import EN, PORTRAIT, ZH, compare, open_tab
from tests.e2e.page_server import PATIENCE_S, running_page

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Page

AXE = AXE_FILE_PATH.read_text(encoding="utf-8")
PHONE = {"width": 390, "height": 844}


@pytest.fixture(scope="module")
def data_dir(temporary):
    return temporary.with_suffix(".data")


@pytest.fixture(scope="module")
def key(data_dir) -> str:
    with closing(KeyStore(data_dir)) as store:
        return store.create("desk", [Role.READ]).presented


@pytest.fixture(scope="module")
def address(temporary, key) -> Iterator[str]:
    assert key
    with running_page(temporary, api_keys="required") as address:
        yield address


@pytest.fixture
def stranger(browser, address) -> Iterator[Page]:
    """Yield a page that shows where one signs in."""
    with browser.new_context(locale="en-US") as context, context.new_page() as page:
        context.set_default_timeout(PATIENCE_S * 1000)
        expect.set_options(timeout=PATIENCE_S * 1000)
        page.goto(address)
        expect(page.locator("#key")).to_be_focused()
        yield page


def sign_in(page: Page, key: str) -> None:
    page.get_by_label(EN("signin.key"), exact=True).fill(key)
    page.get_by_role("button", name=EN("signin.button")).click()


def test_a_visitor_signs_in_with_a_key_compares_pictures_and_signs_out(stranger, key):
    sign_in(stranger, key)
    stranger.locator("body[data-language]").wait_for()
    expect(stranger.locator("#account")).to_contain_text(EN("signin.as", name="desk"))
    expect(stranger.locator("#account")).to_contain_text(EN("signin.role_read"))
    assert compare(stranger, PORTRAIT, PORTRAIT) == "same"

    stranger.get_by_role("button", name=EN("signin.out")).click()
    expect(stranger.locator("#key")).to_have_count(1)
    stranger.goto(stranger.url)
    expect(stranger.locator("#key")).to_have_count(1)


def test_what_the_key_does_not_allow_is_closed_with_the_reason(stranger, key):
    sign_in(stranger, key)
    stranger.locator("body[data-language]").wait_for()
    open_tab(stranger, EN("tabs.search"))

    search = stranger.locator("#identify")
    expect(search).to_be_disabled()
    reason = EN("signin.lacks", role=EN("signin.role_identify"))
    expect(stranger.locator("#identify-lacks")).to_have_text(reason)
    expect(search).to_have_attribute("aria-describedby", "identify-lacks")


def test_a_wrong_key_is_told_in_either_language(stranger):
    sign_in(stranger, "odf_wrong")
    expect(stranger.get_by_role("alert")).to_have_text(EN("signin.unknown"))

    stranger.get_by_role("link", name="中文").click()
    expect(stranger.locator("h1")).to_have_text(ZH("page.title"))
    sign_in_zh = stranger.get_by_role("button", name=ZH("signin.button"))
    stranger.locator("#key").fill("odf_wrong")
    sign_in_zh.click()
    expect(stranger.get_by_role("alert")).to_have_text(ZH("signin.unknown"))
    assert stranger.evaluate("document.documentElement.lang") == "zh-CN"


def test_the_page_where_one_signs_in_keeps_nobody_out(browser, address):
    for scheme in ("light", "dark"):
        with browser.new_context(color_scheme=scheme, viewport=PHONE) as context:
            page = context.new_page()
            page.goto(address)
            assert page.evaluate("document.documentElement.scrollWidth") == PHONE["width"]
            # its policy lets no script in but the browser's own
            page.evaluate(AXE)
            found = page.evaluate("axe.run()")["violations"]
            assert [one["id"] for one in found if one["impact"] in ("serious", "critical")] == []


def test_a_revoked_key_leads_an_open_page_back_to_signing_in(stranger, data_dir):
    with closing(KeyStore(data_dir)) as store:
        gone = store.create("gone", [Role.READ]).presented
        sign_in(stranger, gone)
        stranger.locator("body[data-language]").wait_for()
        store.revoke("gone")

    stranger.locator("#language label", has_text="中文").click()
    expect(stranger.locator("#key")).to_have_count(1)


def test_a_visitor_without_a_key_sees_nothing(address):
    answer = httpx.get(address, timeout=PATIENCE_S)
    assert answer.status_code == httpx.codes.UNAUTHORIZED
    assert answer.headers["www-authenticate"].startswith("Basic ")
    assert "gradio" not in answer.text


def test_a_large_upload_without_a_key_is_answered_and_not_read(address):
    answer = httpx.post(
        f"{address}/v1/extract", files={"image": ("a.jpg", bytes(12 * 2**20))}, timeout=PATIENCE_S
    )
    assert answer.status_code == httpx.codes.UNAUTHORIZED


def test_a_key_made_and_revoked_beside_the_running_server_counts_at_once(address, data_dir):
    with closing(KeyStore(data_dir)) as store, httpx.Client(base_url=address) as client:
        made = store.create("late", [Role.IDENTIFY]).presented
        client.headers["Authorization"] = f"Bearer {made}"
        assert client.get("/v1/model").status_code == httpx.codes.OK

        store.revoke("late")

        assert client.get("/v1/model").json()["code"] == "access.revoked"
