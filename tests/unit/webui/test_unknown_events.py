"""Events that the page does not have."""

from __future__ import annotations

import asyncio
import logging

import pytest
from fastapi.testclient import TestClient

from ood_face.api.served import Served
from ood_face.config import Settings
from tests.fakes import fake_service
from webui import server

EVENTS = "/gradio_api/run/predict"


@pytest.fixture(scope="module")
def client():
    async def build():
        return server.build_app(Served(fake_service(), Settings()))

    # where no event loop runs, Gradio makes its own and never closes them
    with TestClient(asyncio.run(build()), base_url="http://127.0.0.1:7860") as client:
        yield client


@pytest.mark.parametrize("session", [None, "session-a"])
@pytest.mark.parametrize("number", [-1, 9999, 2**70, None])
def test_an_event_that_the_page_does_not_have_is_not_found(client, caplog, number, session):
    caplog.set_level(logging.ERROR)
    event = {"data": []}
    event |= {} if number is None else {"fn_index": number}
    event |= {} if session is None else {"session_hash": session}

    answer = client.post(EVENTS, json=event)

    assert (answer.status_code, answer.json()) == (404, {"detail": "the page has no such event"})
    assert caplog.records == []


def test_a_body_that_is_no_text_is_a_bad_request(client, caplog):
    caplog.set_level(logging.ERROR)

    answer = client.post(EVENTS, content=b'\xff{"fn_index": 0}')

    assert (answer.status_code, answer.json()) == (400, {"detail": "the body is not UTF-8"})
    assert caplog.records == []
