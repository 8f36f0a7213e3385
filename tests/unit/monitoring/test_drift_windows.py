"""The long window and the shares of the verdicts: what they see, and what is kept of them."""

from __future__ import annotations

import json
from contextlib import closing

import numpy as np
import pytest

from ood_face.monitoring.drift import DriftMonitor
from ood_face.monitoring.drift_files import load_monitor, save_monitor
from ood_face.monitoring.drift_job import DriftJob
from ood_face.monitoring.drift_statistics import stability_index
from ood_face.monitoring.drift_status import VERDICTS
from ood_face.monitoring.drift_thresholds import (
    FEWEST_IN_REFERENCE,
    LONG_WINDOW,
    WINDOW,
    daily_verdict_maxima,
    thresholds_for,
    verdict_thresholds_for,
)
from ood_face.monitoring.drift_windows import DriftState
from ood_face.types import Observation, Verdict

NEEDED = 500
MOSTLY_SAME = (0.7, 0.05, 0.2, 0.05)
MORE_REVIEWS = (0.2, 0.5, 0.2, 0.1)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "drift.json"


def monitor() -> DriftMonitor:
    return DriftMonitor("fake-1", NEEDED, 0.15, None, lambda: "2026-03-01T12:00:00+00:00")


def feed(watch, count: int, shares=MOSTLY_SAME, power: float = 1.0, seed: int = 0) -> None:
    """Tell of searches with verdicts of these shares; a power lowers the scores."""
    rng = np.random.default_rng(seed)
    kinds = list(Verdict)
    for score, which in zip(
        (rng.random(count) ** power).tolist(), rng.choice(4, count, p=shares), strict=True
    ):
        watch.observe(Observation("identify", None, (score,), kinds[which]))


def test_a_small_drift_that_the_short_window_cannot_tell_is_seen_by_the_long_one():
    watch = monitor()
    feed(watch, NEEDED + LONG_WINDOW)
    assert watch.status().drifted == ()
    feed(watch, LONG_WINDOW, power=1.9, seed=3)
    score = watch.status().signals[0]
    assert score.state == DriftState.DRIFTED
    assert score.psi < score.psi_threshold
    assert score.ks < score.ks_threshold
    assert score.long_ks >= score.long_ks_threshold or score.long_psi >= score.long_psi_threshold


def test_the_long_window_says_nothing_before_it_is_full():
    watch = monitor()
    feed(watch, NEEDED + LONG_WINDOW - 10)
    score = watch.status().signals[0]
    assert (score.long_psi, score.long_ks, score.long_window_count) == (None, None, 990)
    assert score.psi is not None
    feed(watch, 10, seed=1)
    score = watch.status().signals[0]
    assert 0 <= score.long_psi < score.long_psi_threshold
    assert score.long_window_count == LONG_WINDOW


def test_verdicts_of_other_shares_raise_an_alarm_and_the_usual_ones_none():
    watch = monitor()
    feed(watch, NEEDED + 2 * LONG_WINDOW)
    found = watch.status().verdict_drift
    assert found.state == DriftState.STABLE
    assert found.psi < found.psi_threshold
    assert found.long_psi < found.long_psi_threshold
    feed(watch, WINDOW, MORE_REVIEWS, seed=1)
    assert watch.status().drifted == (VERDICTS,)
    feed(watch, 2 * LONG_WINDOW, seed=2)
    assert watch.status().drifted == ()


def test_the_reference_of_the_verdicts_is_in_no_window():
    watch = monitor()
    feed(watch, NEEDED - 1)
    assert watch.status().verdict_drift.state == DriftState.LEARNING
    assert watch.status().verdict_drift.psi_threshold is None
    feed(watch, 1)
    found = watch.status().verdict_drift
    assert (found.state, found.count, found.reference_count) == (DriftState.FILLING, 0, NEEDED)
    feed(watch, WINDOW, seed=4)
    found, status = watch.status().verdict_drift, watch.status()
    shares = [
        np.array([table[verdict] for verdict in Verdict])
        for table in (status.reference_verdicts, status.verdicts)
    ]
    expected = stability_index(shares[0] * NEEDED, shares[1] * WINDOW)
    assert found.psi == pytest.approx(float(expected))


def test_a_restart_keeps_the_long_window_and_the_watch_of_the_verdicts(path):
    whole, first = monitor(), monitor()
    for watch in (whole, first):
        feed(watch, NEEDED + LONG_WINDOW + 7)
    save_monitor(path, first)
    second = monitor()
    load_monitor(path, second)
    assert second.status() == whole.status()
    for watch in (whole, second):
        feed(watch, WINDOW, MORE_REVIEWS, seed=1)
    assert second.status() == whole.status()
    assert second.status().drifted == (VERDICTS,)


def test_a_file_of_before_is_read_and_the_watch_of_the_verdicts_fills_anew(path, monkeypatch):
    watch = monitor()
    feed(watch, NEEDED + WINDOW)
    save_monitor(path, watch)
    document = json.loads(path.read_text(encoding="utf-8"))
    del document["verdict_watch"]
    for table in document["signals"].values():
        for key in ("long_bins", "long_psi", "long_ks"):
            del table[key]
    monkeypatch.setattr("ood_face.monitoring.drift_files._seal", lambda _: document["sha256"])
    path.write_text(json.dumps(document), encoding="utf-8")
    old = monitor()
    assert load_monitor(path, old) is not None
    found = old.status()
    assert (found.verdict_drift.state, found.verdict_drift.count) == (DriftState.FILLING, 0)
    assert found.verdict_drift.reference_count == NEEDED
    assert found.signals[0].long_window_count == WINDOW
    assert found.signals[0].state == DriftState.STABLE


def test_the_job_says_that_the_verdicts_have_drifted(path, caplog):
    with closing(DriftJob(monitor(), path)) as job:
        feed(job, NEEDED + WINDOW)
        feed(job, WINDOW, MORE_REVIEWS, seed=1)
        job.settle()
    assert "drift of verdicts: drifted, was stable (psi " in caplog.text


def test_a_larger_reference_has_lower_thresholds():
    sizes = (FEWEST_IN_REFERENCE, 1000, 2000, 5000)
    tables = ([thresholds_for(n) for n in sizes], [verdict_thresholds_for(n) for n in sizes])
    for table in tables:
        for name in table[0].__slots__:
            values = [getattr(one, name) for one in table]
            assert values == sorted(values, reverse=True)
    assert verdict_thresholds_for(1999) == verdict_thresholds_for(1000)


def test_simulated_verdicts_are_what_the_watch_sees():
    # one verdict only: nothing can differ, whatever chance draws
    rng = np.random.default_rng(0)
    assert daily_verdict_maxima(rng, 3, 1000, (1.0, 0.0, 0.0, 0.0)).max() < 0.02
    even = daily_verdict_maxima(rng, 20, 1000, (0.25, 0.25, 0.25, 0.25))
    assert even.shape == (20,)
    assert 0.05 < even.mean() < verdict_thresholds_for(1000).psi
