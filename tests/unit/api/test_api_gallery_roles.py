"""Which key may do what with a gallery."""

from __future__ import annotations

from contextlib import closing

import pytest
from fastapi.testclient import TestClient

from ood_face.access import KeyStore
from ood_face.api import create_app
from ood_face.api.auth import Access
from ood_face.types import Role
from tests.unit.api.people import ANN, GALLERIES, GALLERY, SUBJECTS, in_base64, shot

IMAGE = {"image": in_base64(shot(ANN))}
SUBJECT = f"{SUBJECTS}/ann"
CROP = f"{SUBJECT}/templates/7/crop"
# what each role may do besides; a key of none of these roles is refused everywhere
REQUESTS = [
    (Role.READ, "GET", GALLERIES, None),
    (Role.READ, "GET", GALLERY, None),
    (Role.READ, "GET", SUBJECTS, None),
    (Role.READ, "GET", SUBJECT, None),
    (Role.READ, "GET", f"{SUBJECT}/templates", None),
    (Role.READ, "GET", f"{SUBJECT}/templates/7", None),
    (Role.ADMIN, "GET", CROP, None),
    (Role.IDENTIFY, "POST", f"{GALLERY}:identify", IMAGE),
    (Role.IDENTIFY, "POST", f"{SUBJECT}:verify", IMAGE),
    (Role.ENROLL, "POST", SUBJECTS, {"subject_id": "eve"}),
    (Role.ENROLL, "POST", f"{SUBJECTS}:batch", {"subjects": []}),
    (Role.ENROLL, "POST", f"{SUBJECT}/templates", IMAGE),
    (Role.ENROLL, "PATCH", SUBJECT, {"name": "Ann"}),
    (Role.ENROLL, "DELETE", f"{SUBJECT}/templates/7", None),
    (Role.ENROLL, "DELETE", SUBJECT, None),
    (Role.ADMIN, "POST", GALLERIES, {"name": "new"}),
    (Role.ADMIN, "PATCH", GALLERY, {"max_templates": 3}),
    (Role.ADMIN, "DELETE", GALLERY, None),
]


@pytest.fixture
def keys(tmp_path):
    with closing(KeyStore(tmp_path)) as store:
        yield store


@pytest.fixture
def client(service, settings, galleries, keys):
    app = create_app(service, settings, Access(keys, settings), galleries)
    return TestClient(app, base_url="http://127.0.0.1:7860", raise_server_exceptions=False)


@pytest.mark.parametrize("asked", REQUESTS, ids=[f"{one[1]} {one[2]}" for one in REQUESTS])
def test_each_request_needs_its_role_and_admin_may_do_all(client, keys, asked):
    needed, method, path, body = asked
    lacking = [role for role in Role if role not in (needed, Role.ADMIN)]
    for role in [*lacking, needed, Role.ADMIN]:
        key = keys.create(f"with-{role}-{len(keys.all())}", [role]).presented
        headers = {"Authorization": f"Bearer {key}"}
        answer = client.request(method, path, json=body, headers=headers)
        code = answer.json()["code"] if answer.status_code == 403 else None
        assert code == ("access.role" if role in lacking else None), role
    assert client.request(method, path, json=body).status_code == 401


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
