"""Keys and the requests that they send to galleries; test_api_roles.py has the roles."""

from __future__ import annotations

from contextlib import closing

import pytest
from fastapi.testclient import TestClient

from ood_face.access import KeyStore
from ood_face.api import create_app
from ood_face.api.auth import Access
from ood_face.api.served import Served
from ood_face.types import Role
from tests.unit.api.people import SUBJECTS


@pytest.fixture
def keys(tmp_path):
    with closing(KeyStore(tmp_path)) as store:
        yield store


@pytest.fixture
def client(service, settings, galleries, keys):
    app = create_app(Served(service, settings, Access(keys, settings), galleries))
    return TestClient(app, base_url="http://127.0.0.1:7860", raise_server_exceptions=False)


def test_no_body_is_read_for_a_key_that_may_not_send_it(client, keys):
    key = keys.create("reader", [Role.READ]).presented
    answer = client.post(
        f"{SUBJECTS}:batch",
        content=b"not even JSON",
        headers={"Authorization": f"Bearer {key}", "Content-Type": "text/plain"},
    )
    assert (answer.status_code, answer.json()["code"]) == (403, "access.role")


def test_a_key_of_one_caller_does_not_replay_for_another(client, keys):
    asked = {"subject_id": "ann"}
    answers = []
    for name in ("gate", "desk"):
        key = keys.create(name, [Role.ENROLL]).presented
        headers = {"Authorization": f"Bearer {key}", "Idempotency-Key": "same"}
        answers.append(client.post(SUBJECTS, json=asked, headers=headers))
    assert [answer.status_code for answer in answers] == [201, 409]


def test_a_batch_counts_once_against_the_limit_of_its_key(client, keys):
    key = keys.create("slow", [Role.ENROLL], rate_per_minute=2).presented
    headers = {"Authorization": f"Bearer {key}"}
    answers = [
        client.post(f"{SUBJECTS}:batch", json={"subjects": []}, headers=headers) for _ in range(3)
    ]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
