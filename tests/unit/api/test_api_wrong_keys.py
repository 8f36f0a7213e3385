"""Trying keys: many wrong ones are refused for a while, and a right one never is."""

from __future__ import annotations

import logging
from contextlib import closing

import pytest
from fastapi.testclient import TestClient

from ood_face.access import KeyStore
from ood_face.access.wrong_keys import PER_MINUTE, WrongKeys
from ood_face.api import create_app
from ood_face.api.auth import Access
from ood_face.api.served import Served
from ood_face.config import Settings
from ood_face.types import Role
from tests.fakes.clock import FakeClock

WRONG = {"X-API-Key": "odf_" + "0" * 16 + "_" + "0" * 64}


@pytest.fixture
def store(tmp_path):
    with closing(KeyStore(tmp_path)) as store:
        yield store


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def client(service, store, clock) -> TestClient:
    settings = Settings(api_keys="required")
    access = Access(store, settings, wrong_keys=WrongKeys(clock=clock.seconds))
    return TestClient(create_app(Served(service, settings, access)))


def test_after_many_wrong_keys_an_address_waits_and_then_goes_on(client, clock, caplog):
    with caplog.at_level(logging.WARNING):
        for _ in range(PER_MINUTE):
            assert client.get("/v1/model", headers=WRONG).status_code == 401
        refused = [client.get("/v1/model", headers=WRONG) for _ in range(20)]
    assert {answer.status_code for answer in refused} == {429}
    assert {answer.json()["code"] for answer in refused} == {"access.wrong_keys"}
    assert refused[0].headers["retry-after"] == "2"
    # what goes on for ever does not fill the log
    assert len([one for one in caplog.records if "refused" in one.message]) == PER_MINUTE
    clock.advance(seconds=2)
    assert client.get("/v1/model", headers=WRONG).status_code == 401


def test_who_shows_a_right_key_is_let_in_whatever_else_came_from_the_address(client, store):
    key = {"X-API-Key": store.create("gate", [Role.READ]).presented}
    for _ in range(PER_MINUTE + 1):
        last = client.get("/v1/model", headers=WRONG)
    assert last.status_code == 429
    assert client.get("/v1/model", headers=key).status_code == 200


def test_requests_without_a_key_are_not_counted(client):
    for _ in range(PER_MINUTE + 5):
        assert client.get("/v1/model").status_code == 401
    assert client.get("/v1/model", headers=WRONG).status_code == 401
