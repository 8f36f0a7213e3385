"""The tab System in the browser."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.e2e.page_actions import EN, ZH, open_tab


def test_the_tab_says_how_the_system_is_and_how_fast(visit):
    page = visit()
    open_tab(page, EN("tabs.system"))
    expect(page.locator(".light-good").first).to_contain_text(EN("system.works"))
    expect(page.locator(".panel-model")).to_contain_text("rts-r18")
    expect(page.locator(".panel-scenarios tbody tr")).to_have_count(4)

    page.get_by_role("button", name=EN("system.measure")).click()
    expect(page.locator(".steps b")).to_have_count(4)
    for text in page.locator(".steps b").all_inner_texts():
        assert float(text.removesuffix(" ms")) > 0

    page.locator("#language label", has_text="中文").click()
    expect(page.locator(".panel-now h2")).to_have_text(ZH("system.now"))
    # what was measured stays
    expect(page.locator(".steps b")).to_have_count(4)


def test_a_snippet_is_copied_with_this_servers_address(visit, address):
    page = visit()
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    open_tab(page, EN("tabs.system"))
    page.locator(".light-good").first.wait_for()
    button = page.locator("[data-copy]").first
    button.click()

    expect(button).to_have_text(EN("system.copied"))
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied.startswith(f"curl {address}/v1/compare")
    assert page.get_by_text("YOUR_API_KEY").count() == 0


@pytest.mark.parametrize("path", ["sign-in", "sign-in?language=zh"])
def test_one_may_look_at_where_one_signs_in_although_no_key_is_needed(visit, address, path):
    page = visit()
    page.goto(f"{address}/{path}")

    expect(page.locator("#key")).to_be_visible()
