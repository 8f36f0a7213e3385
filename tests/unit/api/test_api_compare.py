from __future__ import annotations

import base64

import numpy as np
import pytest

from ood_face.types import QualityScore
from tests.fakes import FakeEmbedder, fake_service, picture, png

SAME = {"image_a": ("a.png", png(picture(40))), "image_b": ("b.png", png(picture(40)))}


def test_a_form(client):
    answer = client.post("/v1/compare", files=SAME)
    assert answer.status_code == 200
    body = answer.json()
    assert body["similarity"] == pytest.approx(1)
    assert (body["verdict"], body["verdict_name"]) == ("same", "same person")
    assert [reason["key"] for reason in body["reasons"]] == ["similarity.above"]
    assert body["reasons"][0]["values"]["threshold"] == 0.45
    assert "0.450" in body["reasons"][0]["sentence"]
    assert body["scenario"] == {
        "name": "default",
        "same_above": 0.45,
        "different_below": 0.35,
        "recapture_below": 0.4,
        "same_needs_score_above": None,
        "similarity_alone": False,
        "enroll_needs_score_above": 0.5,
        "identify_needs_margin_above": 0.05,
        "calibration": None,
        "calibration_configs": [],
        "policy": "similarity",
        "same_probability_above": 0.99,
        "different_probability_below": 0.05,
        "same_prior": 0.5,
        "dropout_passes": 0,
    }
    assert (body["probability"], body["probability_interval"]) == (None, None)
    assert body["model_id"] == "fake-1"
    for face in (body["face_a"], body["face_b"]):
        assert face["quality"] == 78
        assert face["feature"] is None


def test_features_on_demand(client, service):
    body = client.post("/v1/compare?include_features=true", files=SAME).json()
    template, _ = service.extract_one(picture(40))
    np.testing.assert_array_equal(np.float32(body["face_a"]["feature"]), template.feature)
    np.testing.assert_array_equal(np.float32(body["face_b"]["feature"]), template.feature)


def test_the_pictures_do_not_change_places(client):
    files = {
        "image_b": ("b.png", png(picture(40, colour=(120, 120, 120)))),
        "image_a": ("a.png", png(picture(60, colour=(220, 220, 220)))),
    }
    body = client.post("/v1/compare", files=files).json()
    assert body["face_a"]["ood_score"] == pytest.approx(220 / 255)
    assert body["face_b"]["ood_score"] == pytest.approx(120 / 255)


def test_the_scenario_is_applied(client):
    dim = png(picture(40, colour=(110, 110, 110)))
    files = {"image_a": ("a.png", dim), "image_b": ("b.png", dim)}
    assert client.post("/v1/compare", files=files).json()["verdict"] == "same"
    body = client.post("/v1/compare", files=files, data={"scenario": "gate"}).json()
    assert body["verdict"] == "recapture"
    assert [reason["key"] for reason in body["reasons"]] == [
        "quality.insufficient_a",
        "quality.insufficient_b",
        "similarity.above",
    ]
    assert body["scenario"]["same_needs_score_above"] == 0.5


def test_json_and_chinese(client):
    text = base64.b64encode(png(picture(20, 40))).decode()
    answer = client.post(
        "/v1/compare",
        json={"image_a": text, "image_b": text, "scenario": "finance"},
        headers={"Accept-Language": "zh"},
    )
    body = answer.json()
    assert body["verdict_name"] == "同一人"
    assert [reason["key"] for reason in body["reasons"]] == [
        "similarity.above",
        "faces.largest_a",
        "faces.largest_b",
    ]
    assert "相似度" in body["reasons"][0]["sentence"]


def test_an_unknown_scenario(client):
    answer = client.post("/v1/compare", files=SAME, data={"scenario": "casino"})
    assert (answer.status_code, answer.json()["code"]) == (404, "scenario.unknown")
    assert "'casino'; known: default, attendance, gate, finance" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("image_a", "image_b", "code"),
    [
        (picture(9)[:, :16] * 0, picture(40), "face.none_first"),
        (picture(40), picture(9)[:, :16] * 0, "face.none_second"),
        (picture(40, 40), picture(40), "face.several_first"),
        (picture(40), picture(40, 40), "face.several_second"),
    ],
)
def test_which_picture_shows_no_single_face(client, image_a, image_b, code):
    files = {"image_a": ("a.png", png(image_a)), "image_b": ("b.png", png(image_b))}
    answer = client.post("/v1/compare", files=files)
    assert (answer.status_code, answer.json()["code"]) == (422, code)


def test_which_picture_is_broken(client):
    files = SAME | {"image_b": ("b.jpg", b"hello")}
    problem = client.post("/v1/compare", files=files).json()
    assert problem["field"] == "image_b"
    assert problem["detail"].startswith("image_b: ")


@pytest.mark.parametrize(
    ("scenario", "verdict", "keys"),
    [
        ("default", "review", ["quality.none", "similarity.above"]),
        ("finance", "review", ["quality.none", "similarity.above"]),
        ("attendance", "same", ["similarity.above", "quality.none_accepted"]),
    ],
)
def test_without_a_quality_score_only_a_rule_on_similarity_passes(
    client_of, scenario, verdict, keys
):
    service = fake_service(embedder=FakeEmbedder(quality_score=QualityScore.NONE))
    with client_of(service) as client:
        body = client.post("/v1/compare", files=SAME, data={"scenario": scenario}).json()
    assert body["verdict"] == verdict
    assert [reason["key"] for reason in body["reasons"]] == keys
    assert any("no quality score" in reason["sentence"] for reason in body["reasons"])
    assert body["face_a"]["ood_score"] is None
    assert body["face_b"]["quality_level"] is None
