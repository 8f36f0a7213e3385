"""Events that no page of ours sends: refused or made harmless, and never written into the log."""

from __future__ import annotations

import asyncio
import base64
import json
from contextlib import closing
from typing import TYPE_CHECKING, Any

import gradio as gr
import pytest
from fastapi.testclient import TestClient

from ood_face.access import KeyStore
from ood_face.api.auth import Access
from ood_face.api.served import Served
from ood_face.config import Settings
from ood_face.types import Role
from tests.fakes import fake_gallery_service, fake_service, picture, png
from webui import server
from webui.event_inputs import cleaned, is_session

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

HOST = "http://127.0.0.1:7860"
EVENTS = "/gradio_api/run/predict"
# half of a character, as file names on Windows can have it
HALF = "\ud800"


def basic(key: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"any:{key}".encode()).decode()}


class Page:
    """Sends the page's events as a browser, or as somebody who forges them."""

    def __init__(self, client: TestClient, blocks: gr.Blocks, folder: Path, key: str) -> None:
        self._client, self._blocks, self._folder = client, blocks, folder
        self._headers = basic(key)

    def send(
        self, module: str, handler: str, data: list[Any], headers: Any = None, **others: Any
    ) -> Any:
        return self.send_to(self._number(module, handler), data, headers, **others)

    def inputs_of(self, module: str, handler: str) -> int:
        return len(self._blocks.fns[self._number(module, handler)].inputs)

    def html(self, headers: dict[str, str]) -> str:
        return self._client.get("/", headers=headers | self._headers).text

    def _number(self, module: str, handler: str) -> int:
        return next(
            index
            for index, event in self._blocks.fns.items()
            if event.fn is not None
            and (event.fn.__module__, event.fn.__name__) == (f"webui.{module}", handler)
        )

    def send_to(self, number: int, data: list[Any], headers: Any = None, **others: Any) -> Any:
        body = {"data": data, "fn_index": number, "session_hash": "a", **others}
        # as bytes: what httpx writes cannot hold half characters
        content = json.dumps(body).encode()
        kind = {"Content-Type": "application/json"}
        return self._client.post(EVENTS, content=content, headers=kind | (headers or self._headers))

    def close(self, session: str) -> None:
        """Send what Gradio sends itself where the connection of an open page ends."""
        for number, event in self._blocks.fns.items():
            if any(target[1] == "unload" for target in event.targets):
                assert self.send_to(number, [], session_hash=session).status_code == 200

    def uploads(self) -> int:
        """Return how many bundles lie on the disk."""
        return len(list((self._folder / "uploads").iterdir()))

    @property
    def sessions(self) -> list[str]:
        return list(self._blocks.state_holder.session_data)


@pytest.fixture(scope="module")
def store(tmp_path_factory) -> Iterator[KeyStore]:
    with closing(KeyStore(tmp_path_factory.mktemp("data"))) as store:
        yield store


@pytest.fixture(scope="module")
def page(store, tmp_path_factory) -> Iterator[Page]:
    folder = tmp_path_factory.mktemp("served")
    settings = Settings(data_dir=folder)
    served = Served(
        fake_service(), settings, Access(store, settings), galleries=fake_gallery_service()
    )

    async def build() -> TestClient:
        return TestClient(server.build_app(served), base_url=HOST)

    # where no event loop runs, Gradio makes its own and never closes them
    with asyncio.run(build()) as client:
        blocks = next(
            route.app.get_blocks()
            for route in client.app.routes
            if hasattr(getattr(route, "app", None), "get_blocks")
        )
        yield Page(client, blocks, folder, store.create("chief", [Role.ADMIN]).presented)


def sent(name: str = "a.png", data: bytes | None = None) -> list[dict[str, str]]:
    data = png(picture(60)) if data is None else data
    return [{"name": name, "data": base64.b64encode(data).decode()}]


def sent_part(name: str, data: bytes) -> dict[str, Any]:
    return {"file": 0, "name": name, "offset": 0, "data": base64.b64encode(data).decode()}


def test_half_characters_become_a_sign_for_what_is_missing_and_the_rest_stays():
    assert cleaned([f"a{HALF}b", "张😀", {HALF: 1}, None]) == [
        "a\ufffdb", "张😀", {"\ufffd": 1}, None,
    ]  # fmt: skip


@pytest.mark.parametrize("value", [{"path": "/etc/passwd"}, [{"a": {"meta": {}}}]])
def test_inputs_that_name_files_are_refused(value):
    with pytest.raises(ValueError, match="name files"):
        cleaned(value)


def test_inputs_without_end_are_refused_before_they_exhaust_the_server():
    value: list[Any] = []
    for _ in range(5000):
        value = [value]

    with pytest.raises(ValueError, match="deep"):
        cleaned(value)


