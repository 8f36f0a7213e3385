"""Figures of the score: under degradation, on pictures without faces, as a probability."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ood_face.evaluation.calibration_error import brier_score, reliability
from ood_face.evaluation.instruments import trust_signals
from ood_face.evaluation.intervals import Resamples, aurocs, interval
from ood_face.evaluation.ood import auroc, fpr_at_tpr
from ood_face.evaluation.samples import measure_all
from ood_face.evaluation.verification import wilson_interval
from ood_face.imaging.degradations import DEGRADATIONS, MAX_SEVERITY, degrade
from ood_face.imaging.nonfaces import NONFACES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from ood_face.evaluation.instruments import Curve, Instruments
    from ood_face.evaluation.samples import Measure, ProbeSet

__all__ = [
    "calibration_figures",
    "non_faces",
    "ood_figures",
    "severity_figures",
    "uncertainty_figures",
]

HISTOGRAM_BINS = 20


def severity_figures(
    measure: Measure,
    curve: Curve,
    crops: NDArray[np.uint8],
    labels: NDArray[np.int64],
    kinds: Sequence[str] = tuple(DEGRADATIONS),
    seed: int = 0,
) -> dict[str, Any]:
    """Mean score at each severity, AUROC against the clean faces, and how many faces fall.

    Parameters
    ----------
    crops : uint8 array of shape (N, 112, 112, 3), clean faces
    labels : (N,) their subjects
    kinds : degradations to apply
    """
    rng = np.random.default_rng(seed)
    clean = curve(measure_all(measure, crops)[2])
    weights = Resamples.draw(labels).of(labels)
    everything = []
    falls = {}
    for kind in kinds:
        scores = []
        for severity in range(1, MAX_SEVERITY + 1):
            degraded = np.stack([degrade(image, kind, severity, rng) for image in crops])
            scores.append(curve(measure_all(measure, degraded)[2]))
        everything += scores
        falls[kind] = _fall(clean, np.stack(scores), weights)
    return {
        "faces": len(crops),
        "subjects": len(np.unique(labels)),
        "clean_mean": float(clean.mean()),
        "histogram_clean": _histogram(clean),
        "histogram_degraded": _histogram(np.concatenate(everything)),
        "kinds": falls,
    }


def _fall(
    clean: NDArray[np.float32], scores: NDArray[np.float32], weights: NDArray[np.float32]
) -> dict[str, Any]:
    means = [float(row.mean(dtype=np.float64)) for row in scores]
    steps = -np.diff([float(clean.mean(dtype=np.float64)), *means])
    share = float(np.mean(scores[-1] < scores[0]))
    return {
        "mean_score": means,
        "auroc": [auroc(clean, row) for row in scores],
        "auroc_interval": [interval(aurocs(clean, row, weights, weights)) for row in scores],
        "smallest_step_down": float(steps.min()),
        "falls_at_every_step": bool(np.all(steps > 0)),
        "share_falling_first_to_last": share,
        "share_interval": wilson_interval(share, len(clean)),
        "share_falling_at_every_step": float(np.mean(np.all(np.diff(scores, axis=0) < 0, axis=0))),
    }


def ood_figures(
    measure: Measure,
    curve: Curve,
    faces: NDArray[np.uint8],
    labels: NDArray[np.int64],
    others: Mapping[str, NDArray[np.uint8]],
) -> dict[str, Any]:
    """AUROC and false positive rate at 95 % recall of faces against each set of non-faces.

    Parameters
    ----------
    faces : uint8 array of shape (N, 112, 112, 3)
    labels : (N,) their subjects; of the others, every picture is drawn by itself
    """
    good = -measure_all(measure, faces)[2]
    weights = Resamples.draw(labels).of(labels)
    figures = {}
    for name, crops in others.items():
        bad = -measure_all(measure, crops)[2]
        each = np.arange(len(bad))
        bad_weights = Resamples.draw(each, seed=1).of(each)
        accepted, scores = fpr_at_tpr(good, bad), curve(-bad)
        figures[name] = {
            "auroc": auroc(good, bad),
            "auroc_interval": interval(aurocs(good, bad, weights, bad_weights)),
            "fpr_at_95_tpr": accepted,
            "fpr_interval": wilson_interval(accepted, len(bad)),
            "mean_score": float(scores.mean()),
            "histogram": _histogram(scores),
            "pictures": len(crops),
        }
    return figures


def non_faces(crops: NDArray[np.uint8], seed: int = 7) -> dict[str, NDArray[np.uint8]]:
    """Return sets of pictures without a face: generated ones, and faces beyond recognition.

    Parameters
    ----------
    crops : uint8 array of shape (N, 112, 112, 3), the faces that are ruined
    """
    rng = np.random.default_rng(seed)
    return {
        name: np.stack([make(image, rng) for image in crops]) for name, make in NONFACES.items()
    }


def calibration_figures(probes: ProbeSet, curve: Curve) -> dict[str, Any]:
    """ECE, MCE, Brier score and reliability of ``ood_score`` on the probes of some subjects."""
    scores, matched = curve(probes.variances), probes.matched
    bins = reliability(scores, matched)
    base_rate = float(matched.mean())
    weights = Resamples.draw(probes.labels).of(probes.labels)
    return {
        "expected_calibration_error": bins.expected_error,
        "expected_calibration_error_interval": interval(_errors(scores, matched, weights)),
        "maximum_calibration_error": bins.maximum_error,
        "brier": brier_score(scores, matched),
        "brier_of_the_base_rate": brier_score(np.full(len(scores), base_rate), matched),
        "auroc_match_against_no_match": auroc(scores[matched], scores[~matched]),
        "auroc_interval": interval(
            aurocs(scores[matched], scores[~matched], weights[:, matched], weights[:, ~matched])
        ),
        "match_rate": base_rate,
        "probes": len(scores),
        "subjects": len(np.unique(probes.labels)),
        "threshold": probes.threshold,
        "impostor_pairs": probes.impostor_pairs,
        "reliability": {
            "predicted": bins.predicted.tolist(),
            "observed": bins.observed.tolist(),
            "counts": bins.counts.tolist(),
        },
    }


def _errors(
    scores: NDArray[np.float32],
    matched: NDArray[np.bool_],
    weights: NDArray[np.float32],
    bins: int = 15,
) -> NDArray[np.float64]:
    # ECE of every resample: the sum over the bins of |weight of predictions - weight of matches|
    which = np.digitize(scores, np.linspace(0, 1, bins + 1)[1:-1])
    member = (which[:, None] == np.arange(bins)).astype(np.float64)
    gaps = np.abs(weights @ (member * (scores - matched)[:, None])).sum(axis=1)
    return np.asarray(gaps / weights.sum(axis=1))


def uncertainty_figures(
    instruments: Instruments,
    crops: NDArray[np.uint8],
    labels: NDArray[np.int64],
    others: Mapping[str, NDArray[np.uint8]],
) -> dict[str, Any]:
    """AUROC of clean faces against each other set, by every signal there is.

    Parameters
    ----------
    crops : uint8 array of shape (N, 112, 112, 3), clean faces
    labels : (N,) their subjects
    others : what should look less trustworthy
    """
    clean = trust_signals(instruments, crops)[1]
    weights = Resamples.draw(labels).of(labels)
    figures: dict[str, Any] = {signal: {} for signal in clean}
    for name, pictures in others.items():
        each = np.arange(len(pictures))
        other_weights = Resamples.draw(each, seed=1).of(each)
        for signal, values in trust_signals(instruments, pictures)[1].items():
            good = clean[signal]
            figures[signal][name] = {
                "auroc": auroc(good, values),
                "auroc_interval": interval(aurocs(good, values, weights, other_weights)),
                "pictures": len(pictures),
            }
    return figures


def _histogram(scores: NDArray[np.floating]) -> list[int]:
    counts, _ = np.histogram(scores, bins=HISTOGRAM_BINS, range=(0, 1))
    return [int(count) for count in counts]
