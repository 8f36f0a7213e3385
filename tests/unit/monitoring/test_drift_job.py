from __future__ import annotations

import json
import logging
import math
import stat
import threading
from contextlib import closing

import numpy as np
import pytest

from ood_face.errors import ChecksumError, InputError, StorageCorruptError
from ood_face.monitoring.drift import DriftMonitor
from ood_face.monitoring.drift_files import load_monitor, read_saved, save_monitor
from ood_face.monitoring.drift_job import DriftJob
from ood_face.monitoring.drift_windows import DriftState, Reference
from ood_face.types import Observation, Verdict

MODEL = "fake-1"
NEEDED = 500


class RecordingWebhook:
    def __init__(self) -> None:
        self.messages: list[dict] = []

    def post(self, message) -> bool:
        self.messages.append(dict(message))
        return True


class SlowWebhook(RecordingWebhook):
    """Waits until it is let go on, as an address that does not answer."""

    def __init__(self) -> None:
        super().__init__()
        self.entered, self.go_on = threading.Event(), threading.Event()

    def post(self, message) -> bool:
        self.entered.set()
        self.go_on.wait(30)
        return super().post(message)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "data" / "drift.json"


def monitor(model_id: str = MODEL, **references: Reference) -> DriftMonitor:
    return DriftMonitor(model_id, NEEDED, 0.15, references, lambda: "2026-03-01T12:00:00+00:00")


def gate(score: float, similarity: float = 0.6, verdict: Verdict = Verdict.SAME) -> Observation:
    return Observation("identify", similarity, (score,), verdict)


def feed(watch, count: int, low: float = 0.6, high: float = 0.9, seed: int = 0) -> None:
    """Tell of searches with scores and similarities spread over a range."""
    rng = np.random.default_rng(seed)
    for score, similarity in rng.uniform((low, 0.4), (high, 0.8), (count, 2)).tolist():
        watch.observe(gate(score, similarity))


def states(status) -> dict[str, str]:
    return {signal.name: signal.state.value for signal in status.signals}


def test_a_reference_is_taken_then_the_window_filled_then_compared():
    watch = monitor()
    feed(watch, NEEDED - 1)
    assert states(watch.status())["ood_score"] == "learning"
    assert watch.status().signals[0].reference_count == NEEDED - 1
    feed(watch, 1)
    assert states(watch.status())["ood_score"] == "filling"
    feed(watch, 199, seed=1)
    assert watch.status().signals[0].psi is None
    feed(watch, 1, seed=2)
    found = watch.status()
    assert states(found) == {
        "ood_score": "stable",
        "similarity": "learning",
        "top_similarity": "stable",
    }
    assert 0 <= found.signals[0].psi < found.signals[0].psi_threshold
    assert 0 <= found.signals[0].ks < found.signals[0].ks_threshold


def test_what_fell_is_named_and_what_did_not_is_not():
    watch = monitor()
    feed(watch, NEEDED + 200)
    feed(watch, 200, low=0.2, high=0.5)
    assert watch.status().drifted == ("ood_score",)


def test_a_drift_ends_when_the_numbers_are_back():
    watch = monitor()
    feed(watch, NEEDED + 200)
    feed(watch, 200, low=0.2, high=0.5)
    feed(watch, 300, seed=5)
    assert watch.status().drifted == ()


def test_both_pictures_of_a_comparison_count_and_missing_numbers_do_not():
    watch = monitor()
    watch.observe(Observation("compare", 0.5, (0.8, None), Verdict.SAME))
    watch.observe(Observation("compare", 0.5, (0.8, 0.7), Verdict.DIFFERENT))
    watch.observe(Observation("verify", 0.5, (0.8,), Verdict.REVIEW))
    watch.observe(Observation("identify", None, (math.nan,), Verdict.DIFFERENT))
    found = watch.status()
    counts = {signal.name: signal.reference_count for signal in found.signals}
    assert counts == {"ood_score": 4, "similarity": 3, "top_similarity": 0}
    assert found.verdicts == {
        Verdict.SAME: 0.25,
        Verdict.DIFFERENT: 0.5,
        Verdict.REVIEW: 0.25,
        Verdict.RECAPTURE: 0.0,
    }
    assert found.reference_verdicts == found.verdicts


def test_a_calibration_gives_the_reference_from_the_first_picture_on():
    quantiles = np.linspace(0.6, 0.9, 21).tolist()
    watch = monitor(ood_score=Reference.of_quantiles(quantiles, 700, "door", "2026-01-01"))
    feed(watch, 200)
    first = watch.status().signals[0]
    assert (first.state, first.reference_source, first.reference_count) == ("stable", "door", 700)
    with pytest.raises(InputError, match="499 pictures; a reference for drift needs 500"):
        Reference.of_quantiles(quantiles, 499, "door", "2026-01-01")


def test_a_restart_changes_nothing(path):
    whole, first = monitor(), monitor()
    for watch in (whole, first):
        feed(watch, NEEDED + 207)
        watch.labelled(0.9, same=True)
    save_monitor(path, first)
    second = monitor()
    assert load_monitor(path, second) == "2026-03-01T12:00:00+00:00"
    assert second.status() == whole.status() == read_saved(path, NEEDED, 0.15)
    for watch in (whole, second):
        feed(watch, 123, low=0.2, high=0.5)
    assert second.status() == whole.status()
    assert second.status().drifted == ("ood_score",)


