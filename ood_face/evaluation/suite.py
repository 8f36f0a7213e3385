"""The evaluation of one model: every figure of its report, from one function."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from ood_face.evaluation.calibration_error import brier_score, reliability
from ood_face.evaluation.edc import error_versus_discard
from ood_face.evaluation.ood import auroc, fpr_at_tpr
from ood_face.evaluation.samples import draw_probes, measure_all
from ood_face.evaluation.verification import fnmr_at_fmr, fold_accuracy, wilson_interval
from ood_face.imaging.degradations import DEGRADATIONS, MAX_SEVERITY, degrade
from ood_face.imaging.nonfaces import NONFACES

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    from ood_face.evaluation.faces import FaceSet, Pairs
    from ood_face.evaluation.samples import Measure

    Curve = Callable[[NDArray[np.floating]], NDArray[np.float32]]

__all__ = [
    "calibration_figures",
    "discard_figures",
    "non_faces",
    "ood_figures",
    "severity_figures",
    "verification_figures",
]

logger = logging.getLogger(__name__)
FMR = 1e-3


def verification_figures(
    features: NDArray[np.float32], pairs: Pairs, thresholds: tuple[float, ...]
) -> dict[str, Any]:
    """Accuracy, TAR at two false accept rates, and the rates at the policy's thresholds.

    Parameters
    ----------
    features : float32 array of shape (N, 512), unit norm; a zero row stands for a missing picture
    """
    similarity = _cosines(features[pairs.first], features[pairs.second])
    accuracy = fold_accuracy(similarity, pairs.same, pairs.fold)
    mated, impostor = similarity[pairs.same], similarity[~pairs.same]
    figures: dict[str, Any] = {
        "accuracy": accuracy.mean,
        "accuracy_std": accuracy.std,
        "mated_pairs": len(mated),
        "impostor_pairs": len(impostor),
        "at_fmr": {},
        "at_threshold": {},
    }
    for fmr in (1e-2, FMR):
        fnmr, threshold = fnmr_at_fmr(similarity, pairs.same, fmr)
        low, high = wilson_interval(fnmr, len(mated))
        figures["at_fmr"][f"{fmr:g}"] = {
            "tar": 1 - fnmr,
            "tar_low": 1 - high,
            "tar_high": 1 - low,
            "threshold": threshold,
        }
    for threshold in thresholds:
        fmr, fnmr = float(np.mean(impostor > threshold)), float(np.mean(mated <= threshold))
        figures["at_threshold"][f"{threshold:g}"] = {
            "fmr": fmr,
            "fmr_interval": wilson_interval(fmr, len(impostor)),
            "fnmr": fnmr,
            "fnmr_interval": wilson_interval(fnmr, len(mated)),
        }
    return figures


def severity_figures(
    measure: Measure, curve: Curve, crops: NDArray[np.uint8], seed: int = 0
) -> dict[str, Any]:
    """Mean score at each severity, AUROC against the clean faces, and how many faces fall.

    Parameters
    ----------
    crops : uint8 array of shape (N, 112, 112, 3), clean frontal faces
    """
    rng = np.random.default_rng(seed)
    clean = curve(measure_all(measure, crops)[2])
    figures: dict[str, Any] = {"clean_mean": float(clean.mean()), "faces": len(crops)}
    for kind in DEGRADATIONS:
        scores = []
        for severity in range(1, MAX_SEVERITY + 1):
            degraded = np.stack([degrade(image, kind, severity, rng) for image in crops])
            scores.append(curve(measure_all(measure, degraded)[2]))
        means = [float(s.mean()) for s in scores]
        figures[kind] = {
            "mean_score": means,
            "auroc": [auroc(clean, s) for s in scores],
            "falls_at_every_step": bool(np.all(np.diff([figures["clean_mean"], *means]) < 0)),
            "share_falling_first_to_last": float(np.mean(scores[-1] < scores[0])),
        }
        logger.info("%s: mean score %s", kind, [round(m, 3) for m in means])
    return figures


def ood_figures(
    measure: Measure,
    curve: Curve,
    faces: NDArray[np.uint8],
    others: Mapping[str, NDArray[np.uint8]],
) -> dict[str, Any]:
    """AUROC and false positive rate at 95 % recall of faces against each set of non-faces."""
    good = measure_all(measure, faces)[2]
    figures = {}
    for name, crops in others.items():
        bad = measure_all(measure, crops)[2]
        figures[name] = {
            "auroc": auroc(-good, -bad),
            "fpr_at_95_tpr": fpr_at_tpr(-good, -bad),
            "mean_score": float(curve(bad).mean()),
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


def calibration_figures(
    measure: Measure, curve: Curve, faces: FaceSet, subjects: NDArray[np.int64], seed: int = 11
) -> dict[str, Any]:
    """ECE, MCE, Brier score and reliability of ``ood_score`` on subjects that fitted nothing."""
    probes = draw_probes(measure, faces, subjects, FMR, seed)
    scores = curve(probes.variances)
    bins = reliability(scores, probes.matched)
    return {
        "expected_calibration_error": bins.expected_error,
        "maximum_calibration_error": bins.maximum_error,
        "brier": brier_score(scores, probes.matched),
        "brier_of_the_base_rate": brier_score(
            np.full(len(scores), probes.matched.mean()), probes.matched
        ),
        "auroc_match_against_no_match": auroc(scores[probes.matched], scores[~probes.matched]),
        "match_rate": float(probes.matched.mean()),
        "probes": len(scores),
        "subjects": len(subjects),
        "threshold": probes.threshold,
        "impostor_pairs": probes.impostor_pairs,
        "reliability": {
            "predicted": bins.predicted.tolist(),
            "observed": bins.observed.tolist(),
            "counts": bins.counts.tolist(),
        },
    }


def discard_figures(
    measure: Measure, faces: FaceSet, pairs: Pairs, seed: int = 5
) -> dict[str, Any]:
    """EDC on pairs whose second picture is degraded half the time; area up to 20 % discard."""
    rng = np.random.default_rng(seed)
    there = (pairs.first >= 0) & (pairs.second >= 0)
    first, second, same = pairs.first[there], pairs.second[there], pairs.same[there]
    used, where = np.unique(first, return_inverse=True)  # the first pictures stay as they are
    crops_a = np.asarray(faces.crops[used])
    features_a, norms_a, variances_a = (v[where] for v in measure_all(measure, crops_a))
    sharpness_a = _sharpness(crops_a)[where]
    crops_b = np.stack([_degraded_half(np.asarray(faces.crops[index]), rng) for index in second])
    features_b, norms_b, variances_b = measure_all(measure, crops_b)
    similarity = _cosines(features_a, features_b)
    methods = {
        # the score falls strictly with the variance: the same order
        "ood_score": -np.maximum(variances_a, variances_b),
        "feature_norm": np.minimum(norms_a, norms_b),
        "laplacian_sharpness": np.minimum(sharpness_a, _sharpness(crops_b)),
        "random": rng.random(len(same)),
        "ideal": similarity,
    }
    figures: dict[str, Any] = {"pairs": len(same), "fmr": FMR, "methods": {}}
    for name, quality in methods.items():
        curve = error_versus_discard(similarity, same, quality, FMR)
        at = [float(np.interp(x, curve.discard_rate, curve.fnmr)) for x in (0, 0.05, 0.1, 0.2)]
        figures["methods"][name] = {"area_to_20_percent": curve.area(0.2), "fnmr_at_0_5_10_20": at}
    return figures


def _cosines(a: NDArray[np.float32], b: NDArray[np.float32]) -> NDArray[np.float64]:
    return np.asarray(np.einsum("nd,nd->n", a, b, dtype=np.float64))


def _degraded_half(image: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    if rng.random() < 0.5:
        return image
    kinds = list(DEGRADATIONS)
    return degrade(image, kinds[rng.integers(len(kinds))], float(rng.uniform(0.5, 4)), rng)


def _sharpness(crops: NDArray[np.uint8]) -> NDArray[np.float64]:
    grey = (cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY) for crop in crops)
    return np.array([cv2.Laplacian(image, cv2.CV_64F).var() for image in grey])
