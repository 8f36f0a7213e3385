"""Garbage through the endpoints of galleries: always an answer, never a defect."""

from __future__ import annotations

import json
from urllib.parse import quote_from_bytes

import pytest
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ood_face.api import create_app
from ood_face.api.served import Served
from ood_face.config import Settings
from tests.fakes import fake_gallery_service, fake_service
from tests.unit.api.people import ANN, BEN, GALLERIES, GALLERY, SUBJECTS, enroll, in_base64, shot

fuzz = settings(
    max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
JSON = {"Content-Type": "application/json"}
POSTS = [
    GALLERIES,
    SUBJECTS,
    f"{SUBJECTS}:batch",
    f"{SUBJECTS}/ann/templates",
    f"{SUBJECTS}/ann:verify",
    f"{GALLERY}:identify",
]
PATCHES = [GALLERY, f"{SUBJECTS}/ann"]
NAMES = [
    "name", "subject_id", "metadata", "image", "images", "force", "scenario", "top_k",
    "max_templates", "keep_crops", "subjects", "manifest",
]  # fmt: skip
PICTURES = [in_base64(shot(ANN)), in_base64(shot(BEN)), in_base64(b"no picture"), "@"]


def values(numbers: st.SearchStrategy[float]) -> st.SearchStrategy[object]:
    leaves = st.none() | st.booleans() | numbers | st.text() | st.integers()
    return st.recursive(
        leaves | st.sampled_from(PICTURES),
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(NAMES), inner),
        max_leaves=12,
    )


# with NaN and Infinity, which json.dumps writes and JSON does not have
anything = values(st.floats())
any_json = values(st.floats(allow_nan=False, allow_infinity=False))


@pytest.fixture(scope="module")
def client():
    # defects are raised, so that hypothesis shows them
    service = fake_service()
    galleries = fake_gallery_service(service)
    galleries.create_gallery("staff")
    limits = Settings(max_image_bytes=200_000, max_image_pixels=1_000_000)
    with TestClient(create_app(Served(service, limits, galleries=galleries))) as client:
        enroll(client, "ann", shot(ANN))
        yield client


def assert_no_defect(answer) -> None:
    assert answer.status_code < 500, answer.text
    assert answer.status_code != 400, answer.text
    if answer.status_code >= 400:
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["detail"]
        assert len(answer.content) < 4000


@fuzz
@given(st.sampled_from(POSTS), st.dictionaries(st.sampled_from(NAMES), anything))
def test_any_json_as_a_post(client, path, body):
    assert_no_defect(client.post(path, content=json.dumps(body), headers=JSON))


@fuzz
@given(st.sampled_from(PATCHES), st.dictionaries(st.sampled_from(NAMES), anything) | anything)
def test_any_json_as_a_patch(client, path, body):
    assert_no_defect(client.patch(path, content=json.dumps(body), headers=JSON))


@fuzz
@given(st.lists(any_json | st.dictionaries(st.sampled_from(NAMES), any_json), max_size=4))
def test_any_subjects_as_a_batch(client, subjects):
    answer = client.post(
        f"{SUBJECTS}:batch", content=json.dumps({"subjects": subjects}), headers=JSON
    )
    assert_no_defect(answer)
    lines = [json.loads(line) for line in answer.text.splitlines()]
    assert len(lines) == len(subjects) + 1
    assert lines[-1]["summary"]["complete"]


@fuzz
@given(
    st.sampled_from(POSTS),
    st.lists(st.tuples(st.sampled_from(NAMES), st.booleans(), st.binary(max_size=60)), max_size=6),
)
def test_any_parts_of_a_form(client, path, parts):
    files = [
        (name, ("a.png" if as_file else None, content)) for name, as_file, content in parts
    ] or [("image", ("a.png", b""))]
    assert_no_defect(client.post(path, files=files))


@fuzz
@given(st.binary(max_size=200), st.sampled_from(["GET", "DELETE", "PATCH", "POST"]))
def test_any_bytes_in_an_address(client, raw, method):
    name = quote_from_bytes(raw, safe="")
    for path in (f"{GALLERIES}/other-{name}", f"{SUBJECTS}/{name}x", f"{SUBJECTS}/{name}x:verify"):
        body = {} if method in ("GET", "DELETE") else {"json": {"name": "x"}}
        assert_no_defect(client.request(method, path, **body))


@fuzz
@given(
    st.binary(min_size=1, max_size=40).filter(lambda value: not set(value) & set(b"\r\n\0")),
    st.sampled_from(["If-Match", "If-None-Match", "Idempotency-Key", "Accept-Language"]),
)
def test_any_bytes_as_a_header(client, value, name):
    assert_no_defect(client.get(f"{SUBJECTS}/ann", headers={name: value}))
    assert_no_defect(client.patch(f"{SUBJECTS}/ann", json={"name": "x"}, headers={name: value}))
    assert_no_defect(client.post(SUBJECTS, json={"subject_id": "."}, headers={name: value}))


@fuzz
@given(st.text(max_size=200), st.integers() | st.text(max_size=30))
def test_any_page(client, after, limit):
    for path in (GALLERIES, SUBJECTS):
        text = after.encode("utf-8", "replace").decode()
        assert_no_defect(client.get(path, params={"after": text, "limit": limit}))
