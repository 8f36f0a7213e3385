"""What ``/metrics`` says of requests, work and state."""

from __future__ import annotations

import threading
from datetime import UTC, datetime

import pytest
from fastapi.testclient import TestClient
from prometheus_client.parser import text_string_to_metric_families

import ood_face
from ood_face.api import create_app
from ood_face.api.metrics import CONTENT_TYPE
from ood_face.api.served import Served
from ood_face.errors import BackendError
from ood_face.matching.probability import CalibratedSimilarity
from ood_face.service import Policies
from ood_face.types import AdmissionLoad, CalibrationFacts, Policy, Scenario
from tests.fakes import FakeDetector, FullAdmission, fake_service, picture, png
from tests.unit.api.people import ANN, BEN, GALLERY, SUBJECTS, enroll, in_base64, shot

FILES = {"image": ("a.png", png(picture(40)))}
INFO = "ood_face_scenario_info"
STAGES = ("decode", "wait", "detect", "align", "embed", "search", "decide")


class BrokenDetector(FakeDetector):
    def detect(self, image):  # noqa: ARG002 - it looks at nothing
        raise BackendError("runtime.failed", "the network failed")


class LoadedAdmission(FullAdmission):
    load = AdmissionLoad(1, 2, 3, 4, 5, 6)


def numbers(client) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    """Return every number by its name and labels."""
    answer = client.get("/metrics")
    assert answer.status_code == 200
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


def number(client, name: str, **labels: str) -> float | None:
    return numbers(client).get((name, tuple(sorted(labels.items()))))


def requests(client) -> dict[tuple[str, str, str], float]:
    return {
        (dict(labels)["route"], dict(labels)["method"], dict(labels)["status"]): value
        for (name, labels), value in numbers(client).items()
        if name == "ood_face_requests_total"
    }


def test_it_answers_in_the_text_format_whatever_is_asked_for(client):
    for accept in ("application/openmetrics-text; version=1.0.0", "text/plain;version=x;q=", "*/*"):
        answer = client.get("/metrics", headers={"Accept": accept})
        assert (answer.status_code, answer.headers["content-type"]) == (200, CONTENT_TYPE)
    assert "_created" not in answer.text


def test_requests_are_counted_by_the_route_and_never_by_the_address(gallery_client):
    for path in ("/v1/galleries/staff", "/v1/galleries/other", "/v1/secret", "/elsewhere", "/v1/x"):
        gallery_client.get(path)
    gallery_client.request("BREW", "/v1/model")
    gallery_client.get("/openapi.json")
    gallery_client.post("/v1/extract", content=b"x" * 2_000_000)
    assert requests(gallery_client) == {
        ("/v1/galleries/{gallery}", "GET", "200"): 1,
        ("/v1/galleries/{gallery}", "GET", "404"): 1,
        ("(none)", "GET", "404"): 3,
        ("(none)", "OTHER", "405"): 1,
        ("/openapi.json", "GET", "200"): 1,
        ("(none)", "POST", "413"): 1,
    }
    assert number(gallery_client, "ood_face_request_seconds_count", route="(none)") == 5


def test_a_request_under_way_is_in_progress_and_then_is_not(client):
    # the one that asks is on its way itself
    assert number(client, "ood_face_requests_in_progress", side="api") == 1
    client.get("/v1/model")
    assert number(client, "ood_face_requests_in_progress", side="api") == 1
    assert number(client, "ood_face_requests_in_progress", side="page") == 0


def test_a_defect_is_counted_as_the_500_that_it_is(client_of):
    class Defect(FakeDetector):
        def detect(self, image):  # noqa: ARG002 - it looks at nothing
            raise ZeroDivisionError

    with client_of(fake_service(detector=Defect())) as client:
        client.post("/v1/extract", files=FILES)
        assert requests(client) == {("/v1/extract", "POST", "500"): 1}


def test_stages_faces_scores_and_verdicts_of_all_that_is_asked(gallery_client):
    enroll(gallery_client, "ann", shot(ANN))
    pair = {"image_a": in_base64(shot(ANN)), "image_b": in_base64(shot(BEN))}
    verdicts = {
        "compare": gallery_client.post("/v1/compare", json=pair),
        "identify": gallery_client.post(
            f"{GALLERY}:identify", json={"image": in_base64(shot(ANN))}
        ),
        "verify": gallery_client.post(
            f"{SUBJECTS}/ann:verify", json={"image": in_base64(shot(ANN))}
        ),
    }
    found = numbers(gallery_client)
    counts = {stage: found["ood_face_stage_seconds_count", (("stage", stage),)] for stage in STAGES}
    assert counts == {
        "decode": 5,
        "wait": 4,
        "detect": 5,
        "align": 5,
        "embed": 5,
        "search": 3,
        "decide": 3,
    }
    for kind, answer in verdicts.items():
        labels = (("kind", kind), ("verdict", answer.json()["verdict"]))
        assert found["ood_face_verdicts_total", labels] == 1
    given = [value for (name, _), value in found.items() if name == "ood_face_verdicts_total"]
    assert (len(given), sum(given)) == (12, 3)
    for name in ("ood_score", "faces_per_picture", "batch_faces"):
        assert found[f"ood_face_{name}_count", ()] == 5
    assert found["ood_face_faces_found_total", ()] == 5


