from __future__ import annotations

import io
from contextlib import closing
from typing import TYPE_CHECKING

import numpy as np
import pytest
from fastapi.testclient import TestClient
from PIL import Image

from ood_face.access import KeyStore
from ood_face.api import create_app
from ood_face.api.auth import Access
from ood_face.api.served import Served
from ood_face.config import Settings
from ood_face.service import ReviewService
from ood_face.types import ReviewKind, Role
from tests.fakes import fake_service
from tests.fakes.audit import RecordingAudit
from tests.fakes.review import FakeReviewQueue, case, yes
from tests.fakes.templates import crop

if TYPE_CHECKING:
    from collections.abc import Iterator

ITEM = "/v1/review/{item}"
NEEDED = {
    ("get", "/v1/review"): Role.READ,
    ("get", ITEM): Role.READ,
    ("delete", ITEM): Role.ENROLL,
    ("post", ITEM + ":label"): Role.ENROLL,
    # faces, and what a model is fitted to
    ("get", ITEM + "/crops/{index}"): Role.ADMIN,
    ("get", "/v1/review:export"): Role.ADMIN,
}


@pytest.fixture
def queue() -> FakeReviewQueue:
    queue = FakeReviewQueue()
    queue.offer(case(1, similarity=0.41, crops=(crop(1),)), yes)
    queue.offer(case(2, similarity=0.42, ambiguity=0.25), yes)
    queue.offer(case(3, similarity=0.43, ambiguity=0.5, kind=ReviewKind.IDENTIFY), yes)
    return queue


@pytest.fixture
def audit() -> RecordingAudit:
    return RecordingAudit()


def client_over(queue, audit, access=None) -> TestClient:
    app = create_app(Served(fake_service(), Settings(), access, review=ReviewService(queue, audit)))
    return TestClient(app, raise_server_exceptions=False)


@pytest.fixture
def client(queue, audit) -> TestClient:
    return client_over(queue, audit)


@pytest.fixture(scope="module")
def store(tmp_path_factory) -> Iterator[KeyStore]:
    with closing(KeyStore(tmp_path_factory.mktemp("data"))) as store:
        yield store


@pytest.fixture(scope="module")
def keys(store) -> dict[Role, str]:
    return {role: store.create(role, [role]).presented for role in Role}


def ids(answer) -> list[int]:
    return [item["id"] for item in answer.json()["items"]]


def test_the_newest_come_first_and_a_link_leads_on(client):
    first = client.get("/v1/review", params={"limit": 2})
    assert (first.status_code, ids(first), first.json()["next"]) == (200, [3, 2], "2")
    link = first.headers["link"]
    assert link.endswith('>; rel="next"')
    second = client.get(link[1 : link.index(">")])
    assert (ids(second), second.json()["next"]) == ([1], None)
    assert "link" not in second.headers


def test_the_most_uncertain_come_first_if_that_is_asked(client):
    answer = client.get("/v1/review", params={"order": "uncertain", "limit": 2})
    assert ids(answer) == [1, 3]
    after = answer.json()["next"]
    rest = client.get("/v1/review", params={"order": "uncertain", "after": after})
    assert ids(rest) == [2]


def test_an_item_says_what_was_answered_and_why_in_the_callers_language(client):
    found = client.get("/v1/review/1", headers={"Accept-Language": "zh"}).json()
    assert found["verdict_name"] == "需要人工复核"
    assert "0.400" in found["reasons"][0]["sentence"]
    expected = {
        "id": 1,
        "kind": "verify",
        "verdict": "review",
        "gallery": "staff",
        "subject_id": "subject-1",
        "template_id": 1,
        "similarity": 0.41,
        "ood_score_a": 0.5,
        "ood_score_b": 0.75,
        "probability": None,
        "ambiguity": 1.0,
        "crops": 1,
        "label": None,
        "labelled_by": None,
        "labelled_at": None,
    }
    assert {name: found[name] for name in expected} == expected


def test_a_search_is_named_as_searches_are(client):
    assert client.get("/v1/review/3").json()["verdict_name"] == "needs review"


def test_a_label_is_kept_with_who_and_when_and_can_be_changed(client, audit):
    client.post("/v1/review/1:label", json={"label": "same"})
    answer = client.post("/v1/review/1:label", json={"label": "different"})
    assert answer.status_code == 200
    found = client.get("/v1/review/1").json()
    assert found == answer.json()
    assert (found["label"], found["labelled_by"]) == ("different", "open")
    assert found["labelled_at"].startswith("2026-")
    assert ids(client.get("/v1/review")) == [3, 2]
    assert ids(client.get("/v1/review", params={"state": "labelled"})) == [1]
    assert ids(client.get("/v1/review", params={"state": "all"})) == [3, 2, 1]
    assert audit.outcomes() == [("label_review", "same"), ("label_review", "different")]


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        ({"label": "perhaps"}, "review.label"),
        ({"label": None}, "review.label"),
        ({"label": 1}, "request.not_text"),
        ({}, "request.field_names"),
        ({"label": "same", "by": "me"}, "request.field_names"),
    ],
)
def test_a_label_that_is_none_is_refused_and_nothing_changes(client, sent, code):
    answer = client.post("/v1/review/1:label", json=sent)
    assert (answer.status_code, answer.json()["code"]) == (422, code)
    assert client.get("/v1/review/1").json()["label"] is None


