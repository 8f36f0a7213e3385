"""Whatever is sent, each answer is one that the OpenAPI document describes, and none is a defect.

The whole API behind a real server, with keys, galleries, review queue, drift watch and policies;
only the networks are fakes, as they add nothing to what is asked here. Requests are made from the
document by schemathesis, valid and invalid ones, the same at every run.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import ExitStack, closing
from pathlib import Path

import httpx
import pytest
import uvicorn

from ood_face.access import KeyStore
from ood_face.api import create_app
from ood_face.api.auth import Access
from ood_face.api.served import Served
from ood_face.config import Settings
from ood_face.monitoring.drift import DriftMonitor
from ood_face.monitoring.drift_job import DriftJob
from ood_face.service import PolicyService, ReviewService
from ood_face.types import Role
from tests.fakes import fake_gallery_service
from tests.fakes.audit import RecordingAudit
from tests.fakes.review import FakeReviewQueue
from tests.integration.threaded_server import running
from tests.unit.api.people import ANN, SUBJECTS, shot
from tests.unit.api.test_api_calibration import Files
from tests.unit.service.chosen import service_of

CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "unsupported_method",
    "allow_header_conformance",
    "missing_required_header",
)
# of each operation, beside one for each kind of wrong value; a longer run is asked for so
ROOT = str(Path(__file__).parents[2])
EXAMPLES = os.environ.get("OOD_FACE_TEST_EXAMPLES", "8")


def enrol_one(address: str, key: str) -> None:
    """Make a gallery with one person, and an item of the review queue."""
    with httpx.Client(base_url=address, headers={"X-API-Key": key}) as client:
        client.post("/v1/galleries", json={"name": "staff", "keep_crops": True}).raise_for_status()
        files = {"image": ("a.png", shot(ANN)), "subject_id": (None, "e-1024")}
        client.post(SUBJECTS, files=files).raise_for_status()


@pytest.fixture
def api(tmp_path):
    """Serve the API at a free port; return address and key."""
    given = Settings(max_image_bytes=200_000, max_image_pixels=1_000_000, data_dir=tmp_path)
    service, audit = service_of(), RecordingAudit()
    with ExitStack() as opened:
        keys = opened.enter_context(closing(KeyStore(tmp_path)))
        key = keys.create("tester", [Role.ADMIN], rate_per_minute=1_000_000).presented
        job = DriftJob(DriftMonitor("fake-1", 500, 0.15), tmp_path / "drift.json")
        served = Served(
            service,
            given,
            access=Access(keys, given),
            galleries=fake_gallery_service(service, audit=audit),
            review=ReviewService(FakeReviewQueue(keeps_crops=True), audit),
            drift=opened.enter_context(closing(job)),
            policies=PolicyService(service, Files(), audit),
        )
        config = uvicorn.Config(create_app(served), log_config=None, access_log=False)
        port = opened.enter_context(running(uvicorn.Server(config)))
        address = f"http://127.0.0.1:{port}"
        enrol_one(address, key)
        yield address, key


def run(api, folder, phases: str, pictures: str = "", settings: str = "") -> dict:
    """Run schemathesis in a process of its own; what it finds is an error.

    Returns how many requests of each operation and phase were accepted, and how many were not.
    """
    address, key = api
    # it takes its settings from the folder that it runs in
    (folder / "schemathesis.toml").write_text(settings, encoding="utf-8")
    report = folder / "report.json"
    command = [sys.executable, "-m", "schemathesis.cli", "run", f"{address}/openapi.json"]
    command += ["--phases", phases, "--checks", ",".join(CHECKS), "--max-examples", EXAMPLES]
    command += ["--seed", "1", "--continue-on-failure", "--no-shrink", "--no-color"]
    command += ["--header", f"Authorization: Bearer {key}"]
    command += ["--report", "json", "--report-json-path", str(report)]
    told = {"SCHEMATHESIS_HOOKS": "tests.conformance.fuzz_hooks", "PYTHONPATH": ROOT}
    ended = subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, **told, "OOD_FACE_TEST_PICTURES": pictures},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout[-6000:] + ended.stderr[-2000:]
    found = json.loads(report.read_text(encoding="utf-8"))
    assert found["complete"] is True
    assert found["operations"]["tested"] == found["operations"]["total"] > 30
    return found["valid_rates"]


def test_requests_about_made_up_names_get_answers_that_the_document_describes(api, tmp_path):
    rates = run(api, tmp_path, "examples,coverage,fuzzing")
    assert rates


def test_requests_about_what_is_there_get_answers_that_the_document_describes(api, tmp_path):
    settings = """
[parameters]
"path.gallery" = "staff"
"path.subject" = "e-1024"

[[operations]]
include-method = "DELETE"
parameters = { "path.gallery" = "visitors" }
"""
    rates = run(api, tmp_path, "fuzzing", pictures="yes", settings=settings)
    # the answers to what works were seen as well
    for operation in (
        "POST /v1/extract",
        "POST /v1/galleries/{gallery}/subjects/{subject}:verify",
        "POST /v1/galleries/{gallery}:identify",
        "POST /v1/galleries/{gallery}/subjects:batch",
    ):
        assert rates[operation]["fuzzing"]["accepted"] > 0, operation
