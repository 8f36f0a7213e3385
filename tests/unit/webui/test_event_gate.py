"""JSON of the page's events is bounded before Gradio parses it; what is refused is no failure."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from fastapi.testclient import TestClient

from ood_face.api.served import Served
from ood_face.api.values import MAX_JSON_DEPTH, MAX_JSON_VALUES
from ood_face.config import Settings
from tests.fakes import fake_service
from webui import server
from webui.event_gate import EventGate

EVENTS = "/gradio_api/run/predict"
JSON = {"Content-Type": "application/json"}


class App:
    """Takes what the gate lets through, and answers as Gradio does to what is refused."""

    def __init__(self, refuses: bool = False) -> None:
        self.bodies: list[bytes] = []
        self._refuses = refuses

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        body, more = b"", True
        while more:
            message = await receive()
            body, more = body + message.get("body", b""), message.get("more_body", False)
        self.bodies.append(body)
        if self._refuses:
            scope.setdefault("state", {})["event_refused"] = True
        await send({"type": "http.response.start", "status": 500, "headers": []})
        await send({"type": "http.response.body", "body": b"of the page"})


def posted(app: App, body: bytes, path: str = EVENTS) -> Any:
    return TestClient(EventGate(app)).post(path, content=body, headers=JSON)


def nested(depth: int) -> bytes:
    return b'{"data":' + b"[" * (depth - 1) + b"]" * (depth - 1) + b"}"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-32"])
def test_an_event_of_too_many_values_is_refused_unparsed(encoding):
    app = App()
    body = ('{"data":[' + "[]," * MAX_JSON_VALUES + "[]]}").encode(encoding)

    answer = posted(app, body)

    assert answer.status_code == 413
    assert answer.json()["code"] == "request.json_values"
    assert f"{MAX_JSON_VALUES}" in answer.json()["detail"].replace(",", "")
    assert not app.bodies


def test_an_event_nested_too_deeply_is_refused_unparsed():
    app = App()

    answer = posted(app, nested(MAX_JSON_DEPTH + 1))

    assert answer.status_code == 422
    assert answer.json()["code"] == "request.json_depth"
    assert not app.bodies


@pytest.mark.parametrize(
    "body", [b"", b"no JSON", nested(MAX_JSON_DEPTH), b'{"data":["' + b"[" * 100_000 + b'"]}']
)
def test_all_else_reaches_the_page_as_it_came(body):
    app = App()

    answer = posted(app, body)

    assert (answer.status_code, answer.text) == (500, "of the page")
    assert app.bodies == [body]


def test_other_addresses_are_not_looked_at():
    app = App()
    posted(app, nested(MAX_JSON_DEPTH + 1), "/v1/extract")
    assert app.bodies == [nested(MAX_JSON_DEPTH + 1)]


def test_what_the_page_refuses_is_answered_422():
    assert posted(App(refuses=True), b"{}").status_code == 422
    assert posted(App(refuses=True), b"{}", "/v1/extract").status_code == 500


def test_nobody_is_answered_who_left_while_the_body_came():
    app, sent = App(), []
    coming = [
        {"type": "http.request", "body": b"{", "more_body": True},
        {"type": "http.disconnect"},
    ]

    async def receive() -> Any:
        return coming.pop(0)

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "POST", "path": EVENTS, "headers": []}
    asyncio.run(EventGate(app)(scope, receive, send))

    assert not sent
    assert not app.bodies


def test_the_page_stands_behind_the_gate_and_the_gate_behind_the_limit_on_bodies(tmp_path):
    settings = Settings(data_dir=tmp_path, max_image_bytes=100_000)

    async def build() -> TestClient:
        served = Served(fake_service(), settings)
        return TestClient(server.build_app(served), base_url="http://127.0.0.1:7860")

    # where no event loop runs, Gradio makes its own and never closes them
    with asyncio.run(build()) as client:
        deep = client.post(EVENTS, content=nested(MAX_JSON_DEPTH + 1), headers=JSON)
        large = client.post(EVENTS, content=iter([b"[" * 200_000] * 3), headers=JSON)

    assert (deep.status_code, deep.json()["code"]) == (422, "request.json_depth")
    assert (large.status_code, large.json()["code"]) == (413, "request.too_large")
