"""Signing in at the page, and what a session opens."""

from __future__ import annotations

import asyncio
import logging
from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from fastapi.testclient import TestClient

from ood_face.access import KeyStore
from ood_face.api.auth import Access
from ood_face.api.served import Served
from ood_face.config import Settings
from ood_face.messages import LANGUAGES
from ood_face.types import Role
from tests.fakes import fake_service
from webui import server
from webui.catalogue import texts
from webui.signin import SignIn

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fastapi import FastAPI

HOST = "http://faces.example:7860"
LOCAL = "http://127.0.0.1:7860"
COOKIE = "ood_face_7860"
BROWSER = {"Accept": "text/html,application/xhtml+xml", "Sec-Fetch-Mode": "navigate"}
SCRIPT = {"Accept": "*/*", "Sec-Fetch-Mode": "cors"}


@pytest.fixture(scope="module")
def store(tmp_path_factory) -> Iterator[KeyStore]:
    with closing(KeyStore(tmp_path_factory.mktemp("data"))) as store:
        yield store


@pytest.fixture(scope="module")
def key(store) -> str:
    return store.create("desk", [Role.READ]).presented


def app_of(store: KeyStore, waits: list[float] | None = None, **changed: object) -> FastAPI:
    settings = Settings(**changed)
    access = Access(store, settings)

    async def note(seconds: float) -> None:
        if waits is not None:
            waits.append(seconds)

    async def build() -> FastAPI:
        served = Served(fake_service(), settings, access)
        return server.build_app(served, SignIn(access, COOKIE, sleep=note))

    # where no event loop runs, Gradio makes its own and never closes them
    return asyncio.run(build())


@pytest.fixture(scope="module")
def waits() -> list[float]:
    return []


@pytest.fixture(scope="module")
def app(store, waits) -> FastAPI:
    return app_of(store, waits, host="0.0.0.0")  # noqa: S104 - what it is about


@pytest.fixture
def client(app) -> Iterator[TestClient]:
    with TestClient(app, base_url=HOST, follow_redirects=False) as client:
        yield client


def sign_in(client: TestClient, key: str, name: str = "", **headers: str):
    return client.post("/sign-in", data={"name": name, "key": key}, headers=headers)


def test_a_browser_is_led_to_where_one_signs_in(client):
    answer = client.get("/", headers=BROWSER)

    assert (answer.status_code, answer.headers["location"]) == (303, "./sign-in")
    deep = client.get("/some/where", headers=BROWSER)
    assert deep.headers["location"] == "../sign-in"


def test_a_program_is_asked_by_basic_authentication_and_a_script_of_the_page_is_not(client):
    assert "www-authenticate" in client.get("/").headers
    answer = client.get("/", headers=SCRIPT)
    assert answer.status_code == 401
    assert "www-authenticate" not in answer.headers


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_that_asks_speaks_the_visitors_language_and_runs_no_script(client, language):
    answer = client.get("/sign-in", headers={"Accept-Language": language})
    words = texts(language)

    assert answer.status_code == 200
    for sentence in ("signin.why", "signin.key", "signin.name", "signin.button"):
        assert words(sentence) in answer.text
    assert "<script" not in answer.text
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src" not in policy
    assert answer.headers["cache-control"] == "no-store"
    chosen = client.get("/sign-in?language=zh", headers={"Accept-Language": language})
    assert texts("zh")("signin.why") in chosen.text


def test_only_the_styles_of_that_page_are_open(client):
    assert client.get("/static-page/signin.css").status_code == 200
    for other in ("page.css", "page.js", "system.js"):
        assert client.get(f"/static-page/{other}").status_code == 401


@pytest.mark.parametrize("name", ["", "desk", " desk "])
def test_a_key_opens_the_page_for_this_browser_alone(app, client, key, name):
    answer = sign_in(client, key, name)

    assert (answer.status_code, answer.headers["location"]) == (303, "./")
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith(f"{COOKIE}=")
    for part in ("HttpOnly", "SameSite=strict", "Max-Age=43200", "Path=/"):
        assert part in cookie
    assert "Secure" not in cookie
    assert key not in cookie
    assert "gradio" in client.get("/", headers=BROWSER).text
    assert TestClient(app, base_url=HOST).get("/").status_code == 401


def test_over_tls_the_cookie_is_for_tls_only(app, key):
    with TestClient(app, base_url="https://faces.example", follow_redirects=False) as client:
        assert "Secure" in sign_in(client, key).headers["set-cookie"]


@pytest.mark.parametrize("wrong", ["", "x", "odf_" + "0" * 16 + "_" + "0" * 64, "é", "\x00"])
def test_a_wrong_key_opens_nothing_and_the_form_comes_again(client, wrong, caplog):
    with caplog.at_level(logging.WARNING):
        answer = sign_in(client, wrong, "some <body>", **{"Accept-Language": "zh"})

    assert answer.status_code == 401
    assert "set-cookie" not in answer.headers
    assert "some &lt;body&gt;" in answer.text
    assert 'role="alert"' in answer.text
    assert "sign-in refused to testclient" in caplog.text
    assert client.get("/", headers=BROWSER).status_code == 303


