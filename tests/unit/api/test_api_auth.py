"""Who may call the API."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from fastapi import Depends
from fastapi.testclient import TestClient

from ood_face.access import KeyStore, RateLimiter
from ood_face.api import create_app
from ood_face.api.auth import Access, require
from ood_face.api.served import Served
from ood_face.config import Settings
from ood_face.errors import ConfigError
from ood_face.types import Role
from tests.fakes import picture, png
from tests.fakes.clock import FakeClock

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ood_face.service import GalleryService

LOOPBACK = "http://127.0.0.1:7860"
FILES = {"image": ("a.png", png(picture(40)))}
FREE = ("/healthz", "/readyz", "/openapi.json")
UNKNOWN_KEY = "odf_" + "0" * 16 + "_" + "0" * 64


@pytest.fixture
def store(tmp_path) -> Iterator[KeyStore]:
    with closing(KeyStore(tmp_path)) as store:
        yield store


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


def endpoint_of(role: Role):
    depends = Depends(require(role))

    def who_asks(caller=depends) -> dict[str, str]:
        return {"name": caller.name, "request_id": caller.request_id}

    return who_asks


@pytest.fixture
def client_with(store, clock, service):
    """Return a client of an API with these settings, and one endpoint more for each role."""

    def make(
        base_url: str = LOOPBACK, galleries: GalleryService | None = None, **changed: object
    ) -> TestClient:
        settings = Settings(**changed)
        limiter = RateLimiter(settings.rate_limit_per_minute, clock.seconds)
        app = create_app(Served(service, settings, Access(store, settings, limiter), galleries))
        for role in Role:
            app.add_api_route(f"/test/{role}", endpoint_of(role))
        return TestClient(app, base_url=base_url)

    return make


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


def refused(answer, status: int, code: str) -> bool:
    assert answer.headers["content-type"] == "application/problem+json"
    return (answer.status_code, answer.json()["code"]) == (status, code)


def test_without_keys_this_machine_needs_none(client_with):
    client = client_with()
    assert client.post("/v1/extract", files=FILES).status_code == 200
    answer = client.get("/test/admin", headers={"X-Request-ID": "r-1"})
    assert answer.json() == {"name": "open", "request_id": "r-1"}


def test_the_first_key_closes_the_api_without_a_restart(client_with, store):
    client = client_with()
    assert client.get("/v1/model").status_code == 200
    key = store.create("gate", [Role.READ]).presented

    assert refused(client.get("/v1/model"), 401, "access.no_key")
    assert client.get("/v1/model", headers=bearer(key)).status_code == 200


def test_the_last_key_that_goes_opens_nothing(client_with, store):
    client = client_with()
    store.create("gate", [Role.READ])
    store.revoke("gate")
    assert refused(client.get("/v1/model"), 401, "access.no_key")


@pytest.mark.parametrize(
    "changed",
    [{"host": "0.0.0.0"}, {"host": "::"}, {"host": "10.0.0.1"}, {"api_keys": "required"}],  # noqa: S104 - what it is about
)
def test_every_endpoint_asks_for_a_key(client_with, galleries, changed):
    client = client_with(galleries=galleries, **changed)
    paths = client.get("/openapi.json").json()["paths"]
    asked = 0
    for path, operations in paths.items():
        for method in operations:
            if not path.startswith(("/v1/", "/test/", "/metrics")):
                assert path in FREE
                continue
            address = path.replace("{", "").replace("}", "")
            answer = client.request(method, address)
            assert refused(answer, 401, "access.no_key"), (method, path)
            assert answer.headers["www-authenticate"] == "Bearer"
            asked += 1
    assert asked >= 25
    assert refused(client.get("/v1/nothing-here"), 401, "access.no_key")
    assert refused(client.delete("/v1/extract"), 401, "access.no_key")
    for path in FREE:
        assert client.get(path).status_code == 200


def test_the_key_is_asked_for_before_the_body_is_read(client_with):
    client = client_with(api_keys="required")
    answer = client.post(
        "/v1/extract", content=b"no form at all", headers={"Content-Type": "text/plain"}
    )
    assert refused(answer, 401, "access.no_key")


def test_both_headers_are_read(client_with, store):
    client = client_with()
    key = store.create("gate", [Role.READ]).presented
    for headers in (bearer(key), {"authorization": f"bearer {key}"}, {"X-API-Key": key}):
        assert client.get("/test/read", headers=headers).json()["name"] == "gate"


@pytest.mark.parametrize(
    "headers",
    [
        bearer(UNKNOWN_KEY),
        bearer("x" * 10_000),
        bearer("odf_\xff"),
        {"X-API-Key": UNKNOWN_KEY},
        {"Authorization": f"Basic {UNKNOWN_KEY}"},
        {"Authorization": "Bearer"},
        {"Authorization": ""},
        {"X-API-Key": ""},
    ],
)
def test_what_is_no_key_is_refused(client_with, store, headers):
    client = client_with()
    store.create("gate", [Role.ADMIN])
    sent = {name: value.encode("latin-1") for name, value in headers.items()}

    answer = client.get("/v1/model", headers=sent)

    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"


def test_a_key_in_the_address_is_no_key(client_with, store):
    key = store.create("gate", [Role.ADMIN]).presented
    answer = client_with().get("/v1/model", params={"api_key": key, "X-API-Key": key})
    assert refused(answer, 401, "access.no_key")


@pytest.mark.parametrize("held", Role)
@pytest.mark.parametrize("needed", Role)
def test_each_role_opens_its_own_and_admin_all(client_with, store, held, needed):
    key = store.create("gate", [held]).presented

    answer = client_with().get(f"/test/{needed}", headers=bearer(key))

    if held in (needed, Role.ADMIN):
        assert answer.json()["name"] == "gate"
    else:
        assert refused(answer, 403, "access.role")
        assert f"role {needed}" in answer.json()["detail"]


@pytest.mark.parametrize("role", Role)
def test_any_role_will_do_for_pictures_that_are_not_kept(client_with, store, role):
    key = store.create("gate", [role]).presented
    answer = client_with().post("/v1/extract", files=FILES, headers=bearer(key))
    assert answer.status_code == 200


def test_a_revoked_key_is_refused_at_the_next_request(client_with, store):
    client = client_with()
    key = store.create("gate", [Role.READ]).presented
    assert client.get("/v1/model", headers=bearer(key)).status_code == 200
    store.revoke("gate")
    assert refused(client.get("/v1/model", headers=bearer(key)), 401, "access.revoked")


def test_who_asks_too_often_is_told_when_to_go_on(client_with, store, clock):
    client = client_with(rate_limit_per_minute=2)
    key, other = (store.create(name, [Role.READ]).presented for name in ("a", "b"))
    assert [client.get("/v1/model", headers=bearer(key)).status_code for _ in range(2)] == [200] * 2

    clock.advance(seconds=0.5)
    answer = client.get("/v1/model", headers=bearer(key))

    assert refused(answer, 429, "access.rate_limit")
    assert answer.headers["retry-after"] == "30"
    assert client.get("/v1/model", headers=bearer(other)).status_code == 200
    clock.advance(seconds=30)
    assert client.get("/v1/model", headers=bearer(key)).status_code == 200


def test_a_key_with_its_own_limit_has_that(client_with, store):
    client = client_with(rate_limit_per_minute=100)
    key = store.create("slow", [Role.READ], rate_per_minute=1).presented
    statuses = [client.get("/v1/model", headers=bearer(key)).status_code for _ in range(2)]
    assert statuses == [200, 429]


def test_refusals_are_logged_without_the_key(client_with, store, caplog):
    store.create("gate", [Role.READ])
    client_with().get("/v1/model", headers=bearer(UNKNOWN_KEY) | {"X-Request-ID": "r-9"})
    assert "request r-9 from testclient refused: access.unknown_key" in caplog.text
    assert "0" * 16 not in caplog.text


def test_refusals_are_said_in_chinese(client_with):
    answer = client_with(api_keys="required").get("/v1/model", headers={"Accept-Language": "zh"})
    assert "需要 API 密钥" in answer.json()["detail"]


@pytest.mark.parametrize(
    "origin",
    [
        "https://evil.example",
        "http://127.0.0.1:8080",
        "http://localhost:7860",
        "null",
        "",
        "http://[::1",
        "http://127.0.0.1:7860.evil.example",
        "http://127.0.0.1:7860@evil.example",
    ],
)
def test_without_keys_another_sites_requests_are_refused(client_with, origin):
    answer = client_with().post("/v1/extract", files=FILES, headers={"Origin": origin})
    assert refused(answer, 403, "access.foreign_site")


@pytest.mark.parametrize("base_url", [LOOPBACK, "http://localhost:7860", "http://[::1]:7860"])
def test_without_keys_the_own_page_may_ask(client_with, base_url):
    client = client_with(base_url)
    assert client.get("/v1/model", headers={"Origin": base_url}).status_code == 200


@pytest.mark.parametrize("base_url", ["http://evil.example:7860", "http://192.168.0.7:7860"])
def test_without_keys_a_foreign_name_of_this_machine_is_refused(client_with, base_url):
    client = client_with(base_url)
    answer = client.get("/v1/model", headers={"Origin": base_url})
    assert refused(answer, 403, "access.foreign_host")
    assert client.get("/healthz").status_code == 200


def test_with_a_key_any_site_and_name_will_do(client_with, store):
    key = store.create("gate", [Role.READ]).presented
    client = client_with("https://faces.example")
    headers = bearer(key) | {"Origin": "https://desk.example"}
    assert client.get("/v1/model", headers=headers).status_code == 200


def test_the_document_says_how_keys_are_sent(client_with):
    document = client_with().get("/openapi.json").json()
    schemes = document["components"]["securitySchemes"]
    assert {scheme["type"] for scheme in schemes.values()} == {"http", "apiKey"}
    for path, operations in document["paths"].items():
        for operation in operations.values():
            keys = {name for way in operation.get("security", ()) for name in way}
            assert keys == (set() if path in FREE else set(schemes)), path
            if path.startswith("/v1/"):
                assert {"401", "403", "429"} <= set(operation["responses"]), path


def test_where_others_reach_it_no_server_starts_without_a_key(store):
    within, beyond = (Access(store, Settings(host=host)) for host in ("127.0.0.1", "0.0.0.0"))  # noqa: S104 - what it is about
    within.check_start()
    with pytest.raises(ConfigError, match="ood-face keys create NAME --role admin"):
        beyond.check_start()

    store.create("gate", [Role.READ])

    beyond.check_start()


def test_without_an_access_everyone_is_let_in(service):
    app = create_app(Served(service, Settings()))
    client = TestClient(app, base_url="http://elsewhere.example")
    assert client.get("/v1/model").status_code == 200
