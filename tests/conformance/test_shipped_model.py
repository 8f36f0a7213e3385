"""What the shipped model promises: on free pictures here, on the full sets in its report.

The checks and their limits are those of ``ood_face.evaluation.conformance``. What few pictures
can't carry (accuracy, error versus discard, calibration) is judged from the report that
``ood-face evaluate`` wrote about these very weights.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from ood_face.artifacts import Manifest
from ood_face.bootstrap import open_rts_embedder, open_service, read_settings
from ood_face.cli.evaluating import recorded_training
from ood_face.evaluation.conformance import FAR_SETS, GRADED, Check, checks_of, checks_table
from ood_face.evaluation.suite import non_faces, ood_figures, severity_figures
from tests.conformance import free_pictures
from tests.conformance.known_misses import PICTURES, REPORT

if TYPE_CHECKING:
    from ood_face.artifacts import ModelEntry
    from ood_face.service import FaceService

SETTINGS = read_settings()
NOT_WITHOUT_FULL_SETS = ("accuracy.", "calibration", "discard.", "far.", "share.", "steps.")


@pytest.fixture(scope="module")
def entry() -> ModelEntry:
    manifest = Manifest.load(SETTINGS.weights_dir)
    name = manifest.default_model if SETTINGS.model is None else SETTINGS.model
    assert name is not None
    return manifest.model(name)


@pytest.fixture(scope="module")
def report(entry: ModelEntry) -> dict[str, Any]:
    path = SETTINGS.weights_dir / entry.name / "report.json"
    return json.loads(path.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def service() -> FaceService:
    return open_service(SETTINGS)


@pytest.fixture(scope="module")
def checks(service: FaceService) -> dict[str, Check]:
    """Measure the free pictures."""
    embedder = open_rts_embedder(SETTINGS)
    crops, labels = free_pictures.faces(service)
    others = {"objects": free_pictures.things()}
    others |= {name: made for name, made in non_faces(crops).items() if name in FAR_SETS}
    figures = {
        "severity": severity_figures(embedder.measure, embedder.curve, crops, labels, kinds=GRADED),
        "ood": ood_figures(embedder.measure, embedder.curve, crops, labels, others),
    }
    return {check.name: check for check in checks_of(figures)}


def complaint(check: Check, known: dict[str, str]) -> str:
    """Return what is wrong with a check, or with the list of its misses; empty: nothing."""
    if check.name in known:
        listed = f"{check.name} is met: take it out of tests/conformance/known_misses.py"
        return listed if check.passed else ""
    missed = f"{check.says}: {check.value:.4f}, must be {check.relation} {check.limit}"
    return "" if check.passed else missed


def test_the_pictures_are_what_they_are_meant_to_be(service: FaceService) -> None:
    crops, labels = free_pictures.faces(service)
    assert crops.shape == (len(labels), 112, 112, 3)
    assert len(np.unique(labels)) == 3
    # nobody is found in the things, so they may stand for what has no face
    assert [i for i, thing in enumerate(free_pictures.things()) if service.detect(thing)] == []


@pytest.mark.parametrize(
    "name",
    [
        "sign",
        *(f"{kind}.{what}" for kind in ("steps", "share") for what in GRADED),
        *(f"far.{name}" for name in FAR_SETS),
    ],
)
def test_free_pictures(checks: dict[str, Check], name: str) -> None:
    assert complaint(checks[name], PICTURES) == ""


def test_the_report_is_about_these_weights(report: dict[str, Any], entry: ModelEntry) -> None:
    assert report["model"]["files"] == dict(entry.files)
    assert report["model_id"] == f"{entry.name}@{entry.version}"


def test_the_report_judges_as_the_program_does(report: dict[str, Any], entry: ModelEntry) -> None:
    training = recorded_training(SETTINGS.weights_dir / entry.name)
    assert checks_table(checks_of(report, training)) == report["conformance"]


def test_the_report_judges_everything(report: dict[str, Any]) -> None:
    names = [row["name"] for row in report["conformance"]]
    for start in (*NOT_WITHOUT_FULL_SETS, "sign", "size"):
        assert any(name.startswith(start) for name in names), start
    assert {f"far.{name}" for name in FAR_SETS} <= set(names)
    assert {f"{kind}.{what}" for kind in ("steps", "share") for what in GRADED} <= set(names)
    assert sum(name.startswith("discard.") for name in names) == 6


def test_the_report_misses_what_is_listed_and_nothing_else(report: dict[str, Any]) -> None:
    missed = {row["name"] for row in report["conformance"] if not row["passed"]}
    assert missed == set(REPORT)


def test_the_card_shows_every_miss(report: dict[str, Any], entry: ModelEntry) -> None:
    card = (SETTINGS.weights_dir / entry.name / "MODEL_CARD.md").read_text(encoding="utf-8")
    for row in report["conformance"]:
        met = "yes" if row["passed"] else "**no**"
        line = (
            f"| {row['says']} | {row['value']:.4g} | {row['relation']} {row['limit']:.4g} | {met} |"
        )
        assert line in card


def test_every_known_miss_has_its_reason() -> None:
    for reasons in (REPORT, PICTURES):
        assert all(len(reason) > 20 for reason in reasons.values())
