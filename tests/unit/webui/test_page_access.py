"""The page where other machines reach it: it asks for a key too."""

from __future__ import annotations

import asyncio
import base64
from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from fastapi.testclient import TestClient
from prometheus_client.parser import text_string_to_metric_families
from starlette.websockets import WebSocketDisconnect

from ood_face.access import KeyStore
from ood_face.api.auth import Access
from ood_face.api.served import Served
from ood_face.config import Settings
from ood_face.types import Role
from tests.fakes import fake_service
from webui import server

if TYPE_CHECKING:
    from collections.abc import Iterator

HOST = "http://faces.example:7860"
PAGE = ("/", "/static-page/page.css", "/examples/portrait.jpg", "/theme.css", "/nothing", "/v1",
        "/healthz/x", "/openapi.json/", "/V1/model", "//v1/model")  # fmt: skip


@pytest.fixture(scope="module")
def store(tmp_path_factory) -> Iterator[KeyStore]:
    with closing(KeyStore(tmp_path_factory.mktemp("data"))) as store:
        yield store


@pytest.fixture(scope="module")
def key(store) -> str:
    return store.create("desk", [Role.READ]).presented


def client_of(store: KeyStore, base_url: str, **changed: object) -> TestClient:
    settings = Settings(**changed)

    async def build() -> TestClient:
        app = server.build_app(Served(fake_service(), settings, Access(store, settings)))
        return TestClient(app, base_url=base_url)

    # where no event loop runs, Gradio makes its own and never closes them
    return asyncio.run(build())


@pytest.fixture(scope="module")
def client(store) -> Iterator[TestClient]:
    with client_of(store, HOST, host="0.0.0.0") as client:  # noqa: S104 - what it is about
        yield client


def basic(password: str, user: str = "anyone") -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()}


@pytest.mark.parametrize("path", PAGE)
def test_who_has_no_key_is_asked_for_one(client, path):
    answer = client.get(path)

    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == 'Basic realm="ood_face", charset="UTF-8"'
    assert answer.headers["cache-control"] == "no-store"
    assert "the key as password" in answer.text


def test_events_of_the_page_need_a_key_too(client, key):
    body = {"data": [], "fn_index": 0, "session_hash": "x"}
    events = "/gradio_api/run/predict"
    assert client.post(events, json=body).status_code == 401
    assert client.post(events, json={}, headers=basic(key)).status_code == 422


def test_the_key_as_password_opens_the_page_whatever_the_user_name(client, key):
    for user in ("", "anyone", "张"):
        answer = client.get("/", headers=basic(key, user))
        assert answer.status_code == 200
        assert "gradio" in answer.text
    assert client.get("/static-page/page.css", headers=basic(key)).status_code == 200


def test_with_a_key_the_guard_still_guards(client, key):
    foreign = basic(key) | {"Origin": "https://elsewhere.example"}
    assert client.post("/gradio_api/run/predict", json={}, headers=foreign).status_code == 403
    assert client.get("/config", headers=basic(key)).status_code == 404


@pytest.mark.parametrize(
    "authorization",
    [
        "Basic",
        "Basic !!!",
        "Basic " + base64.b64encode(b"\xff\xfe:\xff").decode(),
        "Basic " + base64.b64encode(b"no colon").decode(),
        basic("wrong")["Authorization"],
        basic("odf_" + "0" * 16 + "_" + "0" * 64)["Authorization"],
        "Digest x",
    ],
)
def test_what_is_no_key_opens_nothing(client, authorization):
    assert client.get("/", headers={"Authorization": authorization}).status_code == 401


def test_a_bearer_key_is_for_the_api_and_a_basic_one_for_the_page(client, key):
    assert client.get("/", headers={"Authorization": f"Bearer {key}"}).status_code == 401
    assert client.get("/v1/model", headers=basic(key)).status_code == 401
    assert client.get("/v1/model", headers={"X-API-Key": key}).status_code == 200


def test_what_tells_nothing_stays_open(client):
    for path in ("/healthz", "/readyz", "/openapi.json"):
        assert client.get(path).status_code == 200


def test_a_refusal_is_said_in_the_readers_language_and_logged_without_the_key(client, caplog):
    wrong = "odf_" + "1" * 16 + "_" + "2" * 64
    answer = client.get("/", headers=basic(wrong) | {"Accept-Language": "zh"})

    assert answer.text == "API 密钥不存在"
    assert "page refused to testclient: access.unknown_key" in caplog.text
    assert "1" * 16 not in caplog.text


def test_a_revoked_key_closes_the_page_at_once(client, store):
    gone = store.create("gone", [Role.READ]).presented
    assert client.get("/", headers=basic(gone)).status_code == 200
    store.revoke("gone")
    assert client.get("/", headers=basic(gone)).status_code == 401


def test_no_socket_opens_without_a_key(client):
    with pytest.raises(WebSocketDisconnect), client.websocket_connect("/queue/join"):
        pytest.fail("it opened")


def test_keys_that_cannot_be_read_open_nothing(tmp_path):
    store = KeyStore(tmp_path)
    client = client_of(store, HOST, host="0.0.0.0")  # noqa: S104 - what it is about
    store.close()
    (tmp_path / "access.sqlite").write_bytes(b"x" * 8192)

    answer = client.get("/", headers=basic("odf_" + "0" * 16 + "_" + "0" * 64))

    assert answer.status_code == 503


@pytest.mark.parametrize(("changed", "status"), [({}, 200), ({"api_keys": "required"}, 401)])
def test_on_this_machine_the_page_is_open_unless_keys_are_required(store, changed, status):
    client = client_of(store, "http://127.0.0.1:7860", **changed)
    assert client.get("/").status_code == status
    assert client.get("/v1/model").status_code == 401


@pytest.mark.parametrize("path", ["/", "/config", "/sign-in", "/static-page/signin.css"])
def test_every_answer_forbids_guessing_kinds_and_foreign_frames(client, key, path):
    for headers in ({}, basic(key)):
        answer = client.get(path, headers=headers)
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["x-frame-options"] == "SAMEORIGIN"
        assert "frame-ancestors" in answer.headers["content-security-policy"]


def test_what_is_asked_of_the_page_is_counted_also_what_is_refused(store, key):
    with client_of(store, HOST, host="0.0.0.0") as client:  # noqa: S104 - what it is about
        for path in ("/", "/nothing/7", "/static-page/page.css", "/static-page/core.css", "/v1/no"):
            client.get(path)
        client.get("/static-page/page.css", headers=basic(key))
        client.post("/gradio_api/run/predict", json={}, headers=basic(key))
        text = client.get("/metrics", headers={"X-API-Key": key}).text
    counted = {
        (sample.labels["method"], sample.labels["route"], sample.labels["status"])
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name == "ood_face_requests_total"
    }
    assert counted == {
        ("GET", "/", "401"),
        ("GET", "(none)", "401"),
        ("GET", "/static-page/{file}", "401"),
        ("GET", "/static-page/{file}", "200"),
        ("POST", "/gradio_api/run/predict", "422"),
    }