def test_an_item_is_erased(client, audit):
    assert client.delete("/v1/review/2").status_code == 204
    for answer in (
        client.delete("/v1/review/2"),
        client.get("/v1/review/2"),
        client.get("/v1/review/2/crops/0"),
        client.post("/v1/review/2:label", json={"label": "same"}),
    ):
        assert (answer.status_code, answer.json()["code"]) == (404, "review.unknown")
    assert audit.outcomes() == [("delete_review", "ok")]


def test_an_aligned_face_is_a_png(client):
    answer = client.get("/v1/review/1/crops/0")
    assert answer.headers["content-type"] == "image/png"
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(answer.content))), crop(1))
    missing = client.get("/v1/review/1/crops/1")
    assert (missing.status_code, missing.json()["code"]) == (404, "review.no_crop")


def test_what_is_labelled_is_exported_as_arrays(client):
    assert client.get("/v1/review:export").json()["code"] == "review.nothing_labelled"
    client.post("/v1/review/1:label", json={"label": "same"})
    client.post("/v1/review/2:label", json={"label": "different"})
    answer = client.get("/v1/review:export")
    assert answer.status_code == 200
    assert answer.headers["content-disposition"] == 'attachment; filename="review.npz"'
    with np.load(io.BytesIO(answer.content), allow_pickle=False) as found:
        assert found["scores"].tolist() == [0.41, 0.42]
        assert found["labels"].tolist() == [1, 0]
        assert found["groups"].tolist() == [0, 1]
    nothing = client.get("/v1/review:export", params={"model_id": "none"})
    assert (nothing.status_code, nothing.json()["code"]) == (422, "review.nothing_labelled")


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({"limit": 0}, "review.page"),
        ({"limit": 1001}, "review.page"),
        ({"after": "1-1"}, "review.after"),
        ({"order": "oldest"}, "request.parameter"),
        ({"state": "done"}, "request.parameter"),
    ],
)
def test_a_wrong_question_is_told(client, params, code):
    answer = client.get("/v1/review", params=params)
    assert (answer.status_code, answer.json()["code"]) == (422, code)


@pytest.mark.parametrize("item", ["x", "-1", str(2**63)])
def test_what_can_be_no_item_is_told(client, item):
    assert client.get(f"/v1/review/{item}").status_code == 422


def test_a_wrong_method_is_told(client):
    assert client.put("/v1/review/1").status_code == 405
    assert client.get("/v1/review/1:label").status_code == 405


def test_without_a_queue_there_is_no_such_address():
    client = TestClient(create_app(Served(fake_service(), Settings())))
    assert client.get("/v1/review").status_code == 404


def test_the_table_of_roles_has_every_address(client):
    paths = client.get("/openapi.json").json()["paths"]
    documented = {(m, path) for path in paths for m in paths[path] if "review" in path}
    assert documented == set(NEEDED)


@pytest.mark.parametrize(("method", "path"), NEEDED, ids=lambda part: part)
def test_a_role_opens_what_it_is_for_and_nothing_else(queue, audit, store, keys, method, path):
    client = client_over(queue, audit, Access(store, Settings()))
    answers = {
        role: client.request(
            method, path.format(item=1, index=0), headers={"X-API-Key": key}, json={"label": "same"}
        )
        for role, key in keys.items()
    }
    let_in = {role for role, answer in answers.items() if answer.status_code != 403}
    assert let_in == {NEEDED[method, path], Role.ADMIN}
    assert client.request(method, path.format(item=1, index=0)).status_code == 401


def test_the_document_describes_every_operation_and_every_field(client):
    document = client.get("/openapi.json").json()
    for method, path in NEEDED:
        operation = document["paths"][path][method]
        assert operation["description"]
        content = [
            list(response.get("content", ()))
            for status, response in operation["responses"].items()
            if int(status) >= 400
        ]
        assert content == [["application/problem+json"]] * len(content)
    for name in ("ReviewItemOut", "ReviewPageOut"):
        for field, schema in document["components"]["schemas"][name]["properties"].items():
            assert {"description", "examples", "items"} & set(schema), field
