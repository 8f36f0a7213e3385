"""Policies with calibrations to choose from, and the service over them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ood_face.matching.probability import CalibratedSimilarity
from ood_face.service import FaceService, Policies
from ood_face.types import Policy, SameModel, Scenario
from tests.fakes import CountingAdmission, FakeDetector, FakeEmbedder, fake_align

MODEL = SameModel("fake-1", np.array([2.0, -5.0, 33.0]), 0.01 * np.eye(3), (-8.0, 9.0))


def always(probability: float) -> CalibratedSimilarity:
    return CalibratedSimilarity(lambda values: np.full(np.shape(values), probability), prior=0.5)


GATE = Scenario("gate", calibration="day", calibration_configs=("night", "model"))
SCENARIOS = {
    "default": Scenario("default"),
    "gate": GATE,
    "bare": Scenario("bare", calibration="none", calibration_configs=("night",)),
    "strict": replace(GATE, name="strict", policy=Policy.PROBABILITY),
}
CALIBRATIONS = {"day": always(0.6), "night": always(0.999)}
POLICIES = Policies(SCENARIOS, MODEL, CALIBRATIONS)


def service_of(
    policies: Policies = POLICIES,
    detector: FakeDetector | None = None,
    embedder: FakeEmbedder | None = None,
) -> FaceService:
    return FaceService(
        FakeDetector() if detector is None else detector,
        FakeEmbedder() if embedder is None else embedder,
        policies,
        CountingAdmission(),
        fake_align,
        dominant_face_ratio=2.0,
    )
