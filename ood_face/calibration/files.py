"""Calibration files: what was fitted, to which model's numbers, on which data, how well it holds.

They lie beside the model, ``weights/<model>/calibration/<name>.toml``, one for each place or use;
those that a running server saved lie in the same way in its data folder.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ood_face.calibration.isotonic import IsotonicScaling
from ood_face.calibration.sealed import bad_file, read_sealed, write_sealed
from ood_face.calibration.temperature import TemperatureScaling
from ood_face.calibration.values import Claims, LogitInput
from ood_face.calibration.vector import VectorScaling
from ood_face.errors import ArtifactError, CalibrationMissingError, InputError
from ood_face.types import MODEL_CALIBRATION, NO_CALIBRATION

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from ood_face.calibration.scaling import Scaling

__all__ = [
    "FOLDER",
    "METHODS",
    "Calibration",
    "calibration_path",
    "check_name",
    "list_calibrations",
    "load_calibration",
    "read_calibration",
    "write_calibration_file",
]

FORMAT = 1
FOLDER = "calibration"
METHODS: Mapping[str, type[Scaling]] = {
    cls.method: cls for cls in (TemperatureScaling, VectorScaling, IsotonicScaling)
}
# scenario files name calibrations under the same rule
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_REPORT = ("data", "fit", "test", "before", "after", "change", "reference")


@dataclass(frozen=True, slots=True, eq=False)
class Calibration:
    """A fitted scaling with everything one must know to trust it.

    Attributes
    ----------
    name : under which scenarios select it
    model_id : of the model whose numbers it is for, as in templates
    made : when, ISO 8601, UTC
    scaling : fitted
    input : what goes in
    claims : how far probabilities may go
    prior : share of pairs of one person the probabilities assume; None: that of the data
    report : tables ``data``, ``fit``, ``test``, ``before``, ``after``, ``change``, ``reference``
    """

    name: str
    model_id: str
    made: str
    scaling: Scaling
    input: LogitInput
    claims: Claims
    prior: float | None = None
    report: Mapping[str, Any] = field(default_factory=dict)

    def probability(self, values: ArrayLike | Any) -> NDArray[np.float64]:  # noqa: ANN401
        """Return calibrated probabilities, never surer than the test data allows.

        Parameters
        ----------
        values : similarities (N,), -1..1, if the input is ``similarity``: gives P(same) (N,);
            else logits (N, C), or log-odds (N,): gives the same shape

        Raises
        ------
        InputError
            The values have another shape, are out of range, or not finite.
        """
        return self.claims.limit(self.scaling.transform(self.input.logits(values)))


def check_name(name: str) -> str:
    """Return a calibration's name; InputError where it is none."""
    if not _NAME.fullmatch(name) or name in (MODEL_CALIBRATION, NO_CALIBRATION):
        raise InputError(
            "scaling.name",
            "{name} cannot name a calibration: small letters, digits, . _ -, at most 64, and "
            "neither {model} nor {none}",
            name=repr(name),
            model=MODEL_CALIBRATION,
            none=NO_CALIBRATION,
        )
    return name


def calibration_path(model_dir: Path, name: str) -> Path:
    """Return where a model's calibration of this name lies."""
    return model_dir / FOLDER / f"{check_name(name)}.toml"


def write_calibration_file(path: Path, calibration: Calibration) -> None:
    """Write a calibration in one step; a calibration that lies there is replaced.

    Raises
    ------
    InputError
        The file can't be written; what was there is as it was.
    """
    document: dict[str, Any] = {
        "format": FORMAT,
        "name": calibration.name,
        "model_id": calibration.model_id,
        "made": calibration.made,
        "method": calibration.scaling.method,
        "parameters": calibration.scaling.parameters(),
        "input": calibration.input.table(),
        "claims": calibration.claims.table(),
    }
    if calibration.prior is not None:
        document["prior"] = calibration.prior
    write_sealed(path, document | _without_none(dict(calibration.report)))


def read_calibration(path: Path, model_id: str | None = None) -> Calibration:
    """Read a calibration file.

    Parameters
    ----------
    model_id : of the model it must be for; None: whichever

    Raises
    ------
    CalibrationMissingError
        It can't be read, or holds no usable calibration.
    ChecksumError
        It was changed after it was written.
    ArtifactError
        It is another model's.
    """
    document = read_sealed(path)
    if document.get("format") != FORMAT or document.get("method") not in METHODS:
        raise bad_file(path, f"it is no calibration of format {FORMAT}")
    try:
        found = Calibration(
            name=check_name(document["name"]),
            model_id=str(document["model_id"]),
            made=str(document["made"]),
            scaling=METHODS[document["method"]].from_parameters(document["parameters"]),
            input=LogitInput(**document["input"]),
            claims=Claims(**document["claims"]),
            prior=None if "prior" not in document else float(document["prior"]),
            report={key: dict(document[key]) for key in _REPORT if key in document},
        )
    except (InputError, KeyError, OverflowError, TypeError, ValueError) as exc:
        raise bad_file(path, str(exc)) from exc
    if model_id is not None and found.model_id != model_id:
        raise ArtifactError(
            "scaling.other_model",
            "{file} calibrates the model {found}, not {model}",
            file=str(path),
            found=found.model_id,
            model=model_id,
        )
    return found


def list_calibrations(model_dir: Path) -> list[str]:
    """Return the names of a model's calibrations, sorted; the files are not read."""
    return sorted(path.stem for path in (model_dir / FOLDER).glob("*.toml"))


def load_calibration(model_dir: Path, name: str, model_id: str) -> Calibration:
    """Return a model's calibration by name.

    Raises
    ------
    CalibrationMissingError
        There is none of this name, or it is not usable.
    ArtifactError
        It was changed by hand (ChecksumError), or is another model's.
    """
    path = calibration_path(model_dir, name)
    if not path.is_file():
        raise CalibrationMissingError(
            "scaling.unknown",
            "the model in {folder} has no calibration {name}; it has: {known}",
            folder=str(model_dir),
            name=name,
            known=", ".join(list_calibrations(model_dir)) or "-",
        )
    found = read_calibration(path, model_id)
    if found.name != name:
        raise bad_file(path, f"it holds the calibration {found.name}")
    return found


def _without_none(table: dict[str, Any]) -> dict[str, Any]:
    # TOML has no null
    return {
        key: _without_none(dict(value)) if isinstance(value, Mapping) else value
        for key, value in table.items()
        if value is not None
    }
