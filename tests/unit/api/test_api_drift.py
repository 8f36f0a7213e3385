from __future__ import annotations

import re
from contextlib import closing

import numpy as np
import pytest
from fastapi.testclient import TestClient

from ood_face.access import KeyStore
from ood_face.api import create_app
from ood_face.api.auth import Access
from ood_face.api.metrics import CONTENT_TYPE
from ood_face.api.served import Served
from ood_face.monitoring.drift import SIGNALS, DriftMonitor
from ood_face.monitoring.drift_job import DriftJob
from ood_face.types import Observation, Role, Verdict
from tests.fakes import fake_gallery_service
from tests.unit.api.people import ANN, BEN, GALLERY, SUBJECTS, enroll, in_base64, shot

LINE = re.compile(r'[a-z_]+(\{[a-z_]+="[^"]*"(,[a-z_0-9]+="[^"]*")*\})? [0-9.e+-]+')


@pytest.fixture
def drift(tmp_path):
    monitor = DriftMonitor("fake-1", 500, 0.15)
    with closing(DriftJob(monitor, tmp_path / "drift.json")) as job:
        yield job


@pytest.fixture
def drift_client(service, settings, drift):
    galleries = fake_gallery_service(service)
    galleries.create_gallery("staff")
    service.feed.attach(drift)
    with TestClient(
        create_app(Served(service, settings, galleries=galleries, drift=drift))
    ) as client:
        yield client


def fill(drift: DriftJob, count: int, low: float, high: float) -> None:
    for score in np.random.default_rng(0).uniform(low, high, count).tolist():
        drift.observe(Observation("verify", score, (score,), Verdict.SAME))


def test_every_verdict_is_watched_and_nothing_else_is(drift_client, drift):
    enroll(drift_client, "ann", shot(ANN))
    drift_client.post(
        "/v1/compare", json={"image_a": in_base64(shot(ANN)), "image_b": in_base64(shot(BEN))}
    )
    drift_client.post(f"{GALLERY}:identify", json={"image": in_base64(shot(ANN))})
    drift_client.post(f"{SUBJECTS}/ann:verify", json={"image": in_base64(shot(ANN))})
    drift_client.post("/v1/extract", json={"image": in_base64(shot(ANN))})
    drift.settle()
    found = drift_client.get("/v1/drift").json()
    counts = {signal["name"]: signal["reference_count"] for signal in found["signals"]}
    assert counts == {"ood_score": 4, "similarity": 2, "top_similarity": 1}
    assert found["verdict_count"] == 3
    assert sum(found["verdicts"].values()) == pytest.approx(1)
    assert (found["model_id"], found["drifted"], found["dropped"]) == ("fake-1", [], 0)


def test_a_drift_is_in_the_answer_and_in_the_gauges(drift_client, drift):
    fill(drift, 700, 0.6, 0.9)
    fill(drift, 200, 0.2, 0.5)
    drift.settle()
    found = drift_client.get("/v1/drift", headers={"Accept-Language": "zh"}).json()
    assert found["drifted"] == ["ood_score", "similarity"]
    assert found["signals"][0]["state_name"] == "已漂移"
    answer = drift_client.get("/metrics")
    assert answer.headers["content-type"] == CONTENT_TYPE
    lines = answer.text.splitlines()
    assert 'ood_face_drift_drifted{signal="ood_score"} 1.0' in lines
    assert 'ood_face_drift_drifted{signal="top_similarity"} 0.0' in lines
    assert f'ood_face_drift_psi{{signal="ood_score"}} {found["signals"][0]["psi"]!r}' in lines
    assert 'ood_face_drift_verdict_share{verdict="same"} 1.0' in lines
    assert all(LINE.fullmatch(line) for line in lines if not line.startswith("#"))
    assert {line.split()[1] for line in lines if line.startswith("#")} == {"HELP", "TYPE"}


def test_what_is_not_known_yet_has_no_number(drift_client):
    text = drift_client.get("/metrics").text
    assert "ood_face_drift_psi" not in text
    assert "expected_calibration_error" not in text
    assert text.count("ood_face_drift_reference_items{") == len(SIGNALS) + 1  # and the verdicts


def test_an_api_without_a_drift_watch_has_no_such_address(client):
    assert client.get("/v1/drift").status_code == 404
    assert "ood_face_drift" not in client.get("/metrics").text


def test_the_figures_need_the_role_read(service, settings, drift, tmp_path):
    with closing(KeyStore(tmp_path / "keys")) as store:
        keys = {role: store.create(role, [role]).presented for role in Role}
        client = TestClient(
            create_app(Served(service, settings, Access(store, settings), drift=drift))
        )
        for path in ("/v1/drift", "/metrics"):
            assert client.get(path).status_code == 401
            statuses = {
                role: client.get(path, headers={"X-API-Key": key}).status_code
                for role, key in keys.items()
            }
            assert statuses == {
                Role.READ: 200,
                Role.IDENTIFY: 403,
                Role.ENROLL: 403,
                Role.ADMIN: 200,
            }
