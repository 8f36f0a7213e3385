"""Scenarios, calibrations and P(same): readable, of the model, and not too old."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from ood_face.artifacts import Manifest
from ood_face.bootstrap.doctor.findings import State, failed, ok, warning
from ood_face.bootstrap.policies import read_policies
from ood_face.bootstrap.reading import open_scenarios
from ood_face.errors import OodFaceError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ood_face.bootstrap.doctor.findings import Finding
    from ood_face.config import Settings

__all__ = ["check_policies_files", "check_score"]

_OLD = timedelta(days=365)
_SCORE_FILE = "calibration.toml"


def check_policies_files(
    settings: Settings, model_id: str | None, now: datetime | None = None
) -> Iterator[Finding]:
    """Read what a reload would read.

    Parameters
    ----------
    model_id : of the model in use; None: it is not known, and only the scenarios are read
    now : with a time zone; None: the clock's
    """
    now = datetime.now(UTC) if now is None else now
    try:
        scenarios = open_scenarios(settings)
    except OodFaceError as exc:
        yield failed("scenarios", "scenarios_wrong", exc)
        return
    yield ok("scenarios", "scenarios_sound", count=len(scenarios))
    if model_id is None:
        return
    try:
        found = read_policies(settings, model_id)
    except OodFaceError as exc:
        yield failed("calibrations", "calibrations_wrong", exc)
        return
    old = [one for one in found.facts if one.made is not None and _age(one.made, now) > _OLD]
    for one in old:
        days = _age(one.made or "", now).days
        yield warning("calibrations", "calibrations_old", name=one.name, days=days)
    if not old:
        names = ", ".join(one.name for one in found.facts) or "-"
        yield ok("calibrations", "calibrations_sound", names=names, model=model_id)


def check_score(settings: Settings, model_id: str | None) -> Iterator[Finding]:
    """Read the calibration of the model's quality score; nothing where there is no model."""
    if model_id is None:
        return
    from ood_face.embedding.score import load_score_curve  # noqa: PLC0415

    name = model_id.rpartition("@")[0]
    entry = Manifest.load(settings.weights_dir).model(name)
    if f"{name}/{_SCORE_FILE}" not in entry.files:
        yield warning("score", "score_none", model=model_id)
        return
    try:
        curve = load_score_curve(settings.weights_dir / name / _SCORE_FILE, name)
    except OodFaceError as exc:
        yield failed("score", "score_wrong", exc, State.PROBLEM)
        return
    if curve.version and curve.version != entry.version:
        yield warning("score", "score_other_version", model=model_id, version=curve.version)
        return
    yield ok("score", "score_sound", model=model_id)


def _age(made: str, now: datetime) -> timedelta:
    moment = datetime.fromisoformat(made)
    return now - (moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC))
