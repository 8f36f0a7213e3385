"""From the RTS variance to ``ood_score``: a monotone curve kept in the model's calibration file."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ood_face.errors import ArtifactError, CalibrationMissingError

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

__all__ = ["ScoreCurve", "load_score_curve"]

FORMAT_VERSION = 1
# the version of a curve that was fitted on nothing: its scores rank faces and mean no more
UNCALIBRATED = "uncalibrated"


@dataclass(frozen=True, slots=True, eq=False)
class ScoreCurve:
    """Piecewise linear and strictly falling in ``log(variance)``.

    The score is the probability that a template matches a good template of the same
    subject at a false match rate of 1e-3, as fitted on the data the file names.

    Attributes
    ----------
    log_variances : float64 array of shape (K,), rising
    scores : float64 array of shape (K,), 0..1, falling
    version : names the fit; part of the model id
    """

    log_variances: NDArray[np.float64]
    scores: NDArray[np.float64]
    version: str

    def __post_init__(self) -> None:
        x, y = self.log_variances, self.scores
        fits = x.ndim == 1 and x.shape == y.shape and len(x) >= 2
        fits = fits and bool(np.all(np.isfinite(x)) and np.all(np.diff(x) > 0))
        fits = fits and bool(np.all(np.diff(y) < 0) and y[-1] >= 0 and y[0] <= 1)
        if not fits:
            raise ArtifactError(
                "calibration.bad_curve",
                "a score curve needs at least two knots with rising log variances and "
                "scores in 0..1 that fall; this one has {count}",
                count=len(x),
            )

    @property
    def calibrated(self) -> bool:
        """Whether the scores were fitted on data."""
        return self.version != UNCALIBRATED

    def __call__(self, variances: NDArray[np.floating]) -> NDArray[np.float32]:
        """Map variances (N,) to scores (N,), 0..1, higher is better; flat past the end knots."""
        logs = np.log(np.maximum(np.asarray(variances, np.float64), 1e-12))
        return np.interp(logs, self.log_variances, self.scores).astype(np.float32)


def load_score_curve(path: Path, model: str) -> ScoreCurve:
    """Read the calibration file of a model.

    Raises
    ------
    CalibrationMissingError
        There is no such file, or it was fitted for another model.
    ArtifactError
        The file is no valid calibration.
    """
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as exc:
        raise CalibrationMissingError(
            "calibration.missing", "{path} cannot be read: {reason}", path=path, reason=exc.strerror
        ) from exc
    except (ValueError, RecursionError) as exc:  # no TOML, no UTF-8, or nested too deeply
        raise ArtifactError(
            "calibration.not_toml", "{path} is no valid TOML: {reason}", path=path, reason=exc
        ) from exc
    if document.get("model") != model:
        raise CalibrationMissingError(
            "calibration.other_model",
            "{path} belongs to model {found}, not to {model}",
            path=path,
            found=document.get("model"),
            model=model,
        )
    curve = document.get("score_curve")
    if document.get("format") != FORMAT_VERSION or not isinstance(curve, dict):
        raise ArtifactError(
            "calibration.format",
            "{path} must have format = {format} and a table score_curve",
            path=path,
            format=FORMAT_VERSION,
        )
    try:
        knots = np.array(curve["log_variances"], float), np.array(curve["scores"], float)
    except (KeyError, TypeError, ValueError) as exc:
        raise ArtifactError(
            "calibration.knots",
            "{path}: score_curve needs the number lists log_variances and scores",
            path=path,
        ) from exc
    return ScoreCurve(*knots, str(document.get("version", "")))
