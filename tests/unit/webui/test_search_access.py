"""The tab Search asks who may: each wish needs the role that the API asks for."""

from __future__ import annotations

import asyncio
import base64
from contextlib import closing
from typing import TYPE_CHECKING

import gradio as gr
import pytest
from fastapi.testclient import TestClient

from ood_face.access import KeyStore
from ood_face.api.auth import Access
from ood_face.api.served import Served
from ood_face.config import Settings
from ood_face.types import EnrolmentRequest, Role
from tests.fakes import fake_gallery_service, fake_service, picture, png
from webui import server
from webui.catalogue import texts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ood_face.service import GalleryService

HOST = "http://127.0.0.1:7860"
EN = texts("en")
SENT = [{"name": "a.png", "data": base64.b64encode(png(picture(60))).decode()}]


@pytest.fixture(scope="module")
def store(tmp_path_factory) -> Iterator[KeyStore]:
    with closing(KeyStore(tmp_path_factory.mktemp("data"))) as store:
        yield store


@pytest.fixture(scope="module")
def keys(store) -> dict[str, str]:
    return {role.value: store.create(role.value, [role]).presented for role in Role} | {
        "read-identify": store.create("both", [Role.READ, Role.IDENTIFY]).presented,
        "read-enroll": store.create("clerk", [Role.READ, Role.ENROLL]).presented,
    }


@pytest.fixture(scope="module")
def kept() -> GalleryService:
    return fake_gallery_service()


@pytest.fixture
def galleries(kept) -> GalleryService:
    """Return the galleries as they are before each test: one, with one person."""
    for info, _ in kept.galleries():
        kept.delete_gallery(info.name)
    kept.create_gallery("staff")
    kept.enroll("staff", EnrolmentRequest("anna"))
    return kept


class Visitor:
    """Sends the page's events with one key."""

    def __init__(self, client: TestClient, blocks: gr.Blocks, key: str | None) -> None:
        self._client, self._blocks = client, blocks
        self._session = f"session-{key}"
        password = base64.b64encode(f"any:{key}".encode()).decode()
        self._headers = {} if key is None else {"Authorization": f"Basic {password}"}
        self.send("search_tab", "_open", [None, "en"])

    def send(self, module: str, handler: str, data: list[object], **asked: object) -> str:
        number = next(
            index
            for index, event in self._blocks.fns.items()
            if event.name == handler and event.fn.__module__.endswith(module)
        )
        body = {"data": data, "fn_index": number, "session_hash": self._session}
        if asked:
            body["event_data"] = asked
        answer = self._client.post("/gradio_api/run/predict", json=body, headers=self._headers)
        assert answer.status_code == 200, answer.text
        return answer.text


@pytest.fixture(scope="module")
def served(store, kept) -> Iterator[tuple[TestClient, gr.Blocks]]:
    settings = Settings()

    async def build() -> tuple[TestClient, gr.Blocks]:
        access = Access(store, settings)
        app = server.build_app(Served(fake_service(), settings, access, kept))
        inside = [getattr(route, "app", None) for route in app.routes]
        (mounted,) = [one for one in inside if isinstance(one, gr.routes.App)]
        return TestClient(app, base_url=HOST), mounted.get_blocks()

    # where no event loop runs, Gradio makes its own and never closes them
    client, blocks = asyncio.run(build())
    with client:
        yield client, blocks


@pytest.fixture
def visit(served, keys, galleries) -> Callable[[str | None], Visitor]:
    assert galleries.galleries()
    return lambda name: Visitor(*served, None if name is None else keys[name])


def lacks(role: str) -> str:
    return EN("signin.lacks", role=EN(f"signin.role_{role}"))


def test_who_has_no_key_sees_no_gallery(visit):
    shown = visit(None).send("search_tab", "_open", [None, "en"])

    assert 'data-gallery=\\"none\\"' in shown
    assert "staff" not in shown


def test_who_may_only_identify_sees_no_gallery(visit):
    shown = visit("identify").send("search_tab", "_open", [None, "en"])

    assert lacks("read") in shown
    assert "staff" not in shown