def test_scores_fall_into_twenty_bins_and_all_of_them_are_there(client):
    client.post("/v1/extract", files=FILES)
    bins = [dict(k)["le"] for n, k in numbers(client) if n == "ood_face_ood_score_bucket"]
    assert sorted(float(le) for le in bins) == [*(step / 20 for step in range(1, 21)), float("inf")]


def test_the_queue_and_its_refusals_are_told_by_their_reason(client_of):
    with client_of(fake_service(admission=LoadedAdmission())) as client:
        found = numbers(client)
    gauges = ("at_work", "waiting", "workers", "queue_size")
    assert [found[f"ood_face_admission_{name}", ()] for name in gauges] == [1, 2, 3, 4]
    refused = "ood_face_admission_refused_total"
    assert found[refused, (("reason", "queue_full"),)] == 5
    assert found[refused, (("reason", "timeout"),)] == 6


def test_readiness_is_what_the_last_probe_found(client_of):
    for detector, ready in ((FakeDetector(), 1), (BrokenDetector(), 0)):
        with client_of(fake_service(detector=detector)) as client:
            assert number(client, "ood_face_ready") is None
            before = datetime.now(UTC).timestamp()
            client.get("/readyz")
            assert number(client, "ood_face_ready") == ready
            assert number(client, "ood_face_ready_timestamp_seconds") >= before - 1


def test_what_runs_is_said(client, service, settings):
    build = {
        "version": ood_face.__version__,
        "model_id": service.model_id,
        "detector": settings.detector,
        "precision": settings.precision,
    }
    assert number(client, "ood_face_build_info", **build) == 1
    assert number(client, "process_resident_memory_bytes") > 1e6
    assert number(client, "process_cpu_seconds_total") > 0
    assert number(client, "process_open_fds") > 0


def test_each_scenario_says_which_calibration_it_applies_and_of_which_file(client_of, service):
    named = Scenario("gate", calibration="gate-2", policy=Policy.PROBABILITY)
    facts = CalibrationFacts("gate-2", "isotonic", "fake-1", "ab" * 32, "2026-10-01T12:00:00")
    service.use(
        Policies(
            {"default": Scenario("default"), "gate": named},
            calibrations={"gate-2": CalibratedSimilarity(float, 0.5)},
            facts=(facts,),
        )
    )
    with client_of(service) as client:
        found = [dict(labels) for name, labels in numbers(client) if name == INFO]
        loaded = number(client, "ood_face_policies_loaded_timestamp_seconds")
    empty = dict.fromkeys(("calibration", "method", "made", "file_sha256"), "")
    assert found == [
        {"scenario": "default", "policy": "similarity", **empty},
        {
            "scenario": "gate",
            "policy": "probability",
            "calibration": "gate-2",
            "method": "isotonic",
            "made": "2026-10-01T12:00:00",
            "file_sha256": "ab" * 6,
        },
    ]
    assert loaded == pytest.approx(service.policies.loaded_at.timestamp())


def test_two_applications_count_apart(service, settings):
    first, second = (TestClient(create_app(Served(service, settings))) for _ in range(2))
    first.get("/healthz")
    assert ("/healthz", "GET", "200") in requests(first)
    assert ("/healthz", "GET", "200") not in requests(second)


def test_nothing_is_lost_where_many_ask_at_once(client):
    def ask() -> None:
        for _ in range(10):
            client.post("/v1/extract", files=FILES)

    threads = [threading.Thread(target=ask) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = numbers(client)
    assert found["ood_face_faces_found_total", ()] == 60
    assert found["ood_face_stage_seconds_count", (("stage", "detect"),)] == 60
    labels = (("method", "POST"), ("route", "/v1/extract"), ("status", "200"))
    assert found["ood_face_requests_total", labels] == 60


@pytest.mark.parametrize("path", ["/healthz", "/v1/model"])
def test_asking_for_the_numbers_runs_no_network(client_of, path):
    with client_of(fake_service(detector=BrokenDetector())) as client:
        client.get(path)
        assert number(client, "ood_face_stage_seconds_count", stage="detect") == 0