@pytest.mark.parametrize("name", ["", "x" * 129, "a b", "张", "a\n"])
def test_a_session_has_a_short_plain_name(name):
    assert is_session("k3j9x0a2b1c")
    assert not is_session(name)


def test_a_file_whose_name_is_no_text_is_answered_as_any_other(page):
    answer = page.send("extract_tab", "_extract", [sent(f"{HALF}.png"), "en", False])

    assert answer.status_code == 200
    assert "\ufffd.png" in answer.text


def test_a_gallery_name_that_is_no_text_is_answered_with_a_sentence(page):
    wish = {"act": "create", "name": HALF, "templates": "5"}

    answer = page.send("search_tab", "_answer", [None, "en"], event_data=wish)

    assert answer.status_code == 200


def test_what_is_refused_is_not_written_into_the_log(page, capfd):
    answer = page.send("extract_tab", "_extract", [[], sent(), False])

    assert answer.status_code == 422
    assert sent()[0]["data"][:40] not in answer.text + "".join(capfd.readouterr())


@pytest.mark.parametrize(
    ("data", "status"),
    [
        ([], 422),
        ([None] * 30, 200),
        (["x", "en", {"path": "/etc/passwd"}], 422),
        ([[[[]] * 30], "en", {}], 200),
    ],
    ids=["none", "too-many", "a-file", "lists"],
)
def test_forged_inputs_leave_no_traceback_and_are_no_failure_of_ours(page, capfd, data, status):
    answer = page.send("extract_tab", "_extract", data)

    assert answer.status_code == status
    assert "Traceback" not in "".join(capfd.readouterr())


def test_a_session_with_an_endless_name_is_not_remembered(page):
    answer = page.send("extract_tab", "_extract", [[], "en", False], session_hash="x" * 100_000)

    assert answer.status_code == 422
    assert "session is refused" in answer.text
    assert all(len(name) < 200 for name in page.sessions)


def test_a_number_of_endless_digits_is_none(page):
    shelf = {"act": "create", "name": "staff", "templates": "5", "scenario": "default"}
    page.send("search_tab", "_answer", [None, "en"], event_data=shelf)
    wish = {"act": "ask", "id": "anna", "template": "9" * 5000}

    answer = page.send("search_people", "_answer", [None, None, "en"], event_data=wish)

    assert answer.status_code == 200


def test_no_scenario_at_all_means_the_first(page):
    answer = page.send("compare_tab", "_compare", [sent(), sent(), None, "en"])

    assert answer.status_code == 200


@pytest.mark.parametrize(
    ("module", "handler", "others"),
    [("compare_tab", "_compare", ["default", "en"]), ("extract_tab", "_extract", ["en", False])],
)
def test_a_key_has_as_many_requests_on_the_page_as_it_has_in_the_api(
    page, store, module, handler, others
):
    headers = basic(store.create(module, [Role.READ], rate_per_minute=1).presented)
    pictures = [sent()] * (2 if handler == "_compare" else 1)

    first, second = (page.send(module, handler, [*pictures, *others], headers) for _ in range(2))

    spent = "used up its 1 requests a minute"
    assert spent not in first.text
    assert spent in second.text


def test_a_zip_that_was_refused_is_erased_also_where_it_is_enrolled_all_the_same(page):
    page.send(
        "search_tab",
        "_answer",
        [None, "en"],
        event_data={"act": "create", "name": "many", "templates": "5", "scenario": "default"},
    )
    slice_ = {"bundle": "e" * 32, "last": True, "parts": [sent_part("a.zip", b"PK\x03\x04 no zip")]}
    page.send("search_many", "_receive", ["folders", "en"], event_data=slice_)
    assert page.uploads() == 1

    answer = page.send("search_many", "_enrol", [None, False, None, "en"])

    assert answer.status_code == 200
    assert page.uploads() == 0


def test_nothing_is_left_of_a_page_that_was_closed(page):
    page.send("extract_tab", "_extract", [sent(), "en", False], session_hash="closing")
    assert "closing" in page.sessions

    page.close("closing")

    assert "closing" not in page.sessions


def test_who_knows_a_session_but_shows_another_key_sees_nothing_of_it(page, store):
    other = basic(store.create("other", [Role.READ]).presented)
    page.send("extract_tab", "_extract", [sent("mine.png"), "en", False], session_hash="s1")

    def shown(headers: dict[str, str] | None) -> str:
        values = [None] * page.inputs_of("page", "speak")
        answer = page.send(
            "page", "speak", ["en", None, None, "default", *values[4:]], headers, session_hash="s1"
        )
        assert answer.status_code == 200
        return answer.text

    assert "mine.png" in shown(None)
    assert "mine.png" not in shown(other)


def test_the_address_in_the_page_is_not_what_a_visitor_says_it_is(page):
    for name in ("X-Forwarded-Host", "X-Direct-Url", "X-Gradio-Server"):
        assert "evil.example" not in page.html({name: "http://evil.example"})
