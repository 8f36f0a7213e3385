from __future__ import annotations

from html import escape

import numpy as np
import pytest

from ood_face.errors import ForbiddenError
from ood_face.monitoring.drift import DriftMonitor
from ood_face.monitoring.drift_status import SignalShape
from ood_face.types import Observation, Verdict
from webui.catalogue import texts
from webui.views.trust_drift import DriftOutcome, direction, drift_view

EN, ZH = texts("en"), texts("zh")
NEEDED = 500


@pytest.fixture
def monitor() -> DriftMonitor:
    return DriftMonitor("fake-1", NEEDED, 0.15, now=lambda: "2026-03-01T12:30:00+00:00")


def see(monitor, count: int, middle: float, seed: int = 0) -> None:
    rng = np.random.default_rng(seed)
    for score in np.clip(rng.normal(middle, 0.05, count), 0, 1):
        monitor.observe(Observation("compare", float(score), (float(score),), Verdict.SAME))


def shown(monitor, words=EN) -> str:
    return drift_view(DriftOutcome(monitor.status(), monitor.shapes()), words)


def test_before_the_first_look_it_says_that_it_looks():
    assert EN("drift.loading") in drift_view(None, EN)


def test_while_the_reference_is_taken_it_says_how_much_is_missing(monitor):
    see(monitor, 120, 0.7)
    view = shown(monitor)

    assert EN("drift.title_learning") in view
    assert EN("drift.progress", done="120", needed="500") in view
    assert "plot-figure" in view  # the answers so far
    assert 'data-png="drift-ood_score"' not in view


def test_a_reference_alone_compares_nothing_yet(monitor):
    see(monitor, NEEDED + 20, 0.7)
    view = shown(monitor)

    assert EN("drift.title_filling") in view
    assert EN("drift.window_filling", count=20) in view


def test_nothing_has_changed_since_the_reference(monitor):
    see(monitor, NEEDED + 400, 0.7)
    view = shown(monitor)

    assert EN("drift.stable", at="2026-03-01 12:30 UTC") in view
    assert 'data-png="drift-ood_score"' in view
    assert "gauge-over" not in view


def test_worse_pictures_are_called_that_with_what_to_do(monitor):
    see(monitor, NEEDED + 200, 0.8)
    see(monitor, 200, 0.5, seed=1)

    view = shown(monitor)
    assert EN("drift.title_drifted") in view
    assert EN("drift.moved_ood_score_lower") in view
    assert "gauge-over" in view
    assert ZH("drift.moved_ood_score_lower") in shown(monitor, ZH)


def test_probabilities_that_break_their_word_are_an_alarm(monitor):
    for _ in range(200):
        monitor.labelled(0.9, same=False)
    view = shown(monitor)

    assert escape(EN("drift.drifted_calibration")) in view
    assert EN("drift.of_alarm", value="0.900", limit="0.150") in view


@pytest.mark.parametrize(
    ("window", "expected"),
    [((90, 5, 5), "lower"), ((5, 5, 90), "higher"), ((50, 0, 50), "spread"), ((0, 0, 0), "spread")],
)
def test_where_numbers_have_moved(window, expected):
    assert direction(SignalShape((0.3, 0.6), (33, 34, 33), window)) == expected


def test_numbers_without_a_reference_have_moved_nowhere():
    assert direction(None) == "spread"


def test_who_may_not_look_is_told_why():
    error = ForbiddenError("access.role", "the key {name} lacks the role {role}, which this needs",
                           name="desk", role="read")  # fmt: skip

    view = drift_view(DriftOutcome(error=error), EN)
    assert 'data-kind="error"' in view
    assert "drift-signal" not in view
