"""From settings to policies: scenarios, calibrations and P(same), read from their files."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from ood_face.artifacts import PROBABILITY_FILE, Manifest, sha256_of, verified_path
from ood_face.bootstrap.in_force import PolicyCheck, compare_policies, note_policies
from ood_face.bootstrap.reading import (
    calibrated_folder,
    open_scenarios,
    save_scenario,
    saving_path,
)
from ood_face.errors import CalibrationMissingError, ConfigError
from ood_face.service import Policies, PolicyService
from ood_face.types import MODEL_CALIBRATION, NO_CALIBRATION, CalibrationFacts

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from ood_face.config import Settings
    from ood_face.ports import AuditLog
    from ood_face.service import FaceService
    from ood_face.types import SameEstimator, SameModel, Scenario

__all__ = ["FilePolicies", "check_policies", "open_policies", "read_policies"]


def read_policies(
    settings: Settings,
    model_id: str,
    added: Scenario | None = None,
    *,
    with_probability: bool = True,
) -> Policies:
    """Read the scenarios, every calibration that they name, and P(same).

    Parameters
    ----------
    settings : where the files lie
    model_id : the model in use; every calibration must be of it
    added : a scenario more, as if it stood in the files already
    with_probability : also read what makes the model's own P(same), where it is there

    Raises
    ------
    ConfigError
        A scenario file is missing or wrong.
    ArtifactError
        A calibration or P(same) is missing, was edited by hand, or is of another model.
    """
    scenarios = dict(open_scenarios(settings))
    if added is not None:
        scenarios[added.name] = added
    found = [
        *(_own(settings, model_id) if with_probability else ()),
        *_calibrations(settings, scenarios.values(), model_id),
    ]
    estimators = {facts.name: estimator for facts, estimator in found}
    own: Any = estimators.pop(MODEL_CALIBRATION, None)
    return Policies(
        scenarios=MappingProxyType(scenarios),
        same_model=own,
        calibrations=MappingProxyType(estimators),
        facts=tuple(facts for facts, _ in found),
    )


class FilePolicies:
    """The files of a running service; see :class:`ood_face.service.PolicySource`.

    Parameters
    ----------
    settings : where the files lie
    model_id : the model in use
    """

    def __init__(self, settings: Settings, model_id: str) -> None:
        self._settings = settings
        self._model_id = model_id

    def read(self, added: Scenario | None = None) -> Policies:
        """Read all of them."""
        return read_policies(self._settings, self._model_id, added)

    def save(self, scenario: Scenario) -> Path:
        """Add a scenario to the file that scenarios are saved in, and return its path."""
        known = open_scenarios(self._settings)
        if scenario.name in known:
            raise ConfigError(
                "scenarios.known",
                "there is a scenario {scenario} already: choose another name",
                scenario=scenario.name,
            )
        path = saving_path(self._settings)
        save_scenario(path, scenario)
        return path

    def note(self, policies: Policies) -> None:
        """Keep what is in force for ``ood-face policies check``."""
        note_policies(self._settings.data_dir, policies)


def open_policies(settings: Settings, faces: FaceService, audit: AuditLog) -> PolicyService:
    """Return what shows and reloads the policies of a running service, and note what it has."""
    policies = PolicyService(faces, FilePolicies(settings, faces.model_id), audit)
    policies.note()
    return policies


def check_policies(settings: Settings) -> PolicyCheck:
    """Read all files as a reload would, without loading any model; say what would change.

    Whether the model can run Monte Carlo dropout, where a scenario asks for it, only a reload
    tells.

    Raises
    ------
    ConfigError, ArtifactError
        A reload would be refused with this error.
    """
    entry = Manifest.load(settings.weights_dir).chosen(settings.model)
    policies = read_policies(settings, f"{entry.name}@{entry.version}")
    return compare_policies(settings.data_dir, policies)


def _own(settings: Settings, model_id: str) -> list[tuple[CalibrationFacts, SameModel]]:
    from ood_face.matching.probability import load_same_model, same_model_facts  # noqa: PLC0415

    path = settings.probability_file
    if path is None:
        name = model_id.rpartition("@")[0]
        file = f"{name}/{PROBABILITY_FILE}"
        entry = Manifest.load(settings.weights_dir).model(name)
        if file not in entry.files:
            return []
        path = verified_path(entry, file)
    model = load_same_model(path, model_id)
    counts = _counts(same_model_facts(path))
    facts = CalibrationFacts(
        MODEL_CALIBRATION, "evidence", model_id, sha256_of(path), counts=counts
    )
    return [(facts, model)]


def _calibrations(
    settings: Settings, scenarios: Iterable[Scenario], model_id: str
) -> list[tuple[CalibrationFacts, SameEstimator]]:
    # those that scenarios name; each must be there, unchanged, and of this model
    from ood_face.calibration.files import calibration_path, load_calibration  # noqa: PLC0415
    from ood_face.matching.probability import CalibratedSimilarity  # noqa: PLC0415

    found: list[tuple[CalibrationFacts, SameEstimator]] = []
    named = {name for one in scenarios for name in one.calibrations}
    for name in sorted(named - {MODEL_CALIBRATION, NO_CALIBRATION}):
        folder = calibrated_folder(settings, model_id, name)
        calibration = load_calibration(folder, name, model_id)
        if calibration.input.kind != "similarity" or calibration.prior is None:
            raise CalibrationMissingError(
                "scaling.not_of_similarity",
                "the calibration {name} is of logits: no scenario can use it, which needs one of "
                "similarities",
                name=name,
            )
        report = calibration.report
        facts = CalibrationFacts(
            name=name,
            method=calibration.scaling.method,
            model_id=model_id,
            file_sha256=sha256_of(calibration_path(folder, name)),
            made=calibration.made,
            error_before=report.get("before", {}).get("ece"),
            error_after=report.get("after", {}).get("ece"),
            counts=_counts(report.get("data", {}))
            | {
                f"{half}_rows": report[half]["rows"]
                for half in ("fit", "test")
                if "rows" in report.get(half, {})
            },
            data_fingerprint=report.get("data", {}).get("fingerprint"),
        )
        found.append((facts, CalibratedSimilarity(calibration.probability, calibration.prior)))
    return found


def _counts(table: Mapping[str, object]) -> dict[str, int]:
    return {key: value for key, value in table.items() if type(value) is int}
