"""P(same) by a calibration that a scenario names."""

from __future__ import annotations

import math

import numpy as np
import pytest

from ood_face.errors import InputError
from ood_face.matching.probability import CalibratedSimilarity, same_estimator
from ood_face.service import FaceService, Policies
from ood_face.types import Policy, Scenario
from tests.fakes import CountingAdmission, FakeDetector, FakeEmbedder, fake_align, picture


def halves(similarity):
    """Return 0.8 above a similarity of 0.5 and 0.1 below."""
    return np.where(np.asarray(similarity) > 0.5, 0.8, 0.1)


CALIBRATED = CalibratedSimilarity(halves, prior=0.5)


def test_with_its_own_prior_it_says_what_the_calibration_says():
    assert CALIBRATED.probability(0.9, 0.7, 0.7, 0.5).value == pytest.approx(0.8)
    assert CALIBRATED.probability(0.1, 0.7, 0.7, 0.5).value == pytest.approx(0.1)


def test_another_prior_moves_it_by_the_law_of_bayes():
    # by hand: odds 0.8/0.2 = 4, times the prior's 0.2/0.8, is 1: a probability of 1/2
    assert CALIBRATED.probability(0.9, 0.7, 0.7, 0.2).value == pytest.approx(0.5)
    skewed = CalibratedSimilarity(halves, prior=0.2)
    assert skewed.probability(0.9, 0.7, 0.7, 0.2).value == pytest.approx(0.8)


def test_the_interval_is_not_known():
    found = CALIBRATED.probability(0.9, 0.7, 0.7, 0.5)
    assert (found.low, found.high) == (None, None)


def test_the_evidence_of_many_pairs_is_finite_however_sure_the_calibration():
    sure = CalibratedSimilarity(lambda values: np.round(np.asarray(values)), prior=0.5)
    evidence = sure.evidence([0.0, 1.0], np.full(2, 0.5), [0.5, 0.5])
    assert evidence.shape == (3, 2)
    assert np.isfinite(evidence).all()
    assert evidence[0, 0] == pytest.approx(-evidence[0, 1], rel=1e-6)
    assert evidence[0, 1] == pytest.approx(math.log(1e9), rel=1e-6)


@pytest.mark.parametrize("prior", [0.0, 1.0, -1.0])
def test_a_prior_that_is_none_is_refused(prior):
    with pytest.raises(InputError):
        CalibratedSimilarity(halves, prior)


def test_a_name_chooses():
    named = {"gate-2026": CALIBRATED}
    assert same_estimator("model", None, named) is None
    assert same_estimator("gate-2026", None, named) is CALIBRATED
    assert same_estimator("none", None, named) is None


def test_a_comparison_carries_the_probability_of_its_scenario():
    scenarios = {
        "plain": Scenario("plain"),
        "named": Scenario("named", calibration="gate-2026"),
        "decides": Scenario("decides", calibration="gate-2026", policy=Policy.PROBABILITY),
    }
    service = FaceService(
        FakeDetector(),
        FakeEmbedder(),
        Policies(scenarios, calibrations={"gate-2026": CALIBRATED}),
        CountingAdmission(),
        fake_align,
        dominant_face_ratio=2.0,
    )
    face = picture(48)
    assert service.compare(face, face, "plain").probability is None
    named = service.compare(face, face, "named")
    assert named.probability == pytest.approx(0.8)
    assert named.probability_interval is None
    # 0.8 does not reach what the policy demands, though the similarity is 1
    assert named.verdict == "same"
    assert service.compare(face, face, "decides").verdict == "review"
