"""Figures of pairs: verification, and error versus discard beside its baselines."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ood_face.evaluation.edc import error_versus_discard
from ood_face.evaluation.instruments import trust_signals
from ood_face.evaluation.intervals import (
    Resamples,
    accuracies,
    discard_areas,
    interval,
    thresholds_at_fmr,
    true_accept_rates,
)
from ood_face.evaluation.verification import (
    fmr_threshold,
    fnmr_at_fmr,
    fold_accuracy,
    too_few_impostors,
    wilson_interval,
)
from ood_face.imaging.degradations import DEGRADATIONS, degrade

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from numpy.typing import NDArray

    from ood_face.evaluation.faces import FaceSet, Pairs
    from ood_face.evaluation.instruments import Instruments

__all__ = [
    "DISCARD_GRID",
    "FMR",
    "det_curve",
    "discard_figures",
    "discard_lines",
    "verification_figures",
]

FMR = 1e-3
STATED_FMRS = (1e-2, FMR, 1e-4)
DISCARD_GRID = np.linspace(0, 0.3, 31)
DISCARD_LIMIT = 0.2
CURVE_POINTS = 60


def verification_figures(
    features: NDArray[np.float32],
    labels: NDArray[np.int64],
    pairs: Pairs,
    thresholds: tuple[float, ...],
) -> dict[str, Any]:
    """Accuracy, TAR at false match rates, and the rates at given thresholds, with intervals.

    A rate that the number of pairs can't support is None, with the reason beside it.

    Parameters
    ----------
    features : float32 array of shape (N, 512), unit norm
    labels : (N,) subject of each
    pairs : index -1 stands for a missing picture, which is similar to nothing (similarity 0)
    """
    similarity = _similarity(features, pairs)
    mated, impostor = similarity[pairs.same], similarity[~pairs.same]
    resamples = Resamples.draw(labels)
    weights = resamples.of_pairs(*_subjects(labels, pairs), pairs.same)
    figures: dict[str, Any] = {
        **_accuracy(similarity, pairs, weights),
        "mated_pairs": len(mated),
        "impostor_pairs": len(impostor),
        "pairs_with_a_missing_picture": int(np.sum((pairs.first < 0) | (pairs.second < 0))),
        "subjects": len(resamples.subjects),
        "at_fmr": {},
        "at_threshold": {},
        "det": det_curve(mated, impostor),
    }
    for fmr in STATED_FMRS:
        figures["at_fmr"][f"{fmr:g}"] = _at_fmr(similarity, pairs.same, weights, fmr)
    for threshold in thresholds:
        fmr, fnmr = float(np.mean(impostor > threshold)), float(np.mean(mated <= threshold))
        figures["at_threshold"][f"{threshold:g}"] = {
            "fmr": fmr,
            "fmr_interval": wilson_interval(fmr, len(impostor)),
            "fnmr": fnmr,
            "fnmr_interval": wilson_interval(fnmr, len(mated)),
        }
    return figures


def _accuracy(
    similarity: NDArray[np.float64], pairs: Pairs, weights: NDArray[np.float32]
) -> dict[str, Any]:
    dealt = pairs.fold >= 0
    folds = np.unique(pairs.fold[dealt])
    if len(folds) < 2:
        reason = f"cross-validation needs pairs in 2 folds, got {len(folds)}"
        return {"accuracy": None, "accuracy_reason": reason}
    parts = similarity[dealt], pairs.same[dealt], pairs.fold[dealt]
    accuracy = fold_accuracy(*parts)
    held = weights[:, dealt]
    step = max(1, 4_000_000 // (len(folds) * held.shape[1]))
    drawn = [accuracies(*parts, held[i : i + step]) for i in range(0, len(held), step)]
    return {
        "accuracy": accuracy.mean,
        "accuracy_std": accuracy.std,
        "accuracy_interval": interval(np.concatenate(drawn)),
        "accuracy_pairs": accuracy.pairs,
        "folds": len(folds),
    }


def _at_fmr(
    similarity: NDArray[np.float64],
    same: NDArray[np.bool_],
    weights: NDArray[np.float32],
    fmr: float,
) -> dict[str, Any]:
    reason = too_few_impostors(int(np.sum(~same)), fmr)
    if reason is not None:
        return {"tar": None, "reason": reason}
    fnmr, threshold = fnmr_at_fmr(similarity, same, fmr)
    step = max(1, 4_000_000 // len(same))
    rates = [
        true_accept_rates(similarity, same, weights[start : start + step], fmr)
        for start in range(0, len(weights), step)
    ]
    return {
        "tar": 1 - fnmr,
        "tar_interval": interval(np.concatenate(rates)),
        "threshold": threshold,
    }


def det_curve(mated: NDArray[np.float64], impostor: NDArray[np.float64]) -> dict[str, list[float]]:
    """Return the detection error trade-off: ``fnmr`` (K,) over ``fmr`` (K,), which rises.

    The rates asked for begin at what the rule of 3 supports; those found, which are the pairs' own,
    lie up to one pair below, and with equal similarities further.

    Parameters
    ----------
    mated, impostor : similarities of the pairs of one person, and of two
    """
    lowest = min(0.5, 3 / len(impostor))
    rates = np.geomspace(lowest, 1, CURVE_POINTS)
    cuts = np.quantile(impostor, 1 - rates, method="higher")
    return {
        "fmr": [float(np.mean(impostor > cut)) for cut in cuts],
        "fnmr": [float(np.mean(mated <= cut)) for cut in cuts],
    }


def discard_figures(
    instruments: Instruments, faces: FaceSet, pairs: Pairs, seed: int = 5
) -> dict[str, Any]:
    """EDC on pairs whose second picture is degraded half the time; area up to 20 % discard.

    Of every method: the area with its interval, and the interval of how much smaller the area
    by ``ood_score`` is, both over the same resamples.
    """
    rng = np.random.default_rng(seed)
    there = (pairs.first >= 0) & (pairs.second >= 0)
    first, second, same = pairs.first[there], pairs.second[there], pairs.same[there]
    used, where = np.unique(first, return_inverse=True)  # the first pictures stay as they are
    count = instruments.steps * (len(used) + len(second))
    instruments.progress.begin("error versus discard", count)
    features_a, trust_a = trust_signals(instruments, np.asarray(faces.crops[used]))
    degraded = np.stack([_degraded_half(np.asarray(faces.crops[index]), rng) for index in second])
    features_b, trust_b = trust_signals(instruments, degraded)
    similarity = _cosines(features_a[where], features_b)
    impostors = int(np.sum(~same))
    figures: dict[str, Any] = {"pairs": len(same), "mated_pairs": int(same.sum())}
    figures |= {"impostor_pairs": impostors, "fmr": FMR, "degraded_share": 0.5}
    reason = too_few_impostors(impostors, FMR)
    if reason is not None:
        return figures | {"methods": None, "reason": reason}
    methods = {name: np.minimum(trust_a[name][where], trust_b[name]) for name in trust_b}
    methods |= {"random": rng.random(len(same)), "ideal": similarity}
    resamples = Resamples.draw(faces.labels)
    weights = resamples.of_pairs(faces.labels[first], faces.labels[second], same)
    threshold = fmr_threshold(similarity[~same], FMR)
    figures |= {"threshold": threshold, "discard_rate": DISCARD_GRID.tolist()}
    return figures | {"methods": discard_lines(similarity, same, methods, [weights], FMR)}


def discard_lines(
    similarity: NDArray[np.float64],
    same: NDArray[np.bool_],
    methods: Mapping[str, NDArray[np.floating]],
    resampled: Iterable[NDArray[np.float32]],
    fmr: float,
) -> dict[str, dict[str, Any]]:
    """Return the curve over ``DISCARD_GRID`` and its area of each way to choose what to discard.

    Parameters
    ----------
    similarity, same : (N,)
    methods : (N,) by name, the quality of each pair
    resampled : weights of the pairs, arrays of shape (R, N), as many as there are
    fmr : where the threshold is fixed

    Raises
    ------
    ValueError
        There are too few impostor pairs for this rate (rule of 3).
    """
    blocks = [_resampled_areas(similarity, same, methods, weights, fmr) for weights in resampled]
    areas = {name: np.concatenate([block[name] for block in blocks]) for name in methods}
    lines = {}
    for name, quality in methods.items():
        curve = error_versus_discard(similarity, same, quality, fmr)
        values = np.interp(DISCARD_GRID, curve.discard_rate, curve.fnmr)
        found = {
            "area_to_20_percent": curve.area(DISCARD_LIMIT),
            "area_interval": interval(areas[name]),
            "fnmr": values.tolist(),
        }
        if "ood_score" in areas and name != "ood_score":
            found["larger_than_ood_score_by"] = interval(areas[name] - areas["ood_score"])
        lines[name] = found
    return lines


def _resampled_areas(
    similarity: NDArray[np.float64],
    same: NDArray[np.bool_],
    methods: Mapping[str, NDArray[np.floating]],
    weights: NDArray[np.float32],
    fmr: float,
) -> dict[str, NDArray[np.float64]]:
    found: dict[str, list[NDArray[np.float64]]] = {name: [] for name in methods}
    step = max(1, 2_000_000 // len(same))
    for start in range(0, len(weights), step):
        part = weights[start : start + step]
        cuts = thresholds_at_fmr(similarity[~same], part[:, ~same], fmr)
        missed = similarity[same][None, :] <= cuts[:, None]
        for name, quality in methods.items():
            found[name].append(discard_areas(missed, quality[same], part[:, same], DISCARD_LIMIT))
    return {name: np.concatenate(parts) for name, parts in found.items()}


def _similarity(features: NDArray[np.float32], pairs: Pairs) -> NDArray[np.float64]:
    # the index -1 meets the zero row at the end
    padded = np.concatenate([features, np.zeros((1, features.shape[1]), np.float32)])
    return _cosines(padded[pairs.first], padded[pairs.second])


def _subjects(
    labels: NDArray[np.int64], pairs: Pairs
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    padded = np.append(labels, -1)
    return padded[pairs.first], padded[pairs.second]


def _cosines(a: NDArray[np.float32], b: NDArray[np.float32]) -> NDArray[np.float64]:
    return np.asarray(np.einsum("nd,nd->n", a, b, dtype=np.float64))


def _degraded_half(image: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    if rng.random() < 0.5:
        return image
    kinds = list(DEGRADATIONS)
    return degrade(image, kinds[rng.integers(len(kinds))], float(rng.uniform(0.5, 4)), rng)