def test_who_reads_sees_galleries_and_cannot_make_one(visit, galleries):
    visitor = visit("read")
    shown = visitor.send("search_tab", "_open", [None, "en"])
    assert "staff" in shown
    assert 'data-admin=\\"no\\"' in shown

    asked = {"act": "create", "name": "mine", "scenario": "default", "templates": "5"}
    refused = visitor.send("search_tab", "_answer", [None, "en"], **asked)
    assert lacks("admin") in refused
    assert [info.name for info, _ in galleries.galleries()] == ["staff"]


def test_an_administrator_makes_a_gallery_and_sees_what_is_wrong_with_its_name(visit, galleries):
    visitor = visit("admin")
    asked = {"act": "create", "name": "Büro 1", "scenario": "default", "templates": "5"}
    assert "1 to 63 characters" in visitor.send("search_tab", "_answer", [None, "en"], **asked)
    wrong = asked | {"name": "new", "templates": "many"}
    assert "no whole number" in visitor.send("search_tab", "_answer", [None, "en"], **wrong)
    assert len(galleries.galleries()) == 1

    made = asked | {"name": "office-1", "crops": "1", "templates": "7"}
    shown = visitor.send("search_tab", "_answer", [None, "en"], **made)
    assert EN("search.done_created", gallery="office-1") in shown
    info = galleries.open("office-1").info
    assert (info.max_templates, info.keep_crops) == (7, True)


def test_searching_needs_its_role(visit):
    refused = visit("read").send("search_identify", "_identify", [SENT, None, "en"])
    answered = visit("read-identify").send("search_identify", "_identify", [SENT, None, "en"])

    assert lacks("identify") in refused
    assert EN("identify.candidates") not in refused
    assert "data-kind" in answered
    assert "lacks the role" not in answered


def test_adding_needs_its_role_and_forcing_an_administrator(visit, galleries):
    asked = [SENT, "bob", "", False, None, "en"]
    forced = [SENT, "bob", "", True, None, "en"]
    refused = visit("read").send("search_one", "_enrol", asked)
    clerk = visit("read-enroll").send("search_one", "_enrol", forced)

    assert lacks("enroll") in refused
    assert lacks("admin") in clerk
    assert galleries.open("staff").counts().subjects == 1


def test_sending_many_pictures_needs_its_role(visit):
    visitor = visit("read")
    slice_ = {"bundle": "0" * 32, "last": True, "parts": []}
    shown = visitor.send("search_many", "_receive", ["folders", "en"], **slice_)

    assert lacks("enroll") in shown


def test_deleting_needs_its_role_and_the_gallerys_end_an_administrator(visit, galleries):
    reader, clerk, admin = visit("read"), visit("read-enroll"), visit("admin")
    delete = {"act": "delete", "id": "anna"}
    for visitor in (reader, clerk, admin):
        visitor.send("search_people", "_look", [None, "en"])

    refused = reader.send("search_people", "_answer", [None, None, "en"], **delete)
    assert lacks("enroll") in refused
    done = clerk.send("search_people", "_answer", [None, None, "en"], **delete)
    assert EN("search.done_person_deleted") in done
    assert galleries.open("staff").counts().subjects == 0

    end = {"act": "end", "name": "staff"}
    assert lacks("admin") in clerk.send("search_people", "_answer", [None, None, "en"], **end)
    wrong = admin.send("search_people", "_answer", [None, None, "en"], act="end", name="other")
    assert "type its name" in wrong
    ended = admin.send("search_people", "_answer", [None, None, "en"], **end)
    assert EN("search.done_gallery_deleted", gallery="staff") in ended
    assert galleries.galleries() == []


def test_what_changed_meanwhile_is_not_deleted(visit, galleries):
    clerk = visit("read-enroll")
    clerk.send("search_people", "_look", [None, "en"])
    old = str(galleries.subject("staff", "anna").version - 1)
    shown = clerk.send(
        "search_people", "_answer", [None, None, "en"], act="delete", id="anna", version=old
    )

    assert EN("search.done_person_deleted") not in shown
    assert galleries.subject("staff", "anna").subject_id == "anna"
