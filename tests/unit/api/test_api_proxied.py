"""A proxy on this machine makes every caller look local."""

from __future__ import annotations

from contextlib import closing

import pytest
from fastapi.testclient import TestClient

from ood_face.access import KeyStore
from ood_face.api import create_app
from ood_face.api.auth import Access
from ood_face.api.served import Served
from ood_face.config import Settings
from ood_face.types import Role

HEADERS = [{"X-Forwarded-For": "203.0.113.7"}, {"Forwarded": "for=203.0.113.7"}]


@pytest.mark.parametrize("headers", HEADERS, ids=lambda headers: next(iter(headers)))
def test_what_a_proxy_passes_on_needs_a_key(service, tmp_path, headers):
    with closing(KeyStore(tmp_path)) as store:
        app = create_app(Served(service, Settings(), Access(store, Settings())))
        client = TestClient(app, base_url="http://127.0.0.1:7860")

        assert client.get("/v1/model").status_code == 200
        answer = client.get("/v1/model", headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (403, "access.proxied")

        key = store.create("desk", [Role.READ]).presented
        answer = client.get("/v1/model", headers=headers | {"X-API-Key": key})
        assert answer.status_code == 200
