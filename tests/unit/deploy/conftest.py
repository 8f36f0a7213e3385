"""A server of fakes that has a number for every family, and what it answers."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import numpy as np
import pytest
from fastapi.testclient import TestClient
from prometheus_client.parser import text_string_to_metric_families

from ood_face.api import create_app
from ood_face.api.served import Served
from ood_face.config import Settings
from ood_face.monitoring.drift import DriftMonitor
from ood_face.monitoring.drift_job import DriftJob
from ood_face.monitoring.drift_windows import FEWEST_LABELS
from ood_face.service import ReviewService
from ood_face.types import Observation, Verdict
from tests.fakes import fake_gallery_service, fake_service
from tests.fakes.audit import RecordingAudit
from tests.fakes.review import FakeReviewQueue
from tests.unit.api.people import ANN, enroll, shot

if TYPE_CHECKING:
    from prometheus_client.metrics_core import Metric

# reference, and a long window behind it
_VERDICTS = 5000


@pytest.fixture(scope="session")
def families(tmp_path_factory) -> dict[str, Metric]:
    """Return all families of a real answer, by the name that stands in its TYPE line."""
    service, review = fake_service(), ReviewService(FakeReviewQueue(), RecordingAudit())
    galleries = fake_gallery_service(service)
    galleries.create_gallery("staff")
    monitor = DriftMonitor("fake-1", 500, 0.15)
    with closing(DriftJob(monitor, tmp_path_factory.mktemp("drift") / "drift.json")) as drift:
        numbers = np.random.default_rng(0).uniform(0.4, 0.9, _VERDICTS).tolist()
        for start in range(0, _VERDICTS, 500):
            for number in numbers[start : start + 500]:
                drift.observe(Observation("verify", number, (number,), Verdict.SAME))
            drift.settle()
        for number in range(FEWEST_LABELS):
            drift.labelled(0.9, number % 10 > 0)
        drift.settle()
        served = Served(service, Settings(), galleries=galleries, review=review, drift=drift)
        client = TestClient(create_app(served))
        enroll(client, "ann", shot(ANN))
        client.get("/readyz")
        text = client.get("/metrics").text
    typed = {line.split()[2] for line in text.splitlines() if line.startswith("# TYPE ")}
    found = {}
    for family in text_string_to_metric_families(text):
        # the parser takes _total away from counters
        name = f"{family.name}_total" if family.type == "counter" else family.name
        assert name in typed
        found[name] = family
    return found


@pytest.fixture(scope="session")
def samples(families) -> dict[str, set[str]]:
    """Return the labels of every number, by its name."""
    found: dict[str, set[str]] = {}
    for family in families.values():
        for sample in family.samples:
            found.setdefault(sample.name, set()).update(sample.labels)
    return found
