"""How often the watch is wrong, and how soon it is right; seeded, so that they give one answer."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from ood_face.monitoring.drift import SIGNALS
from ood_face.monitoring.drift_statistics import ks_distance, stability_index
from ood_face.monitoring.drift_thresholds import (
    FALSE_ALARMS_PER_DAY,
    PICTURES_PER_DAY,
    STEP,
    WINDOW,
    daily_maxima,
    thresholds_for,
)
from ood_face.monitoring.drift_windows import (
    FEWEST_LABELS,
    LABEL_WINDOW,
    DriftState,
    LabelWindow,
    Reference,
    SignalWindow,
)

# ood_score of the shipped model, rts-r18@2, on 600 aligned faces drawn from CFP (frontal and
# profile) at 0, 5, ... 100 %: as they are, and out of focus: DEGRADATIONS["blur"] of severity 2
# (a Gaussian of 2.2 px on the 112 px crop) and 3 (3.5 px)
SHARP = (
    0.0039, 0.074, 0.112, 0.2475, 0.3229, 0.4421, 0.53, 0.6959, 0.7944, 0.862, 0.8795, 0.9065,
    0.9292, 0.9312, 0.9529, 0.9554, 0.9564, 0.9766, 0.9812, 0.9816, 0.9834,
)  # fmt: skip
BLURRED = {
    2: (
        0.0024, 0.0084, 0.0717, 0.0832, 0.1074, 0.2397, 0.2524, 0.3001, 0.3789, 0.4601, 0.508,
        0.5239, 0.5766, 0.6463, 0.7433, 0.7903, 0.8448, 0.8764, 0.9085, 0.9299, 0.9816,
    ),
    3: (
        0.002, 0.004, 0.0053, 0.006, 0.011, 0.0217, 0.0605, 0.0755, 0.0799, 0.0845, 0.0918, 0.1026,
        0.1244, 0.1711, 0.2256, 0.2473, 0.25, 0.2814, 0.3614, 0.5028, 0.867,
    ),
}  # fmt: skip
DAYS = 2000
CAMERAS = 300


def scores(rng: np.random.Generator, quantiles: tuple[float, ...], count: int, alike: int):
    """Draw scores of this distribution, in runs of ``alike`` equal ones."""
    places = rng.random(count // alike).repeat(alike)
    return np.interp(places, np.linspace(0, 1, len(quantiles)), quantiles)


def pictures_until_alarm(rng: np.random.Generator, severity: int, alike: int) -> int:
    """Return after how many blurred pictures a camera is seen to have lost its focus."""
    reference = Reference.of(scores(rng, SHARP, 1000, alike), "first", "")
    window = SignalWindow(1000, reference)
    # the focus goes at any place between two looks
    for score in scores(rng, SHARP, WINDOW + 2 * rng.integers(0, STEP // 2), alike):
        window.add(score, "")
    assert window.state == DriftState.STABLE
    for number, score in enumerate(scores(rng, BLURRED[severity], 2 * WINDOW, alike), start=1):
        window.add(score, "")
        if window.state == DriftState.DRIFTED:
            return number
    return 2 * WINDOW + 1


@pytest.mark.parametrize("alike", [1, 2])
@pytest.mark.parametrize("severity", [2, 3])
def test_a_camera_out_of_focus_is_seen_within_200_pictures(severity, alike):
    rng = np.random.default_rng(100 * severity + alike)

    needed = [pictures_until_alarm(rng, severity, alike) for _ in range(CAMERAS)]

    late = sum(number > 200 for number in needed)
    # with 95 % confidence, at least 98 of 100 cameras
    assert stats.binomtest(late, CAMERAS).proportion_ci(method="exact").high < 0.02


@pytest.mark.parametrize("reference_count", [500, 1000])
def test_false_alarms_come_on_fewer_than_one_day_in_a_hundred(reference_count):
    limits = thresholds_for(reference_count)
    rng = np.random.default_rng(4242)

    psi, ks = daily_maxima(rng, len(SIGNALS) * DAYS, reference_count)
    alarms = (psi >= limits.psi) | (ks >= limits.ks)
    wrong_days = int(alarms.reshape(DAYS, len(SIGNALS)).any(axis=1).sum())

    upper = stats.binomtest(wrong_days, DAYS).proportion_ci(method="exact").high
    assert upper < FALSE_ALARMS_PER_DAY


def test_the_simulated_windows_are_what_the_watch_sees():
    # the same numbers through the watch itself and as counts in a row, one by one
    rng = np.random.default_rng(3)
    reference = Reference.of(rng.random(1000), "first", "")
    window = SignalWindow(1000, reference)
    numbers = rng.random(WINDOW + 5 * STEP)
    which = np.searchsorted(reference.edges, numbers, side="right")
    seen = []
    for value in numbers:
        window.add(value, "")
        seen.append((window.psi, window.ks))

    for end in range(WINDOW, len(numbers) + 1, STEP):
        counts = np.bincount(which[end - WINDOW : end], minlength=10)
        expected = (
            stability_index(reference.counts, counts),
            ks_distance(reference.counts, counts),
        )
        assert seen[end - 1] == pytest.approx([value.item() for value in expected])


def test_more_pictures_a_day_give_more_false_alarms():
    limits = thresholds_for(1000)
    rate = {}
    for per_day in (PICTURES_PER_DAY // 10, 10 * PICTURES_PER_DAY):
        psi, _ = daily_maxima(np.random.default_rng(1), 60, 1000, per_day)
        rate[per_day] = float(np.mean(psi >= 0.6 * limits.psi))

    assert rate[PICTURES_PER_DAY // 10] < rate[10 * PICTURES_PER_DAY]


@pytest.mark.parametrize("shape", [(1.0, 1.0), (0.3, 0.3), (4.0, 4.0)])
def test_a_true_calibration_raises_no_alarm(shape):
    rng = np.random.default_rng(11)
    alarms = 0
    for _ in range(300):
        labels = LabelWindow(alert_above=0.15)
        probabilities = rng.beta(*shape, FEWEST_LABELS)
        labels.items.extend(
            zip(probabilities, rng.random(FEWEST_LABELS) < probabilities, strict=True)
        )
        alarms += labels.error > labels.alert_above

    assert alarms <= 3


def test_a_calibration_that_is_sure_and_wrong_raises_an_alarm():
    rng = np.random.default_rng(12)
    labels = LabelWindow(alert_above=0.15)
    changes = [labels.add(0.95, bool(rng.random() < 0.7)) for _ in range(LABEL_WINDOW)]

    assert changes.index(True) == FEWEST_LABELS - 1
    assert labels.state == DriftState.DRIFTED
    assert labels.error == pytest.approx(0.25, abs=0.06)
