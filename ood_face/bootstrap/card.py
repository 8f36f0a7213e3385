"""What is known of the model in use: its manifest entry, and what its reports say was measured."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ood_face.artifacts import Manifest
from ood_face.errors import ArtifactError

if TYPE_CHECKING:
    from pathlib import Path

    from ood_face.config import Settings

__all__ = ["ModelCard", "TestedPairs", "read_model_card"]

REPORT_FILE = "report.json"
TRAINING_FILE = "training.json"

Interval = tuple[float, float]


@dataclass(frozen=True, slots=True)
class TestedPairs:
    """How a model did on labelled pairs of pictures of people it was not trained on.

    Attributes
    ----------
    name : of the set, as in the report
    people, pairs : how many
    accuracy : share of pairs told right, 0..1, the threshold chosen on other people
    accuracy_interval : 95 %
    threshold : a similarity that the two rates below are at; None: none was measured
    false_match_rate, false_non_match_rate : share of pairs of two people taken for one, and of
        one person taken for two, 0..1
    false_match_interval, false_non_match_interval : 95 %
    """

    __test__ = False  # no test, though its name begins so

    name: str
    people: int
    pairs: int
    accuracy: float
    accuracy_interval: Interval
    threshold: float | None = None
    false_match_rate: float = 0.0
    false_match_interval: Interval = (0.0, 1.0)
    false_non_match_rate: float = 0.0
    false_non_match_interval: Interval = (0.0, 1.0)


@dataclass(frozen=True, slots=True)
class ModelCard:
    """What is known of a model.

    Attributes
    ----------
    model_id : name and version
    license, source : as the manifest has them
    weights_bytes : of its files; None: no report
    parameters : of the network; None: not told
    trained_pictures : so many it has seen, repeated ones included; None: not told
    tested : labelled pairs; empty: no report
    calibration_error : expected calibration error (ECE) of its quality score, 0..1, lower is
        better, on people who fitted nothing; None: not told
    checks_met, checks : of the project's requirements; 0, 0: no report
    """

    model_id: str
    license: str
    source: str
    weights_bytes: int | None = None
    parameters: int | None = None
    trained_pictures: int | None = None
    tested: tuple[TestedPairs, ...] = ()
    calibration_error: float | None = None
    checks_met: int = 0
    checks: int = 0


def read_model_card(settings: Settings, model_id: str, threshold: float) -> ModelCard:
    """Return what is known of a model; without its reports, only what the manifest says.

    Parameters
    ----------
    model_id : name and version, as the service has it
    threshold : the similarity at which error rates are wanted, where the report has it

    Raises
    ------
    ArtifactError
        A report is there and cannot be read, or is of another model.
    """
    name, _, _ = model_id.partition("@")
    entry = Manifest.load(settings.weights_dir).model(name)
    folder = settings.weights_dir / name
    report, training = _read(folder / REPORT_FILE), _read(folder / TRAINING_FILE)
    if not report:
        return ModelCard(model_id, entry.license, entry.source)
    try:
        return _card(model_id, entry.license, entry.source, report, training, threshold)
    except (AttributeError, KeyError, TypeError, ValueError) as exc:
        raise _unreadable(folder / REPORT_FILE, repr(exc)) from exc


def _card(
    model_id: str,
    license_: str,
    source: str,
    report: dict[str, Any],
    training: dict[str, Any],
    threshold: float,
) -> ModelCard:
    if report["model_id"] != model_id:
        message = f"it is of {report['model_id']}"
        raise ValueError(message)
    conformance = report.get("conformance", [])
    score = report.get("calibration") or {}
    return ModelCard(
        model_id=model_id,
        license=license_,
        source=source,
        weights_bytes=int(report["model"]["weights_bytes"]),
        parameters=training.get("parameters"),
        trained_pictures=sum(int(stage["images"]) for stage in training.get("stages", [])) or None,
        tested=tuple(
            _tested(name, found, threshold) for name, found in report["verification"].items()
        ),
        calibration_error=score.get("expected_calibration_error"),
        checks_met=sum(bool(check["passed"]) for check in conformance),
        checks=len(conformance),
    )


def _tested(name: str, found: dict[str, Any], threshold: float) -> TestedPairs:
    plain = TestedPairs(
        name,
        int(found["subjects"]),
        int(found["mated_pairs"]) + int(found["impostor_pairs"]),
        float(found["accuracy"]),
        _interval(found["accuracy_interval"]),
    )
    at = found.get("at_threshold", {}).get(f"{threshold:g}")
    if at is None:
        return plain
    return TestedPairs(
        plain.name,
        plain.people,
        plain.pairs,
        plain.accuracy,
        plain.accuracy_interval,
        threshold,
        float(at["fmr"]),
        _interval(at["fmr_interval"]),
        float(at["fnmr"]),
        _interval(at["fnmr_interval"]),
    )


def _interval(ends: list[float]) -> Interval:
    low, high = ends
    return float(low), float(high)


def _read(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as exc:
        raise _unreadable(path, str(exc)) from exc
    if not isinstance(found, dict):
        raise _unreadable(path, "it is no JSON object")
    return found


def _unreadable(path: Path, reason: str) -> ArtifactError:
    return ArtifactError(
        "artifacts.bad_report",
        "the model's report {file} cannot be read: {reason}",
        file=str(path),
        reason=reason,
    )