def test_a_key_under_another_name_is_refused_without_telling_which_is_wrong(client, key):
    refused = sign_in(client, key, "somebody")
    unknown = sign_in(client, "odf_" + "0" * 16 + "_" + "0" * 64, "somebody")

    assert refused.status_code == 401
    assert refused.text == unknown.text


def test_signing_out_ends_the_session_also_for_who_has_the_cookie(client, key):
    sign_in(client, key)
    kept = client.cookies[COOKIE]

    assert client.post("/sign-out").status_code == 303
    client.cookies.set(COOKIE, kept)
    assert client.get("/", headers=BROWSER).status_code == 303


def test_a_link_cannot_sign_anybody_out(client, key):
    sign_in(client, key)

    assert client.get("/sign-out").status_code == 405
    assert client.get("/", headers=BROWSER).status_code == 200


@pytest.mark.parametrize("origin", ["https://elsewhere.example", "null", "http://faces.example"])
@pytest.mark.parametrize("path", ["/sign-in", "/sign-out"])
def test_another_site_can_sign_nobody_in_or_out(client, key, path, origin):
    sent = client.post(path, data={"key": key}, headers={"Origin": origin})

    assert sent.status_code == 403
    assert "set-cookie" not in sent.headers


def test_a_session_does_not_help_another_site_to_send_events(client, key):
    sign_in(client, key)
    foreign = {"Origin": "https://elsewhere.example"}

    assert client.post("/gradio_api/run/predict", json={}, headers=foreign).status_code == 403
    own = client.post("/gradio_api/run/predict", json={}, headers={"Origin": HOST})
    assert own.status_code == 422


def test_a_revoked_key_ends_its_sessions_at_once(client, store):
    gone = store.create("gone", [Role.READ]).presented
    sign_in(client, gone)
    assert client.get("/", headers=BROWSER).status_code == 200

    store.revoke("gone")

    assert client.get("/", headers=BROWSER).status_code == 303


def test_a_session_is_for_the_page_and_the_api_wants_the_key(client, key):
    sign_in(client, key)

    assert client.get("/v1/model").status_code == 401


def test_a_body_of_any_size_or_form_is_answered(client):
    assert client.post("/sign-in", content=b"key=" + b"x" * 100_000).status_code == 401
    assert client.post("/sign-in", content=b"&a=1" * 100).status_code == 401
    assert client.post("/sign-in", content=b"\xff\xfe=%zz").status_code == 401
    assert client.put("/sign-in").status_code == 405


def test_on_this_machine_the_page_answers_no_foreign_name_and_no_proxy(store):
    with TestClient(app_of(store), base_url=LOCAL) as client:
        assert client.get("/").status_code == 200
        for headers in (
            {"Host": "evil.example:7860"},
            {"Host": "127.0.0.1.evil.example"},
            {"X-Forwarded-For": "192.0.2.7"},
        ):
            answer = client.get("/", headers=headers)
            assert answer.status_code == 403
            assert "OOD_FACE_API_KEYS=required" in answer.text
            event = client.post("/gradio_api/run/predict", json={}, headers=headers)
            assert event.status_code == 403


def test_on_this_machine_one_may_sign_in_as_well(store, key):
    with TestClient(app_of(store), base_url=LOCAL, follow_redirects=False) as client:
        assert client.get("/sign-in").status_code == 200
        assert sign_in(client, key).status_code == 303
        assert COOKIE in client.cookies


def test_wrong_keys_from_one_address_are_slowed_down_and_a_right_one_is_not(store, key):
    waits: list[float] = []
    app = app_of(store, waits, host="0.0.0.0")  # noqa: S104 - what it is about
    client = TestClient(app, base_url=HOST, follow_redirects=False)
    for _ in range(6):
        sign_in(client, "x")
    assert waits == [0.5, 1, 2, 4]

    for _ in range(14):
        sign_in(client, "x")
    refused = sign_in(client, key)
    assert refused.status_code == 429
    assert "15 minutes" in refused.text


def test_who_signs_in_again_leaves_no_session_behind(client, key):
    sign_in(client, key)
    before = client.cookies[COOKIE]

    sign_in(client, key)

    assert client.cookies[COOKIE] != before
    client.cookies.clear()
    assert client.get("/", headers={**BROWSER, "Cookie": f"{COOKIE}={before}"}).status_code == 303


@pytest.mark.parametrize("path", ["/sign-in", "/sign-out", "/gradio_api/run/predict"])
def test_an_origin_that_is_no_address_is_another_site(client, key, path):
    sign_in(client, key)

    assert client.post(path, headers={"Origin": "http://["}).status_code == 403
