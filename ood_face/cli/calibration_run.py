"""What ``ood-face calibrate`` does: read, measure, fit, test, write."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from ood_face.artifacts import Manifest
from ood_face.calibration.files import (
    FOLDER,
    Calibration,
    calibration_path,
    check_name,
)
from ood_face.calibration.fitting import fit_calibration
from ood_face.calibration.logits_file import read_labelled_logits
from ood_face.calibration.own_report_saving import check_replaceable, write_with_plot
from ood_face.calibration.pairs import labelled_pairs
from ood_face.calibration.values import LogitInput
from ood_face.cli.bench import Bench
from ood_face.cli.extracting import check_writable
from ood_face.errors import InputError
from ood_face.evaluation.datasets import load_folders, load_pair_list
from ood_face.uncertainty import MIN_PASSES

if TYPE_CHECKING:
    from pathlib import Path

    from ood_face.calibration.labelled import LabelledData
    from ood_face.config import Settings
    from ood_face.evaluation.instruments import Progress

__all__ = ["CalibrationJob", "run_calibration"]

PRIOR = 0.5


@dataclass(frozen=True, slots=True)
class CalibrationJob:
    """What is wanted.

    Attributes
    ----------
    model_dir : the model's folder
    data : folder by person, CSV of pairs, or .npz
    name : of the calibration
    output : file to write; None: beside the model
    method : None: vector for two classes, else temperature
    prior : share of pairs of one person; None: 1/2 of similarities, as the data of logits
    zero_at : the similarity that counts as 1/2 before calibration
    aligned : the pictures are aligned faces
    cache : folder for what was measured
    """

    model_dir: Path
    data: Path
    name: str
    output: Path | None
    method: str | None
    prior: float | None
    zero_at: float
    aligned: bool
    cache: Path


def run_calibration(
    settings: Settings, job: CalibrationJob, progress: Progress
) -> tuple[Calibration, list[Path]]:
    """Fit, test and write a calibration; return it and the files written.

    Parameters
    ----------
    settings : with the model's folder as ``weights_dir`` and ``model``

    Raises
    ------
    InputError
        The data is wrong or too little, or the file can't be written; nothing was written.
    ArtifactError
        The model is missing or wrong.
    """
    entry = Manifest.load(settings.weights_dir).model(job.model_dir.absolute().name)
    path = _target(job)
    data = _read(settings, job, progress)
    method = job.method or ("vector" if data.input.classes == 2 else "temperature")
    progress.begin("fit and test")
    made = datetime.now(UTC).isoformat(timespec="seconds")
    calibration = fit_calibration(data, method, job.name, f"{entry.name}@{entry.version}", made)
    if job.output is None:
        path.parent.mkdir(exist_ok=True)
    return calibration, write_with_plot(calibration, path)


def _target(job: CalibrationJob) -> Path:
    check_name(job.name)
    own = calibration_path(job.model_dir, job.name)
    path = own if job.output is None else job.output
    beside = path.absolute().parent == (job.model_dir / FOLDER).absolute()
    if path.suffix != ".toml" or (beside and path.stem != job.name):
        raise InputError(
            "calibrate.target",
            "{file} cannot be the calibration {name}: the file must end in .toml, and one that "
            "lies beside the model must be called {expected}",
            file=str(path),
            name=job.name,
            expected=own.name,
        )
    folder = path.parent
    check_writable(folder if job.output is None and not folder.is_dir() else path)
    check_replaceable(path)
    return path


def _read(settings: Settings, job: CalibrationJob, progress: Progress) -> LabelledData:
    how = LogitInput("similarity", zero_at=job.zero_at)
    kind = job.data.suffix.lower()
    if kind == ".npz":
        data = read_labelled_logits(job.data, how, job.prior)
    elif job.data.is_dir() or kind == ".csv":
        data = _measure(settings, job, how, progress)
    else:
        raise InputError(
            "calibrate.data",
            "{path} is neither a folder nor a .csv nor an .npz file",
            path=str(job.data),
        )
    return replace(data, about={"source": job.data.name, **data.about})


def _measure(
    settings: Settings, job: CalibrationJob, how: LogitInput, progress: Progress
) -> LabelledData:
    bench = Bench(settings, job.cache, MIN_PASSES, progress)
    load = load_folders if job.data.is_dir() else load_pair_list
    found = load(job.data, bench.reader(aligned=job.aligned))
    features, scores = bench.measured(found.faces.crops)
    return labelled_pairs(found, features, scores, how, PRIOR if job.prior is None else job.prior)
