"""Which role each address of the galleries needs."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from fastapi.testclient import TestClient

from ood_face.access import KeyStore
from ood_face.api import create_app
from ood_face.api.auth import Access
from ood_face.api.served import Served
from ood_face.config import Settings
from ood_face.types import Role
from tests.fakes import fake_gallery_service, fake_service

if TYPE_CHECKING:
    from collections.abc import Iterator

GALLERY = "/v1/galleries/{gallery}"
SUBJECT = GALLERY + "/subjects/{subject}"
TEMPLATE = SUBJECT + "/templates/{template}"
NEEDED = {
    ("get", "/v1/galleries"): Role.READ,
    ("post", "/v1/galleries"): Role.ADMIN,
    ("get", GALLERY): Role.READ,
    ("patch", GALLERY): Role.ADMIN,
    ("delete", GALLERY): Role.ADMIN,
    ("get", GALLERY + "/subjects"): Role.READ,
    ("post", GALLERY + "/subjects"): Role.ENROLL,
    ("post", GALLERY + "/subjects:batch"): Role.ENROLL,
    ("get", SUBJECT): Role.READ,
    ("patch", SUBJECT): Role.ENROLL,
    ("delete", SUBJECT): Role.ENROLL,
    ("get", SUBJECT + "/templates"): Role.READ,
    ("post", SUBJECT + "/templates"): Role.ENROLL,
    ("get", TEMPLATE): Role.READ,
    ("delete", TEMPLATE): Role.ENROLL,
    # a face is more than the figures about it
    ("get", TEMPLATE + "/crop"): Role.ADMIN,
    ("post", GALLERY + ":identify"): Role.IDENTIFY,
    ("post", SUBJECT + ":verify"): Role.IDENTIFY,
}


@pytest.fixture(scope="module")
def store(tmp_path_factory) -> Iterator[KeyStore]:
    with closing(KeyStore(tmp_path_factory.mktemp("data"))) as store:
        yield store


@pytest.fixture(scope="module")
def keys(store) -> dict[Role, str]:
    return {role: store.create(role, [role]).presented for role in Role}


@pytest.fixture(scope="module")
def client(store) -> TestClient:
    settings, service = Settings(), fake_service()
    galleries = fake_gallery_service(service)
    galleries.create_gallery("staff")
    app = create_app(Served(service, settings, Access(store, settings), galleries))
    return TestClient(app, raise_server_exceptions=False)


def test_the_table_has_every_address(client):
    documented = {
        (method, path)
        for path, operations in client.get("/openapi.json").json()["paths"].items()
        for method in operations
        if path.startswith("/v1/galleries")
    }
    assert documented == set(NEEDED)


@pytest.mark.parametrize(("method", "path"), NEEDED, ids=lambda part: part)
def test_a_role_opens_what_it_is_for_and_nothing_else(client, keys, method, path):
    address = path.format(gallery="staff", subject="anna", template="1")

    answers = {
        role: client.request(method, address, headers={"X-API-Key": key})
        for role, key in keys.items()
    }

    let_in = {role for role, answer in answers.items() if answer.status_code != 403}
    assert let_in == {NEEDED[method, path], Role.ADMIN}
    for role in set(Role) - let_in:
        assert answers[role].json()["code"] == "access.role"
    assert not [answer for answer in answers.values() if answer.status_code in (401, 429, 500)]


@pytest.mark.parametrize(("method", "path"), NEEDED, ids=lambda part: part)
@pytest.mark.usefixtures("keys")
def test_who_has_no_key_is_told_nothing_of_what_is_there(client, method, path):
    answers = [
        client.request(method, path.format(gallery=name, subject="anna", template="1"))
        for name in ("staff", "nowhere", "NOT A NAME")
    ]
    assert {(answer.status_code, answer.json()["code"]) for answer in answers} == {
        (401, "access.no_key")
    }
