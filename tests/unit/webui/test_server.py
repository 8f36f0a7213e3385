"""Page and API in one application: what is open, what is closed, what is remembered."""

from __future__ import annotations

import asyncio
import base64
from typing import TYPE_CHECKING

import gradio as gr
import pytest
from fastapi.testclient import TestClient

from ood_face.api.served import Served
from ood_face.config import Settings
from tests.fakes import fake_service, picture, png
from webui import server

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx
    from fastapi import FastAPI

PAGE_HOST = "http://127.0.0.1:7860"
FACE = png(picture(60))
SESSION = "session-a"


@pytest.fixture(scope="module")
def app() -> FastAPI:
    async def build() -> FastAPI:
        return server.build_app(Served(fake_service(), Settings()))

    # where no event loop runs, Gradio makes its own and never closes them
    return asyncio.run(build())


@pytest.fixture(scope="module")
def client(app) -> Iterator[TestClient]:
    with TestClient(app, base_url=PAGE_HOST) as client:
        yield client


@pytest.fixture
def blocks(app) -> gr.Blocks:
    (mounted,) = [
        route.app for route in app.routes if isinstance(getattr(route, "app", None), gr.routes.App)
    ]
    return mounted.get_blocks()


def sent(data: bytes) -> list[dict[str, str]]:
    return [{"name": "a.png", "data": base64.b64encode(data).decode()}]


def event_of(blocks: gr.Blocks, name: str) -> int:
    return next(index for index, fn in blocks.fns.items() if fn.name == name)


def run_event(client: TestClient, fn_index: int, data: list[object]) -> httpx.Response:
    """Send an event as the browser does."""
    body = {"data": data, "fn_index": fn_index, "session_hash": SESSION}
    return client.post("/gradio_api/run/predict", json=body)


def test_the_page_and_the_api_answer_on_the_same_port(client):
    assert client.get("/healthz").json()["status"] == "ok"
    assert "gradio" in client.get("/").text
    assert client.get("/static-page/page.css").status_code == 200
    assert client.get("/examples/portrait.jpg").headers["content-type"] == "image/jpeg"


def test_the_page_allows_nothing_from_other_hosts(client):
    policy = client.get("/").headers["content-security-policy"]

    assert "default-src 'self'" in policy
    assert "http" not in policy
    assert client.get("/").headers["x-content-type-options"] == "nosniff"


def test_the_api_keeps_its_own_stricter_policy(client):
    assert client.get("/healthz").headers["content-security-policy"] == "default-src 'none'"


@pytest.mark.parametrize(
    "path",
    [
        "/gradio_api/info",
        "/gradio_api/openapi.json",
        "/gradio_api/file=/etc/passwd",
        "/gradio_api/file=http://127.0.0.1:9/x",
        "/gradio_api/proxy=http://127.0.0.1:9/x",
        "/gradio_api/upload_progress",
        "/gradio_api/runs",
        "/gradio_api/run/_compare",
        "/gradio_api/call/_compare/1",
        "/gradio_api/queue/data?session_hash=x",
        "/monitoring",
        "/monitoring/summary",
        "/config",
    ],
)
def test_routes_that_the_page_does_not_need_are_closed(client, path):
    assert client.get(path).status_code == 404


def test_nothing_can_be_uploaded_into_a_store(client):
    answer = client.post("/gradio_api/upload", files={"files": ("a.png", FACE)})

    assert answer.status_code == 404


def test_another_site_cannot_send_events(client):
    body = {"data": [], "fn_index": 0, "session_hash": "x"}
    foreign = client.post(
        "/gradio_api/run/predict", json=body, headers={"Origin": "https://elsewhere.example"}
    )

    assert foreign.status_code == 403


def test_the_pages_own_origin_is_let_in(client):
    answer = client.post("/gradio_api/run/predict", json={}, headers={"Origin": PAGE_HOST})

    assert answer.status_code == 422


def test_no_event_is_offered_as_an_api(blocks):
    assert blocks.fns
    assert {fn.api_visibility for fn in blocks.fns.values()} == {"private"}
    assert blocks.analytics_enabled is False


def test_a_comparison_runs_and_its_pictures_are_not_kept(client, blocks):
    answer = run_event(
        client, event_of(blocks, "_compare"), [sent(FACE), sent(FACE), "default", "zh"]
    )

    assert answer.status_code == 200
    assert "card-same" in answer.text
    remembered = repr(blocks.state_holder.session_data[SESSION].config_values)
    assert "card-same" in remembered
    assert base64.b64encode(FACE).decode()[:60] not in remembered


@pytest.mark.parametrize(
    "named",
    [
        {"path": "/etc/passwd", "meta": {"_type": "gradio.FileData"}},
        {"path": "http://127.0.0.1:9/x", "meta": {"_type": "gradio.FileData"}},
        [[{"url": "x", "deep": {"path": "http://127.0.0.1:9/x"}}]],
    ],
)
def test_an_event_that_names_a_file_or_an_address_is_refused(client, blocks, named):
    answer = run_event(client, event_of(blocks, "_compare"), [named, [], "default", "en"])

    assert answer.status_code == 422
    assert "root:" not in answer.text


def test_a_visitor_who_leaves_is_forgotten(blocks):
    blocks.state_holder["leaving"]
    assert "leaving" in blocks.state_holder

    request = gr.Request(session_hash="leaving")
    blocks.forget(request)
    blocks.forget(request)

    assert "leaving" not in blocks.state_holder
    assert event_of(blocks, "forget") >= 0
