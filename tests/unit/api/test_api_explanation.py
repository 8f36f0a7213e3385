"""How uncertain a decision is, in the answers of the API."""

from __future__ import annotations

import numpy as np
import pytest
from fastapi.testclient import TestClient

from ood_face.api import create_app
from ood_face.api.served import Served
from ood_face.types import SameModel, Scenario
from tests.fakes import fake_gallery_service, fake_service, picture, png
from tests.unit.api.people import ANN, BEN, GALLERIES, GALLERY, SUBJECTS, enroll, shot

SAME = SameModel("fake-1", np.array([2.0, -5.0, 33.0]), 0.01 * np.eye(3), (-8.0, 9.0))
ZH = {"Accept-Language": "zh-CN"}


@pytest.fixture
def client(settings, tmp_path) -> TestClient:
    path = tmp_path / "mine.toml"
    path.write_text("[thorough]\ndropout_passes = 10\n", "utf-8")
    faces = fake_service(scenarios_file=path, same_model=SAME)
    galleries = fake_gallery_service(faces)
    with TestClient(create_app(Served(faces, settings, galleries=galleries))) as client:
        assert client.post(GALLERIES, json={"name": "staff"}).status_code == 201
        enroll(client, "ann", shot(ANN))
        enroll(client, "ben", shot(BEN))
        yield client


def compare(client, first: bytes, second: bytes, headers=None, **fields):
    files = {"image_a": ("a.png", first), "image_b": ("b.png", second)}
    answer = client.post("/v1/compare", files=files, data=fields, headers=headers)
    assert answer.status_code == 200, answer.text
    return answer.json()


def ask(client, address: str, data: bytes, headers=None, **fields):
    answer = client.post(address, files={"image": ("a.png", data)}, data=fields, headers=headers)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_a_comparison_says_what_is_weak_in_the_callers_language(client):
    dark = png(picture(40, colour=(60, 90, 60)))
    body = compare(client, shot(ANN), dark, ZH)
    explained = body["explanation"]
    p = body["probability"]
    assert explained["probability_of_error"] == pytest.approx(min(p, 1 - p))
    assert 0 < explained["entropy_bits"] <= 1
    assert (explained["main"], explained["model"]) == ("picture", None)
    weak, calibration = explained["parts"]
    assert (weak["source"], weak["source_name"]) == ("picture", "图片")
    assert (weak["level"], weak["level_name"]) == ("high", "高")
    assert weak["amount"] == pytest.approx(1 - body["face_b"]["ood_score"])
    assert weak["reason"]["key"] == "explanation.picture_high_b"
    assert "问题在第二张图片" in weak["reason"]["sentence"]
    assert weak["reason"]["values"]["score"] == body["face_b"]["ood_score"]
    low, high = body["probability_interval"]
    assert calibration["amount"] == pytest.approx(high - low)


def test_dropout_is_told_where_the_scenario_asks_for_it(client):
    body = compare(client, shot(ANN), shot(BEN, 60), scenario="thorough")
    assert body["scenario"]["dropout_passes"] == 10
    explained = body["explanation"]
    assert [part["source"] for part in explained["parts"]] == ["picture", "model", "calibration"]
    spread = explained["model"]
    assert spread["passes"] == 10
    assert spread["unknown_bits"] == pytest.approx(spread["total_bits"] - spread["expected_bits"])
    low, high = spread["probability_range"]
    assert explained["parts"][1]["amount"] == pytest.approx(high - low)
    # what each pass gave stays inside
    assert "passes" not in body["face_a"]
    assert "rts_variance" not in body["face_a"]


def test_searches_and_verifications_are_explained(client):
    found = ask(client, f"{GALLERY}:identify", shot(ANN, 60), scenario="thorough")
    sources = [part["source"] for part in found["explanation"]["parts"]]
    assert sources == ["picture", "model", "gallery", "calibration"]
    first, second = found["candidates"]
    assert first["probability_interval"][0] <= first["probability"]
    assert second["probability_interval"] is None
    verified = ask(client, f"{SUBJECTS}/ann:verify", shot(ANN, 60))
    assert [part["source"] for part in verified["explanation"]["parts"]] == [
        "picture",
        "calibration",
    ]
    assert verified["candidate"]["probability_interval"] is not None


def test_scenarios_are_shown_with_every_field(client):
    shown = client.get("/v1/scenarios").json()["scenarios"]
    for scenario in shown:
        assert set(scenario) == set(Scenario.__dataclass_fields__)
    passes = {scenario["name"]: scenario["dropout_passes"] for scenario in shown}
    assert (passes["thorough"], passes["default"]) == (10, 0)
