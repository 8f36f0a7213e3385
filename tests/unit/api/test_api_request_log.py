from __future__ import annotations

import json
import logging
import re

import pytest

from ood_face.logs import JsonFormatter
from tests.fakes import picture, png

FILES = {"image": ("private-name.png", png(picture(40)))}


def test_a_sane_id_comes_back(client):
    answer = client.get("/healthz", headers={"X-Request-ID": "gate-7.2026_11"})
    assert answer.headers["x-request-id"] == "gate-7.2026_11"


@pytest.mark.parametrize("given", ["", "a b", "x" * 65, "a\tb", "<script>"])
def test_any_other_is_replaced(client, given):
    answer = client.get("/healthz", headers={"X-Request-ID": given})
    assert re.fullmatch("[0-9a-f]{32}", answer.headers["x-request-id"])


def test_one_line_says_what_was_asked_and_nothing_private(client, caplog):
    caplog.set_level(logging.INFO, "ood_face")
    client.post("/v1/extract?allow_empty=true", files=FILES, headers={"X-Request-ID": "abc"})
    (line,) = [record.getMessage() for record in caplog.records if record.name.startswith("ood_")]
    assert re.fullmatch(r"abc POST /v1/extract 200 \d+\.\d ms", line)


def test_the_line_has_its_parts_as_fields(client, caplog):
    caplog.set_level(logging.INFO, "ood_face")
    client.post("/v1/extract?allow_empty=true", files=FILES, headers={"X-Request-ID": "abc"})
    made = [record for record in caplog.records if record.name.startswith("ood_")]
    line = json.loads(JsonFormatter().format(made[-1]))
    assert line["ms"] >= 0
    names = ("request_id", "method", "route", "status")
    assert [line[name] for name in names] == ["abc", "POST", "/v1/extract", 200]


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics"])
def test_a_monitor_that_is_content_fills_no_log(client, caplog, path):
    caplog.set_level(logging.DEBUG, "ood_face.api.middleware")
    client.get(path)
    assert [record.levelname for record in caplog.records] == ["DEBUG"]


def test_a_bad_answer_to_a_monitor_is_a_line(client, caplog):
    caplog.set_level(logging.INFO, "ood_face.api.middleware")
    client.post("/readyz")
    assert " 405 " in caplog.text


def test_an_address_that_is_not_there_is_not_logged_as_it_is(client, caplog):
    caplog.set_level(logging.INFO, "ood_face")
    client.get("/v1/secret%0Aforged")
    assert "forged" not in caplog.text
    assert " 404 " in caplog.text


def test_headers(client):
    for answer in (client.get("/v1/model"), client.get("/v1/nothing"), client.get("/healthz")):
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["content-security-policy"] == "default-src 'none'"
