"""A server that asks for keys: a browser gives one as password, programs in a header."""

from __future__ import annotations

import re
from contextlib import closing
from typing import TYPE_CHECKING

import httpx
import pytest
from playwright.sync_api import expect

from ood_face.access import KeyStore
from ood_face.types import Role
from tests.e2e.page_server import PATIENCE_S, ROOT, running_page

if TYPE_CHECKING:
    from collections.abc import Iterator

PORTRAIT = ROOT / "webui" / "examples" / "portrait.jpg"


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


def test_a_visitor_with_a_key_compares_pictures(browser, address, key):
    context = browser.new_context(http_credentials={"username": "any", "password": key})
    with context, context.new_page() as page:
        context.set_default_timeout(PATIENCE_S * 1000)
        expect.set_options(timeout=PATIENCE_S * 1000)
        page.goto(address)
        page.locator("body[data-language]").wait_for()
        for side in ("left", "right"):
            page.set_input_files(f"#picker-{side} input[type=file]", [str(PORTRAIT)])
            page.locator(f"#picker-{side} .picker-tile").wait_for()
        expect(page.locator("#verdict h2")).to_have_text(re.compile("same person", re.IGNORECASE))


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
