"""Signing in and out, and trying to in vain, stands in the audit log."""

from __future__ import annotations

import asyncio
from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from fastapi.testclient import TestClient

from ood_face.access import KeyStore, RateLimiter
from ood_face.api.auth import Access
from ood_face.api.served import Served
from ood_face.config import Settings
from ood_face.types import Role
from tests.fakes import fake_service
from tests.fakes.audit import RecordingAudit
from tests.fakes.clock import FakeClock
from webui import server
from webui.signin import SignIn
from webui.signin_audit import SignInAudit

if TYPE_CHECKING:
    from collections.abc import Iterator

HOST = "http://faces.example:7860"


@pytest.fixture(scope="module")
def store(tmp_path_factory) -> Iterator[KeyStore]:
    with closing(KeyStore(tmp_path_factory.mktemp("data"))) as store:
        yield store


@pytest.fixture(scope="module")
def key(store) -> str:
    return store.create("desk", [Role.READ]).presented


@pytest.fixture(scope="module")
def audit() -> RecordingAudit:
    return RecordingAudit()


@pytest.fixture(scope="module")
def app(store, audit):
    settings = Settings(host="0.0.0.0")  # noqa: S104 - open to other machines

    async def no_wait(_seconds: float) -> None:
        pass

    async def build():
        access = Access(store, settings)
        signin = SignIn(access, "ood_face_7860", audit=audit, sleep=no_wait)
        return server.build_app(Served(fake_service(), settings, access), signin)

    # where no event loop runs, Gradio makes its own and never closes them
    return asyncio.run(build())


@pytest.fixture
def client(app, audit) -> Iterator[TestClient]:
    audit.noted.clear()
    with TestClient(app, base_url=HOST, follow_redirects=False) as client:
        yield client


def sign_in(client, key: str, name: str = ""):
    return client.post("/sign-in", data={"name": name, "key": key})


def test_signing_in_and_out_is_noted_with_name_and_address(client, audit, key):
    sign_in(client, key)
    client.post("/sign-out")
    assert audit.outcomes() == [("sign_in", "ok"), ("sign_out", "ok")]
    (caller, event), _ = audit.noted
    assert caller.name == "desk"
    assert event.values == {"address": "testclient"}
    assert (event.gallery, event.subject_id) == ("", None)


@pytest.mark.parametrize(("sent", "name"), [("odf_wrong", ""), (None, "somebody else")])
def test_who_tries_in_vain_is_noted_without_what_they_sent(client, audit, key, sent, name):
    assert sign_in(client, sent or key, name).status_code == 401
    ((caller, event),) = audit.noted
    assert (caller.name, event.outcome) == ("open", "access.unknown_key")
    assert "odf_" not in repr(event)
    assert "somebody" not in repr(event)
    # what was wrong is forgotten, so that the next test finds it as the first did
    sign_in(client, key)


def test_who_was_not_signed_in_did_not_sign_out(client, audit):
    client.post("/sign-out")
    assert audit.noted == []


class Asked:
    """A request as far as it is looked at."""

    client = None


def test_of_very_many_failures_only_some_are_noted_and_every_success_is():
    clock = FakeClock()
    audit = RecordingAudit()
    signin = SignInAudit(audit, RateLimiter(3, clock.seconds))

    async def try_often() -> None:
        for _ in range(10):
            await signin.failed(Asked(), "access.unknown_key")
        await signin.came(Asked(), "desk")

    asyncio.run(try_often())
    assert audit.outcomes() == [("sign_in", "access.unknown_key")] * 3 + [("sign_in", "ok")]


def test_an_audit_log_that_cannot_be_written_keeps_nobody_out(caplog):
    signin = SignInAudit(RecordingAudit(broken=True))
    asyncio.run(signin.came(Asked(), "desk"))
    assert "not in the audit log: sign_in: broken" in caplog.text
