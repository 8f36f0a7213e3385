"""How often the watch is wrong, and how soon it is right; seeded, so that they give one answer."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from ood_face.monitoring.drift_statistics import ks_distance, stability_index
from ood_face.monitoring.drift_status import SIGNALS
from ood_face.monitoring.drift_thresholds import (
    FALSE_ALARMS_PER_DAY,
    LONG_WINDOW,
    PICTURES_PER_DAY,
    STEP,
    WINDOW,
    daily_maxima,
    daily_verdict_maxima,
    thresholds_for,
    verdict_thresholds_for,
)
from ood_face.monitoring.drift_verdicts import VerdictWindow
from ood_face.monitoring.drift_windows import (
    FEWEST_LABELS,
    LABEL_WINDOW,
    DriftState,
    LabelWindow,
    Reference,
    SignalWindow,
)
from ood_face.types import Verdict

# ood_score of the shipped model, rts-r18@2, on 600 aligned faces of CFP, frontal and profile (the
# first of default_rng(0).permutation), at 0, 5, ... 100 %: as they are, and out of focus:
# DEGRADATIONS["blur"] of severity 1.5, 2 and 3: Gaussians of 1.7, 2.2 and 3.5 px on the 112 px crop
SHARP = (
    0.0038, 0.0738, 0.1111, 0.2473, 0.3164, 0.4358, 0.5287, 0.692, 0.7942, 0.8602, 0.88, 0.9062,
    0.9293, 0.9307, 0.9531, 0.9554, 0.9567, 0.9767, 0.9812, 0.9816, 0.9834,
)  # fmt: skip
BLURRED = {
    1.5: (
        0.0029, 0.0235, 0.0878, 0.1197, 0.2465, 0.3118, 0.4351, 0.5218, 0.6116, 0.7393, 0.7795,
        0.8228, 0.863, 0.8764, 0.8875, 0.9265, 0.9297, 0.9499, 0.9557, 0.9761, 0.9828,
    ),
    2: (
        0.0024, 0.0086, 0.0704, 0.0833, 0.107, 0.2382, 0.2527, 0.3048, 0.3839, 0.466, 0.5105,
        0.5258, 0.5817, 0.6526, 0.7477, 0.793, 0.8465, 0.8771, 0.9125, 0.9317, 0.9816,
    ),
    3: (
        0.002, 0.004, 0.0053, 0.0063, 0.0112, 0.0218, 0.0625, 0.0762, 0.0803, 0.085, 0.0931, 0.1036,
        0.1292, 0.1757, 0.2294, 0.2477, 0.2504, 0.289, 0.3689, 0.5058, 0.8686,
    ),
}  # fmt: skip
# a gate whose pictures are mostly good: same, review, different, recapture
VERDICTS = (0.7, 0.05, 0.2, 0.05)
# those of a few dozen tried that reach the thresholds most often
UNEVEN = {WINDOW: (0.8, 0.1, 0.07, 0.03), LONG_WINDOW: (0.96, 0.015, 0.015, 0.01)}
DAYS = 2000
CAMERAS = 300


def scores(rng: np.random.Generator, quantiles: tuple[float, ...], count: int, alike: int):
    """Draw scores of this distribution, in runs of ``alike`` equal ones."""
    places = rng.random(count // alike).repeat(alike)
    return np.interp(places, np.linspace(0, 1, len(quantiles)), quantiles)


def pictures_until_alarm(rng: np.random.Generator, severity: float, alike: int, most: int) -> int:
    """Return after how many blurred pictures a camera is seen to have lost its focus."""
    reference = Reference.of(scores(rng, SHARP, 1000, alike), "first", "")
    window = SignalWindow(1000, reference)
    # the focus goes at any place between two looks, when both windows are full
    for score in scores(rng, SHARP, LONG_WINDOW + 2 * rng.integers(0, STEP // 2), alike):
        window.add(score, "")
    assert window.state == DriftState.STABLE
    for number, score in enumerate(scores(rng, BLURRED[severity], most, alike), start=1):
        window.add(score, "")
        if window.state == DriftState.DRIFTED:
            return number
    return most + 1


@pytest.mark.parametrize("alike", [1, 2])
@pytest.mark.parametrize("severity", [2, 3])
def test_a_camera_out_of_focus_is_seen_within_200_pictures(severity, alike):
    rng = np.random.default_rng(100 * severity + alike)

    needed = [pictures_until_alarm(rng, severity, alike, 2 * WINDOW) for _ in range(CAMERAS)]

    late = sum(number > 200 for number in needed)
    # with 95 % confidence, at least 97 of 100 cameras
    assert stats.binomtest(late, CAMERAS).proportion_ci(method="exact").high < 0.03


@pytest.mark.parametrize("alike", [1, 2])
def test_a_camera_a_little_out_of_focus_is_seen_within_1000_pictures(alike):
    rng = np.random.default_rng(150 + alike)

    needed = [pictures_until_alarm(rng, 1.5, alike, LONG_WINDOW) for _ in range(CAMERAS)]

    late = sum(number > LONG_WINDOW for number in needed)
    # with 95 % confidence, at least 9 of 10 cameras
    assert stats.binomtest(late, CAMERAS).proportion_ci(method="exact").high < 0.1


@pytest.mark.parametrize("reference_count", [500, 1000])
def test_false_alarms_come_on_fewer_than_one_day_in_a_hundred(reference_count):
    limits, of_verdicts = thresholds_for(reference_count), verdict_thresholds_for(reference_count)
    rng = np.random.default_rng(4242)
    wrong = np.zeros(DAYS, np.bool_)

    # taken for independent, the two windows raise more false alarms than on one and the same day
    for window, psi_limit, ks_limit, verdict_limit in (
        (WINDOW, limits.psi, limits.ks, of_verdicts.psi),
        (LONG_WINDOW, limits.long_psi, limits.long_ks, of_verdicts.long_psi),
    ):
        psi, ks = daily_maxima(rng, len(SIGNALS) * DAYS, reference_count, window=window)
        alarms = (psi >= psi_limit) | (ks >= ks_limit)
        wrong |= alarms.reshape(DAYS, len(SIGNALS)).any(axis=1)
        shares = UNEVEN[window]
        wrong |= daily_verdict_maxima(rng, DAYS, reference_count, shares, window) >= verdict_limit

    upper = stats.binomtest(int(wrong.sum()), DAYS).proportion_ci(method="exact").high
    assert upper < FALSE_ALARMS_PER_DAY


def test_runs_of_four_equal_numbers_are_more_than_the_thresholds_allow_for():
    rng = np.random.default_rng(5)
    alarms = {}
    for alike in (2, 4):
        alarms[alike] = 0
        for _ in range(8):
            window = SignalWindow(1000)
            states = set()
            for value in rng.random(8000 // alike).repeat(alike):
                window.add(value, "")
                states.add(window.state)
            alarms[alike] += DriftState.DRIFTED in states

    assert alarms[2] == 0
    assert alarms[4] >= 4


def verdicts_until_alarm(rng: np.random.Generator, shares: tuple[float, ...], most: int) -> int:
    """Return after how many verdicts their new shares are seen."""
    kinds = list(Verdict)
    window = VerdictWindow(1000)
    for which in rng.choice(4, 1000 + LONG_WINDOW + rng.integers(0, STEP), p=VERDICTS):
        window.add(kinds[which])
    assert window.state == DriftState.STABLE
    for number, which in enumerate(rng.choice(4, most, p=shares), start=1):
        window.add(kinds[which])
        if window.state == DriftState.DRIFTED:
            return number
    return most + 1


@pytest.mark.parametrize(
    ("shares", "within"),
    [((0.3, 0.35, 0.2, 0.15), WINDOW), ((0.5, 0.2, 0.2, 0.1), LONG_WINDOW)],
)
def test_verdicts_of_other_shares_are_seen(shares, within):
    rng = np.random.default_rng(within)

    needed = [verdicts_until_alarm(rng, shares, within) for _ in range(CAMERAS)]

    late = sum(number > within for number in needed)
    assert stats.binomtest(late, CAMERAS).proportion_ci(method="exact").high < 0.03


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
