"""Limits on what a request may be made of: each refusal is a 4xx that names the limit."""

from __future__ import annotations

import json

import pytest
from fastapi.testclient import TestClient

from ood_face.api import create_app
from ood_face.api.heads import MAX_ADDRESS_BYTES, MAX_HEADER_BYTES, MAX_HEADERS, MAX_PARAMETERS
from ood_face.api.served import Served
from ood_face.api.values import MAX_JSON_DEPTH, json_items
from ood_face.config import Settings
from ood_face.errors import InputError

JSON = {"Content-Type": "application/json"}
FORM = {"Content-Type": "multipart/form-data; boundary=x"}
PART = b"--x\r\nContent-Disposition: form-data; name="


def refused(answer, status: int, code: str, limit: int) -> None:
    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (status, code)
    assert answer.headers["content-type"] == "application/problem+json"
    assert str(limit) in problem["detail"]
    assert problem["request_id"] == answer.headers["x-request-id"]


def test_a_long_address_is_refused_and_one_at_the_limit_is_not(client):
    path = "/v1/scenarios?x="
    longest = client.get(path + "a" * (MAX_ADDRESS_BYTES - len(path)))
    longer = client.get(path + "a" * (MAX_ADDRESS_BYTES - len(path) + 1))
    assert longest.status_code == 200
    refused(longer, 414, "request.long_address", MAX_ADDRESS_BYTES)


def test_many_parameters_are_refused_and_as_many_as_the_limit_are_not(client):
    names = [f"a{i}=1" for i in range(MAX_PARAMETERS + 1)]
    assert client.get(f"/v1/scenarios?{'&'.join(names[1:])}").status_code == 200
    answer = client.get(f"/v1/scenarios?{'&'.join(names)}")
    refused(answer, 422, "request.many_parameters", MAX_PARAMETERS)


def test_many_headers_are_refused_and_some_more_than_a_browser_sends_are_not(client):
    def headers(count: int) -> dict[str, str]:
        return {f"X-{i}": "1" for i in range(count)}

    assert client.get("/v1/scenarios", headers=headers(MAX_HEADERS - 10)).status_code == 200
    answer = client.get("/v1/scenarios", headers=headers(MAX_HEADERS + 1))
    refused(answer, 431, "request.many_headers", MAX_HEADERS)


def test_large_headers_are_refused_whatever_they_are_made_of(client):
    for headers in (
        {"X-A": "a" * MAX_HEADER_BYTES},
        {"a" * MAX_HEADER_BYTES: "1"},
        {f"X-{i}": "a" * (MAX_HEADER_BYTES // 50) for i in range(50)},
    ):
        answer = client.get("/v1/scenarios", headers=headers)
        refused(answer, 431, "request.large_headers", MAX_HEADER_BYTES)
    large = {"Cookie": "a" * (MAX_HEADER_BYTES - 1000)}
    assert client.get("/v1/scenarios", headers=large).status_code == 200


def nested(levels: int) -> bytes:
    return b'{"a":' * levels + b"1" + b"}" * levels


@pytest.mark.parametrize(
    "content",
    [
        b"[" * 400_000,
        nested(MAX_JSON_DEPTH + 1),
        b'{"image": ' + b"[" * 900 + b"]" * 900 + b"}",
        b'{"x": "]]]]\\"]", "image": ' + b"[" * MAX_JSON_DEPTH + b"]" * MAX_JSON_DEPTH + b"}",
    ],
    ids=["open", "objects", "closed", "behind marks in a text"],
)
def test_deep_json_is_refused_before_it_is_parsed(client, content):
    answer = client.post("/v1/extract", content=content, headers=JSON)
    assert answer.status_code == 422
    refused(answer, 422, "request.json_depth", MAX_JSON_DEPTH)


def test_json_may_be_as_deep_as_the_limit_and_marks_in_texts_do_not_count():
    assert len(json_items(nested(MAX_JSON_DEPTH))) == 1
    text = '[{"\\' * 100
    assert json_items(json.dumps({"a": [text] * 40}).encode()) == [("a", [text] * 40)]


@pytest.mark.parametrize("unit", [b'"', b'" ', b'\\"', b"\\"])
def test_json_of_nothing_but_quotes_is_read_once_and_not_again_from_every_quote(unit):
    # quadratic work on a megabyte would outlast the limit of any test
    content = b'{"a":[' + b"[]," * 40 + b'"' + unit * 2**20
    with pytest.raises(InputError, match="not valid JSON"):
        json_items(content)


@pytest.mark.parametrize(
    ("part", "limit"),
    [
        (PART + b'"%s"\r\n\r\n1' % (b"a" * 9000), 4224),
        (PART + b'"image"; filename="%s"\r\n\r\n1' % (b"a" * 9000), 4224),
        (b"--x\r\n" + b"X-A: 1\r\n" * 50 + b"\r\n1", 8),
        (PART + b'"scenario"\r\n\r\n' + b"1" * (2**20 + 1), 1024),
    ],
    ids=["name", "file name", "headers", "text"],
)
def test_a_part_with_too_much_in_it_is_refused(service, part, limit):
    app = create_app(Served(service, Settings()))
    with TestClient(app) as client:
        answer = client.post("/v1/compare", content=part + b"\r\n--x--", headers=FORM)
    assert answer.status_code == 422
    refused(answer, 422, "request.bad_form", limit)
