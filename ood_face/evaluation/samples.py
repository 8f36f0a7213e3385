"""Probes for the score: clean and degraded templates against a good template of their subject."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ood_face.evaluation.verification import fmr_threshold
from ood_face.imaging.degradations import DEGRADATIONS, degrade

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from ood_face.evaluation.faces import FaceSet

    Measure = Callable[[NDArray[np.uint8]], tuple[NDArray[np.float32], NDArray[np.float32]]]

__all__ = ["ProbeSet", "draw_probes", "measure_all"]

CLEAN_SHARE = 0.4  # the rest carry one degradation of a severity drawn evenly from 0..5


@dataclass(frozen=True, slots=True, eq=False)
class ProbeSet:
    """Probes and whether each matched.

    Attributes
    ----------
    variances : float32 array of shape (N,)
    norms : float32 array of shape (N,), of the features before normalisation
    similarity : float32 array of shape (N,), with the subject's good template
    matched : bool array of shape (N,), similarity above the threshold
    labels : int64 array of shape (N,), their subjects
    threshold : where the false match rate of clean frontal pictures is 1e-3
    impostor_pairs : how many pairs fixed it
    """

    variances: NDArray[np.float32]
    norms: NDArray[np.float32]
    similarity: NDArray[np.float32]
    matched: NDArray[np.bool_]
    labels: NDArray[np.int64]
    threshold: float
    impostor_pairs: int


def measure_all(
    measure: Measure, crops: NDArray[np.uint8], batch: int = 64
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
    """Return unit features (N, 512), their former norms (N,) and variances (N,)."""
    raws, variances = [], []
    for start in range(0, len(crops), batch):
        raw, variance = measure(np.ascontiguousarray(crops[start : start + batch]))
        raws.append(raw)
        variances.append(variance)
    raw = np.concatenate(raws)
    norms = np.linalg.norm(raw, axis=1)
    return raw / norms[:, None], norms, np.concatenate(variances)


def draw_probes(
    measure: Measure,
    faces: FaceSet,
    subjects: NDArray[np.int64],
    fmr: float,
    seed: int,
    good: NDArray[np.bool_] | None = None,
) -> ProbeSet:
    """Measure clean and degraded probes of some subjects.

    Every picture of a subject is a probe once, clean or degraded at random; its mate is the
    subject's good picture of lowest variance, another one than the probe.

    Parameters
    ----------
    subjects : labels of the face set that may be used, each with two good pictures or more
    fmr : false match rate that fixes the threshold
    good : (N,) pictures of the face set that may be mates; None: CFP's frontal ones

    Raises
    ------
    ValueError
        There are too few impostor pairs of good pictures for this rate (rule of 3).
    """
    rng = np.random.default_rng(seed)
    chosen = np.flatnonzero(np.isin(faces.labels, subjects))
    clean = np.asarray(faces.crops[chosen])
    labels = faces.labels[chosen]
    if good is None:
        good = np.array(["/frontal/" in name for name in faces.names])
    mate = good[chosen]
    features, _, variances = measure_all(measure, clean)
    threshold, pairs = _threshold(features[mate], labels[mate], fmr)
    probes = np.stack([_maybe_degrade(image, rng) for image in clean])
    probe_features, norms, probe_variances = measure_all(measure, probes)
    mates = np.array([_mate(i, labels, mate, variances) for i in range(len(chosen))])
    similarity = np.sum(probe_features * features[mates], axis=1)
    matched = similarity > threshold
    return ProbeSet(probe_variances, norms, similarity, matched, labels, threshold, pairs)


def _maybe_degrade(image: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    if rng.random() < CLEAN_SHARE:
        return image
    kinds = list(DEGRADATIONS)
    kind = kinds[rng.integers(len(kinds))]
    return degrade(image, kind, float(rng.uniform(0, 5)), rng)


def _mate(
    probe: int,
    labels: NDArray[np.int64],
    good: NDArray[np.bool_],
    variances: NDArray[np.float32],
) -> int:
    candidates = np.flatnonzero((labels == labels[probe]) & good)
    candidates = candidates[candidates != probe]
    return int(candidates[np.argmin(variances[candidates])])


def _threshold(
    features: NDArray[np.float32], labels: NDArray[np.int64], fmr: float
) -> tuple[float, int]:
    similarity = features @ features.T
    impostor = np.triu(labels[:, None] != labels[None, :], 1)
    values = similarity[impostor].astype(np.float64)
    return fmr_threshold(values, fmr), len(values)
