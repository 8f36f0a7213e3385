from __future__ import annotations

import time

import pytest

import ood_face
from ood_face.errors import BackendError
from ood_face.service.self_test import STUCK_S
from ood_face.types import AdmissionLoad, QualityScore
from tests.fakes import CountingAdmission, FakeEmbedder, fake_service


class CountingEmbedder(FakeEmbedder):
    def __init__(self) -> None:
        super().__init__()
        self.calls = 0
        self.broken = False

    def embed(self, crops):
        self.calls += 1
        if self.broken:
            raise BackendError("runtime.failed", "the engine /secret/path failed")
        return super().embed(crops)


def test_scenarios(client):
    names = [scenario["name"] for scenario in client.get("/v1/scenarios").json()["scenarios"]]
    assert names == ["default", "attendance", "gate", "finance"]


def test_model(client, settings):
    assert client.get("/v1/model").json() == {
        "model_id": "fake-1",
        "quality_score": "calibrated",
        "feature_dim": 512,
        "version": ood_face.__version__,
        "max_image_bytes": settings.max_image_bytes,
        "max_image_pixels": settings.max_image_pixels,
    }


def test_healthz(client):
    assert client.get("/healthz").json() == {"status": "ok"}


def test_readyz_runs_the_model_and_holds_the_result_for_a_moment(client_of):
    embedder = CountingEmbedder()
    with client_of(fake_service(embedder=embedder)) as client:
        assert embedder.calls == 0
        assert client.get("/readyz").json() == {
            "status": "ready",
            "model_id": "fake-1",
            "quality_score": "calibrated",
        }
        assert client.get("/readyz").status_code == 200
        assert embedder.calls == 1
        time.sleep(1.05)
        client.get("/readyz")
        assert embedder.calls == 2


def test_readyz_of_a_broken_model(client_of, caplog):
    embedder = CountingEmbedder()
    embedder.broken = True
    with client_of(fake_service(embedder=embedder)) as client:
        answer = client.get("/readyz")
        assert answer.status_code == 503
        assert answer.json()["code"] == "request.not_ready"
        assert "secret" not in answer.text
        assert "the engine /secret/path failed" in caplog.text
        assert client.get("/healthz").status_code == 200
        embedder.broken = False
        time.sleep(1.05)
        assert client.get("/readyz").status_code == 200


def test_readyz_fails_while_a_request_is_stuck(client_of, caplog):
    class Stuck(CountingAdmission):
        load = AdmissionLoad(at_work=1, waiting=0, workers=2, longest_s=STUCK_S + 1)

    with client_of(fake_service(admission=Stuck())) as client:
        answer = client.get("/readyz")
        assert (answer.status_code, answer.json()["code"]) == (503, "request.not_ready")
        assert "at work for 601 s" in caplog.text
        assert client.get("/healthz").status_code == 200


def test_readyz_is_patient_with_long_work(client_of):
    class Slow(CountingAdmission):
        load = AdmissionLoad(at_work=1, waiting=0, workers=2, longest_s=STUCK_S)

    with client_of(fake_service(admission=Slow())) as client:
        assert client.get("/readyz").status_code == 200


@pytest.mark.parametrize("quality_score", list(QualityScore))
def test_what_the_scores_are_worth_is_said(client_of, quality_score):
    service = fake_service(embedder=FakeEmbedder(quality_score=quality_score))
    with client_of(service) as client:
        for path in ("/v1/model", "/readyz"):
            answer = client.get(path)
            assert (answer.status_code, answer.json()["quality_score"]) == (200, quality_score)


@pytest.mark.parametrize("path", ["/docs", "/redoc"])
def test_no_page_loads_scripts_from_elsewhere(client, path):
    assert client.get(path).status_code == 404