def test_what_is_saved_is_for_its_owner_alone_and_has_no_score_once_the_reference_is_there(path):
    watch = monitor()
    feed(watch, NEEDED + 50)
    save_monitor(path, watch)
    saved = json.loads(path.read_text())["signals"]["ood_score"]
    assert saved["learned"] == []
    assert set(saved["bins"]) <= set(range(10))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_another_model_starts_anew(path):
    watch = monitor()
    feed(watch, NEEDED)
    save_monitor(path, watch)
    other = monitor("fake-2")
    assert load_monitor(path, other) is None
    assert other.status().signals[0].reference_count == 0


def test_a_reference_of_a_calibration_that_is_not_selected_any_more_is_left(path):
    quantiles = np.linspace(0, 1, 21).tolist()
    watch = monitor(ood_score=Reference.of_quantiles(quantiles, 700, "door", "2026-01-01"))
    feed(watch, 10)
    save_monitor(path, watch)
    fresh = monitor()
    load_monitor(path, fresh)
    assert states(fresh.status())["ood_score"] == "learning"
    assert fresh.status().signals[2].reference_count == 10


@pytest.mark.parametrize(
    ("change", "error", "said"),
    [
        (lambda text: text.replace("fake-1", "fake-2"), ChecksumError, "was changed"),
        (lambda text: text[:-9], StorageCorruptError, "no valid JSON"),
        (lambda _: "[]", StorageCorruptError, "not of format 1"),
        (lambda _: '{"format": 9}', StorageCorruptError, "not of format 1"),
    ],
)
def test_a_damaged_file_is_set_aside_and_a_new_reference_taken(path, caplog, change, error, said):
    watch = monitor()
    feed(watch, NEEDED)
    save_monitor(path, watch)
    path.write_text(change(path.read_text()))
    with pytest.raises(error, match=said):
        read_saved(path, NEEDED, 0.15)
    with closing(DriftJob(monitor(), path)) as job:
        assert states(job.status())["ood_score"] == "learning"
    assert said in caplog.text
    assert path.with_name("drift.json.damaged").exists()
    assert read_saved(path, NEEDED, 0.15) is not None


def test_the_job_says_a_change_once_in_the_log_and_to_the_webhook(path, caplog):
    caplog.set_level(logging.INFO)
    webhook = RecordingWebhook()
    with closing(DriftJob(monitor(), path, webhook)) as job:
        feed(job, NEEDED + 200)
        feed(job, 400, low=0.2, high=0.5)
        job.settle()
        assert job.status().drifted == ("ood_score",)
    lines = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert [line.partition(" (")[0] for line in lines] == [
        "drift of ood_score: drifted, was stable"
    ]
    assert [(m["signal"], m["state"], m["before"]) for m in webhook.messages] == [
        ("ood_score", "drifted", "stable")
    ]
    assert set(webhook.messages[0]["values"]) == {"psi", "ks"}


def test_the_job_goes_on_where_it_ended(path):
    with closing(DriftJob(monitor(), path)) as job:
        feed(job, NEEDED + 200)
    with closing(DriftJob(monitor(), path)) as job:
        assert states(job.status())["ood_score"] == "stable"


def test_a_webhook_that_hangs_delays_no_verdict_and_too_much_is_counted(path):
    webhook = SlowWebhook()
    with closing(DriftJob(monitor(), path, webhook, queue_size=1000)) as job:
        feed(job, NEEDED + 200)
        job.settle()
        feed(job, 200, low=0.2, high=0.5)
        assert webhook.entered.wait(30)
        feed(job, 1200)  # the thread is busy: these only wait, or are left out
        assert 200 <= job.status().dropped <= 400
        webhook.go_on.set()


def test_a_folder_that_cannot_be_written_stops_nothing(tmp_path, caplog):
    (tmp_path / "data").write_text("a file where the folder should be")
    with closing(DriftJob(monitor(), tmp_path / "data" / "drift.json")) as job:
        feed(job, NEEDED)
        job.settle()
        assert states(job.status())["ood_score"] == "filling"
    assert "the drift watch is not saved" in caplog.text


def test_closing_twice_is_no_failure_and_what_comes_later_is_left(path):
    job = DriftJob(monitor(), path)
    job.close()
    job.close()
    job.observe(gate(0.5))
    assert job.status().verdict_count == 0
    assert not [thread for thread in threading.enumerate() if thread.name == "drift"]


def test_labels_of_a_probability_that_is_none_are_left_out():
    watch = monitor()
    for probability in (math.nan, -0.1, 1.1):
        watch.labelled(probability, same=True)
    assert watch.status().calibration.items == 0
    assert watch.status().calibration.state == DriftState.FILLING


def test_how_numbers_are_spread_can_be_drawn_once_there_is_a_reference(path):
    with closing(DriftJob(monitor(), path)) as watch:
        assert watch.shapes() == {}
        feed(watch, NEEDED)
        feed(watch, 60, low=0.6, high=0.65)
        watch.settle()
        shape = watch.shapes()["ood_score"]

    assert len(shape.reference) == len(shape.window) == len(shape.edges) + 1
    assert (sum(shape.reference), sum(shape.window)) == (NEEDED, 60)
    # what is low now lies in the reference's lowest bins
    assert sum(shape.window[:2]) == 60
