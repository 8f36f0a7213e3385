from __future__ import annotations

import asyncio

import pytest

from ood_face.api import create_app, forms
from ood_face.api.app import _largest_body
from ood_face.api.errors import BodyTooLargeError
from ood_face.api.served import Served
from ood_face.api.values import MAX_JSON_VALUES, json_items
from tests.fakes import fake_service


async def call(app, headers, messages):
    """Speak ASGI to the app; return status, body and how many messages it read."""
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "POST",
        "path": "/v1/extract",
        "raw_path": b"/v1/extract",
        "query_string": b"",
        "root_path": "",
        "scheme": "http",
        "headers": headers,
        "client": ("test", 1),
        "server": ("test", 80),
    }
    pending = iter(messages)
    read = 0
    sent = []

    async def receive():
        nonlocal read
        read += 1
        message = next(pending, None)
        if message is None:
            await asyncio.sleep(3600)
        return message

    async def send(message):
        sent.append(message)

    await app(scope, receive, send)
    body = b"".join(message.get("body", b"") for message in sent[1:])
    return sent[0]["status"], body, read


def chunks(count: int, size: int):
    for _ in range(count):
        yield {"type": "http.request", "body": bytes(size), "more_body": True}


TYPE = (b"content-type", b"application/json")
FORM = (b"content-type", b"multipart/form-data; boundary=x")


@pytest.fixture
def app(settings):
    return create_app(Served(fake_service(), settings))


def test_a_declared_length_is_refused_before_anything_is_read(app, settings):
    headers = [TYPE, (b"content-length", b"100000000")]
    status, body, read = asyncio.run(call(app, headers, chunks(100, 1_000_000)))
    assert (status, read) == (413, 0)
    assert str(_largest_body(settings)).encode() in body


@pytest.mark.parametrize("content_type", [TYPE, FORM])
@pytest.mark.parametrize("length", [[], [(b"content-length", b"10")], [(b"content-length", b"x")]])
def test_a_body_without_an_honest_length_is_stopped_on_the_way(app, settings, content_type, length):
    first = {
        "type": "http.request",
        "body": b'--x\r\nContent-Disposition: form-data; name="image"; filename="a"\r\n\r\n',
        "more_body": True,
    }
    size = 10_000
    status, _, read = asyncio.run(
        call(app, [content_type, *length], [first, *chunks(10_000, size)])
    )
    assert status == 413
    assert read <= _largest_body(settings) / size + 3


def test_a_form_of_a_million_parts_is_read_no_further_than_the_first_too_many(app):
    part = b'--x\r\nContent-Disposition: form-data; name="image"; filename="a"\r\n\r\n1\r\n'
    message = {"type": "http.request", "body": part * 10, "more_body": True}
    status, body, read = asyncio.run(call(app, [FORM], [message] * 100_000))
    assert (status, read) == (422, 2)
    assert b"Maximum number of files is 16" in body


def test_two_pictures_at_the_limit_pass(settings):
    assert _largest_body(settings) > 2 * 4 / 3 * settings.max_image_bytes


def test_a_body_that_does_not_come(app, monkeypatch):
    monkeypatch.setattr(forms, "BODY_TIMEOUT_S", 0.05)
    status, body, _ = asyncio.run(call(app, [TYPE], chunks(1, 10)))
    assert status == 408
    assert b"0.05 seconds" in body


@pytest.mark.parametrize("content_type", [TYPE, FORM])
def test_a_caller_who_hangs_up(app, content_type):
    messages = [*chunks(1, 10), {"type": "http.disconnect"}]
    status, body, _ = asyncio.run(call(app, [content_type], messages))
    assert status == 422
    assert b"request." in body


def test_pictures_never_go_to_disk():
    assert forms._MemoryParser.spool_max_size == 0


def test_json_of_very_many_values_is_refused_before_it_is_parsed(settings):
    app = create_app(Served(fake_service(), settings.model_copy(update={"max_image_bytes": 2**20})))
    # 3 bytes each, which make an object of a hundred; cut off, the parser would call it no JSON
    body = b'{"image":[' + b"{}," * (MAX_JSON_VALUES // 2)
    message = {"type": "http.request", "body": body, "more_body": False}
    status, answer, _ = asyncio.run(call(app, [TYPE], [message]))
    assert status == 413
    assert b'"request.json_values"' in answer


def test_json_may_have_as_many_values_as_the_limit_says():
    filling = b",".join([b"0"] * (MAX_JSON_VALUES - 1))
    ((name, values),) = json_items(b'{"image":[' + filling + b"]}")
    assert (name, len(values)) == ("image", MAX_JSON_VALUES - 1)
    with pytest.raises(BodyTooLargeError, match="500000 values"):
        json_items(b'{"image":[0,' + filling + b"]}")
