"""Settings and scenarios, read once and checked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ood_face.config import Settings
from ood_face.errors import ConfigError
from ood_face.matching import load_scenarios
from ood_face.matching.scenarios import add_scenario, check_new_scenario
from ood_face.service import Policies

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from ood_face.types import Scenario

__all__ = [
    "SCENARIOS_FILE",
    "ModelFolders",
    "calibrated_folder",
    "check_new_scenario",
    "model_folders",
    "open_scenario",
    "open_scenarios",
    "read_settings",
    "save_scenario",
    "saving_path",
]

# of the data folder
SCENARIOS_FILE = "scenarios.toml"


@dataclass(frozen=True, slots=True)
class ModelFolders:
    """Where calibrations of a model lie.

    Attributes
    ----------
    own : in the data folder; a running server saves them here, as it may have no right to write
        beside the weights
    weights : what came with the model, and what ``ood-face calibrate`` makes
    """

    own: Path
    weights: Path


def read_settings(**overrides: object) -> Settings:
    """Return the settings of the environment, some of them replaced.

    Parameters
    ----------
    overrides : values by field name; one that is None is left to the environment

    Raises
    ------
    ConfigError
        A value is wrong; names the setting.
    """
    given: dict[str, Any] = {key: value for key, value in overrides.items() if value is not None}
    try:
        return Settings(**given)
    except ValueError as exc:
        # pydantic's ValidationError; pydantic itself stays in config
        errors: Any = getattr(exc, "errors", list)()
        name = str(errors[0]["loc"][0]) if errors and errors[0]["loc"] else "?"
        raise ConfigError(
            "settings.invalid",
            "the setting OOD_FACE_{name} is wrong: {problem}",
            name=name.upper(),
            problem=errors[0]["msg"] if errors else str(exc),
        ) from exc


def open_scenarios(settings: Settings) -> Mapping[str, Scenario]:
    """Return the scenarios by name, without loading any model.

    The built-in ones, then those saved in the data folder, then those of the scenario file: a
    later one changes what it names of an earlier one.

    Raises
    ------
    ConfigError
        A scenario file is wrong.
    """
    saved = settings.data_dir / SCENARIOS_FILE
    files = [saved] if saved.exists() else []
    if settings.scenarios_file is not None:
        files.append(settings.scenarios_file)
    return load_scenarios(*files)


def open_scenario(settings: Settings, name: str) -> Scenario:
    """Return one of :func:`open_scenarios`; UnknownScenarioError: none has this name."""
    return Policies(open_scenarios(settings)).scenario(name)


def saving_path(settings: Settings) -> Path:
    """Return the file that a running server saves scenarios in."""
    chosen = settings.scenarios_file
    return settings.data_dir / SCENARIOS_FILE if chosen is None else chosen


def model_folders(settings: Settings, model_id: str) -> ModelFolders:
    """Return where calibrations of a model lie."""
    name = model_id.rpartition("@")[0]
    return ModelFolders(settings.data_dir / name, settings.weights_dir / name)


def calibrated_folder(settings: Settings, model_id: str, name: str) -> Path:
    """Return the folder of a model that has a calibration: the server's own, or the weights'."""
    from ood_face.calibration.files import calibration_path  # noqa: PLC0415

    folders = model_folders(settings, model_id)
    return folders.own if calibration_path(folders.own, name).is_file() else folders.weights


def save_scenario(path: Path, scenario: Scenario) -> None:
    """Add a scenario to a file; see :func:`ood_face.matching.scenarios.add_scenario`.

    Raises
    ------
    ConfigError
        The file has a scenario of this name, or is wrong.
    StorageError
        It can't be written; it is as it was.
    """
    add_scenario(path, scenario)
