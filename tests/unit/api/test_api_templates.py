from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from tests.unit.api.people import (
    ANN,
    BEN,
    GALLERIES,
    GALLERY,
    SUBJECTS,
    dim_shot,
    enroll,
    in_base64,
    shot,
)

TEMPLATES = f"{SUBJECTS}/ann/templates"


def add(client, *shots, headers=None, **fields):
    body = {"image": [in_base64(data) for data in shots], **fields}
    return client.post(TEMPLATES, json=body, headers=headers)


@pytest.fixture
def client(gallery_client):
    enroll(gallery_client, "ann", shot(ANN))
    return gallery_client


def test_a_picture_is_added_and_has_an_address(client):
    answer = add(client, shot(ANN, 60))
    assert answer.status_code == 201
    [outcome] = answer.json()["pictures"]
    assert answer.headers["location"] == f"{TEMPLATES}/{outcome['template_id']}"
    assert not answer.json()["created"]
    template = client.get(answer.headers["location"]).json()
    assert template == answer.json()["subject"]["templates"][1]
    assert client.get(TEMPLATES).json()["templates"] == answer.json()["subject"]["templates"]
    assert len(template["source_hash"]) == 64


def test_a_picture_that_is_enrolled_already_changes_nothing(client):
    before = client.get(f"{SUBJECTS}/ann").json()
    answer = add(client, shot(ANN))
    assert answer.status_code == 200
    assert answer.json()["pictures"][0]["status"] == "unchanged"
    assert answer.json()["subject"] == before
    assert answer.headers["location"] == TEMPLATES


def test_the_best_templates_are_kept_and_the_answer_says_who_had_to_go(client):
    client.patch(GALLERY, json={"max_templates": 1})
    [worst] = client.get(TEMPLATES).json()["templates"]
    brighter = shot((255, 150, 150), 60)
    answer = add(client, brighter)
    assert answer.json()["evicted"] == [worst["template_id"]]
    assert answer.json()["pictures"][0]["status"] == "enrolled"
    again = add(client, shot(ANN))
    assert again.status_code == 200
    assert again.json()["pictures"][0] == {
        "status": "not_kept",
        "ood_score": pytest.approx(510 / 765),
        "quality_level": "good",
        "template_id": None,
        "reasons": [],
    }


def test_a_picture_unlike_the_others_comes_with_a_warning_in_the_callers_language(client):
    answer = add(client, shot(BEN), headers={"Accept-Language": "zh"})
    [reason] = answer.json()["pictures"][0]["reasons"]
    assert reason["key"] == "enroll.unlike"
    assert "相似度" in reason["sentence"]
    assert reason["values"]["similarity"] < reason["values"]["threshold"]


@pytest.mark.parametrize(
    ("shots", "code"),
    [([], "request.no_picture"), ([dim_shot(ANN)], "enroll.low_quality")],
)
def test_what_cannot_be_added_is_refused(client, shots, code):
    answer = add(client, *shots)
    assert (answer.status_code, answer.json()["code"]) == (422, code)


def test_an_unknown_subject_gets_no_template(gallery_client):
    answer = add(gallery_client, shot(ANN))
    assert (answer.status_code, answer.json()["code"]) == (404, "gallery.no_subject")


def test_templates_follow_the_version_of_their_subject(client):
    stale = client.get(f"{SUBJECTS}/ann").headers["etag"]
    added = add(client, shot(ANN, 60), headers={"If-Match": stale})
    assert added.status_code == 201
    path = added.headers["location"]
    assert add(client, shot(ANN, 70), headers={"If-Match": stale}).status_code == 412
    assert client.delete(path, headers={"If-Match": stale}).status_code == 412
    assert client.get(path).status_code == 200
    fresh = {"If-Match": added.headers["etag"]}
    assert client.delete(path, headers=fresh).status_code == 204
    assert client.get(path).status_code == 404


def test_a_template_is_erased_and_the_subject_stays(client):
    [template] = client.get(TEMPLATES).json()["templates"]
    path = f"{TEMPLATES}/{template['template_id']}"
    assert client.delete(path).status_code == 204
    assert client.delete(path).status_code == 404
    assert client.get(f"{SUBJECTS}/ann").json()["templates"] == []


def test_a_template_of_another_subject_is_not_found_here(client):
    other = enroll(client, "ben", shot(BEN)).json()["pictures"][0]["template_id"]
    for path in (f"{TEMPLATES}/{other}", f"{TEMPLATES}/{other}/crop"):
        answer = client.get(path)
        assert (answer.status_code, answer.json()["code"]) == (404, "subject.no_template")
    assert client.delete(f"{TEMPLATES}/{other}").status_code == 404
    assert client.get(f"{SUBJECTS}/ben/templates/{other}").status_code == 200


@pytest.mark.parametrize("number", ["x", "-1", "1.5", str(2**63), "9" * 40])
def test_numbers_that_no_template_can_have_are_refused(client, number):
    for method in ("GET", "DELETE"):
        answer = client.request(method, f"{TEMPLATES}/{number}")
        assert (answer.status_code, answer.json()["code"]) == (422, "request.parameter")


def test_the_aligned_face_is_there_where_the_gallery_keeps_it(client):
    [template] = client.get(TEMPLATES).json()["templates"]
    answer = client.get(f"{TEMPLATES}/{template['template_id']}/crop")
    assert (answer.status_code, answer.json()["code"]) == (404, "subject.no_crop")

    client.post(GALLERIES, json={"name": "kept", "keep_crops": True})
    body = {"subject_id": "ann", "image": in_base64(shot(ANN))}
    made = client.post(f"{GALLERIES}/kept/subjects", json=body).json()["pictures"][0]
    path = f"{GALLERIES}/kept/subjects/ann/templates/{made['template_id']}/crop"
    answer = client.get(path)
    assert answer.headers["content-type"] == "image/png"
    pixels = np.asarray(Image.open(io.BytesIO(answer.content)))
    assert pixels.shape == (112, 112, 3)
    assert (pixels == ANN).all()

    client.patch(f"{GALLERIES}/kept", json={"keep_crops": False})
    assert client.get(path).status_code == 404
