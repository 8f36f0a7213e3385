"""A weights folder with P(same) and two calibrations, but no network, and a scenario file."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ood_face.artifacts import PROBABILITY_FILE, sha256_of, write_toml
from ood_face.calibration.files import calibration_path, write_calibration_file
from ood_face.calibration.fitting import fit_calibration
from ood_face.calibration.same_file import write_same_model
from ood_face.config import Settings
from ood_face.types import SameModel
from tests.unit.calibration.calibrations import MADE, people

if TYPE_CHECKING:
    from pathlib import Path

MODEL_ID = "fake-1@3"
SCENARIOS = '[gate]\ncalibration = "day"\ncalibration_configs = ["night"]\n'


def same_model(model_id: str = MODEL_ID) -> SameModel:
    return SameModel(model_id, np.array([2.0, -5.0, 33.0]), 0.01 * np.eye(3), (-8.0, 9.0))


def write_manifest(weights: Path) -> None:
    file = f"fake-1/{PROBABILITY_FILE}"
    entry = {"kind": "embedder", "version": "3", "license": "-", "source": "made up"}
    entry["files"] = {file: sha256_of(weights / file)}
    write_toml(weights / "manifest.toml", {"default_model": "fake-1", "models": {"fake-1": entry}})


def policy_files(folder: Path) -> Settings:
    """Write the files into a folder, and return settings that name them."""
    weights = folder / "weights"
    (weights / "fake-1" / "calibration").mkdir(parents=True)
    write_same_model(weights / "fake-1" / PROBABILITY_FILE, same_model(), {"people": 500})
    write_manifest(weights)
    for seed, name in enumerate(("day", "night")):
        made = fit_calibration(people(seed=seed), "vector", name, MODEL_ID, MADE)
        write_calibration_file(calibration_path(weights / "fake-1", name), made)
    scenarios = folder / "scenarios.toml"
    scenarios.write_text(SCENARIOS, encoding="utf-8")
    return Settings(weights_dir=weights, data_dir=folder / "data", scenarios_file=scenarios)
