"""Predict, flag, review, refit: what people label is what the next calibration is fitted to."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import numpy as np
import pytest

from ood_face.calibration.files import read_calibration, write_calibration_file
from ood_face.calibration.fitting import fit_calibration
from ood_face.calibration.logits_file import read_labelled_logits
from ood_face.calibration.values import LogitInput
from ood_face.service import Flagger, GalleryService, ReviewService
from ood_face.types import EnrolmentRequest, Picture, ReviewLabel, Verdict
from tests.fakes import fake_service
from tests.fakes.audit import RecordingAudit
from tests.fakes.galleries import FakeGalleryStore
from tests.fakes.review import everything

if TYPE_CHECKING:
    from pathlib import Path

    from ood_face.monitoring import SqliteReviewQueue
    from ood_face.types import RgbImage

PEOPLE = 60
TIMES = 8  # half of the claims are true
GALLERY = "staff"
# hardly anything is clear, so that nearly all goes to a person
SCENARIO = "[desk]\nsame_above = 0.99\ndifferent_below = -0.5\nrecapture_below = 0.0\n"


def photo(person: int, noise: float, seed: int) -> RgbImage:
    """Return a picture of a person, who is a pattern of 7x7 colours, under noise."""
    colours = np.random.default_rng(person).uniform(70, 250, (7, 7, 3))
    colours = colours + np.random.default_rng([person, seed]).normal(0, noise, (7, 7, 3))
    face = np.clip(colours, 66, 255).repeat(16, 0).repeat(16, 1).astype(np.uint8)
    return np.pad(face, ((0, 0), (12, 12), (0, 0)))


@pytest.fixture
def galleries(queue: SqliteReviewQueue, tmp_path: Path) -> GalleryService:
    scenarios = tmp_path / "scenarios.toml"
    scenarios.write_text(SCENARIO, encoding="utf-8")
    service = GalleryService(
        fake_service(scenarios_file=scenarios),
        FakeGalleryStore(),
        RecordingAudit(),
        Flagger(queue, 0.5),
    )
    service.create_gallery(GALLERY, scenario="desk")
    for person in range(PEOPLE):
        enrolled = Picture(photo(person, 0, 0), f"{person:064x}")
        service.enroll(GALLERY, EnrolmentRequest(f"p-{person}", (enrolled,)))
    return service


def claims(galleries: GalleryService, first_seed: int) -> tuple[list[float], list[bool]]:
    """Return similarities of claims that are as often true as not, and which are."""
    chance = np.random.default_rng(first_seed)
    similarities, truths = [], []
    for person in range(PEOPLE):
        for time in range(TIMES):
            true = time % 2 == 0
            shown = person if true else (person + int(chance.integers(1, PEOPLE))) % PEOPLE
            image = photo(shown, chance.uniform(20, 160), first_seed + time)
            found = galleries.verify(GALLERY, f"p-{person}", image)
            assert found.verdict is Verdict.REVIEW
            similarities.append(found.candidate.similarity)
            truths.append(true)
    return similarities, truths


def test_what_is_predicted_flagged_and_reviewed_refits_the_prediction(queue, galleries, tmp_path):
    review = ReviewService(queue, RecordingAudit())
    # predict and flag
    similarities, truths = claims(galleries, 100)
    queue.flush()
    items = everything(queue)[::-1]
    assert [item.case.similarity for item in items] == similarities
    # review: a person knows who it is, except for a few
    for number, (item, true) in enumerate(zip(items, truths, strict=True)):
        told = ReviewLabel.SAME if true else ReviewLabel.DIFFERENT
        review.label(item.item_id, ReviewLabel.UNUSABLE if number % 50 == 7 else told)
    # refit
    np.savez(tmp_path / "labels.npz", **review.export())
    before = LogitInput("similarity", zero_at=(0.99 - 0.5) / 2)
    data = read_labelled_logits(tmp_path / "labels.npz", before, None)
    assert (data.about["people"], data.about["groups_given"]) == (PEOPLE, True)
    assert data.about["rows"] == PEOPLE * TIMES - len(range(7, PEOPLE * TIMES, 50))
    made = datetime.now(UTC).isoformat(timespec="seconds")
    fitted = fit_calibration(data, "vector", "desk", "fake-1", made)
    write_calibration_file(tmp_path / "desk.toml", fitted)
    calibration = read_calibration(tmp_path / "desk.toml", "fake-1")
    assert calibration.report["change"]["log_loss_is_lower"]

    # predict again, what nobody has seen
    fresh, same = (np.array(values) for values in claims(galleries, 900))
    uncalibrated = 1 / (1 + np.exp(-before.logits(fresh)))
    refitted = calibration.probability(fresh)
    brier_before, brier_after = (np.mean((p - same) ** 2) for p in (uncalibrated, refitted))
    assert brier_after < 0.8 * brier_before
    assert np.mean(refitted) == pytest.approx(np.mean(same), abs=0.05)
