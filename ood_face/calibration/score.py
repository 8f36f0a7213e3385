"""Fit the curve that turns the RTS variance into ``ood_score``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from sklearn.isotonic import IsotonicRegression

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

__all__ = ["fit_score_curve", "write_calibration"]

BINS = 24
MIN_SAMPLES = 2_000
STEP = 1e-3  # keeps the curve strictly falling where the data is flat


def fit_score_curve(
    variances: NDArray[np.floating], matched: NDArray[np.bool_]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Fit the probability of a match as a falling function of ``log(variance)``.

    Isotonic regression over bins of equal count, made strictly falling, and led down to
    zero beyond the largest variance seen.

    Parameters
    ----------
    variances : array of shape (N,), N >= 2000
    matched : bool array of shape (N,): did the template match a good one of its subject

    Returns
    -------
    knots : log variances (K,), rising, and scores (K,), falling

    Raises
    ------
    ValueError
        There is too little data, or only one outcome.
    """
    if len(variances) < MIN_SAMPLES:
        message = f"a score curve needs {MIN_SAMPLES} samples, got {len(variances)}"
        raise ValueError(message)
    if matched.all() or not matched.any():
        message = "a score curve needs matches and non-matches, all samples are alike"
        raise ValueError(message)
    logs = np.log(np.asarray(variances, np.float64))
    order = np.argsort(logs, kind="stable")
    parts = np.array_split(order, BINS)
    centres = np.array([logs[part].mean() for part in parts])
    rates = np.array([matched[part].mean() for part in parts])
    fitted = IsotonicRegression(increasing=False, y_min=0, y_max=1).fit_transform(centres, rates)
    # end knots: a little better than the best bin, and zero well past the worst
    centres = np.concatenate([[logs.min() - 1e-6], centres, [logs.max() + np.ptp(centres) / 2]])
    scores = np.concatenate([[min(1.0, fitted[0] + STEP)], fitted, [0.0]])
    keep = np.concatenate([[True], np.diff(centres) > 1e-9])
    centres, scores = centres[keep], scores[keep]
    falling = np.clip(scores, STEP * len(scores), 1.0) - STEP * np.arange(len(scores))
    falling[-1] = 0.0
    return centres, falling


def write_calibration(
    path: Path,
    model: str,
    version: str,
    knots: tuple[NDArray[np.float64], NDArray[np.float64]],
    provenance: dict[str, str | float | int],
) -> None:
    """Write a model's calibration file; ``provenance`` says on what it was fitted."""
    lines = [
        "# Maps the RTS variance to ood_score. Made by `python -m ood_face.training.release`.",
        "format = 1",
        f'model = "{model}"',
        f'version = "{version}"',
        "",
        "[score_curve]",
        "log_variances = [" + ", ".join(f"{v:.6f}" for v in knots[0]) + "]",
        "scores = [" + ", ".join(f"{v:.6f}" for v in knots[1]) + "]",
        "",
        "[fit]",
    ]
    for key, value in provenance.items():
        lines.append(f'{key} = "{value}"' if isinstance(value, str) else f"{key} = {value!r}")
    temporary = path.with_suffix(".tmp")
    temporary.write_text("\n".join(lines) + "\n", encoding="utf-8")
    temporary.replace(path)
