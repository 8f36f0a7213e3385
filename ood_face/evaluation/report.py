"""The evaluation of one model on one data set: everything its ``report.json`` holds."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import numpy as np

from ood_face.evaluation.conformance import checks_of, checks_table
from ood_face.evaluation.identification import identification_figures
from ood_face.evaluation.instruments import sharpness
from ood_face.evaluation.pair_figures import FMR, discard_figures, verification_figures
from ood_face.evaluation.samples import draw_probes, measure_all
from ood_face.evaluation.searches import Probes
from ood_face.evaluation.suite import (
    calibration_figures,
    non_faces,
    ood_figures,
    severity_figures,
    uncertainty_figures,
)
from ood_face.evaluation.verification import too_few_impostors
from ood_face.imaging.degradations import DEGRADATIONS, degrade

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    from ood_face.evaluation.datasets import TestData
    from ood_face.evaluation.instruments import Curve, Instruments
    from ood_face.types import Scenario

__all__ = ["FORMAT", "build_report", "costs_ms"]

FORMAT = 2
MAX_CLEAN_FACES = 200
NO_SCORE = "the model gives no quality score"
# what the uncertainties are asked to detect, beside pictures without a face
DETECTED = {"blur": 3, "low_resolution": 3, "occlusion": 3}
TIMED_RUNS = 15


def build_report(
    instruments: Instruments,
    data: TestData,
    objects: NDArray[np.uint8] | None,
    scenario: Scenario,
    about: Mapping[str, Any],
    training: Mapping[str, Any],
) -> dict[str, Any]:
    """Measure a model and judge it.

    Parameters
    ----------
    objects : uint8 array of shape (N, 112, 112, 3), real pictures without a face; None: no such
    scenario : whose thresholds error rates are stated at
    about : what the report says of the model, the data and the command
    training : what ``training.json`` holds, which some checks need
    """
    progress, faces = instruments.progress, data.faces
    progress.begin("features of all faces", len(faces.crops))
    features, _, variances = measure_all(instruments.measure, faces.crops)
    thresholds = (scenario.same_above, scenario.different_below)
    report: dict[str, Any] = {"format": FORMAT, **about}
    report["verification"] = {
        key: verification_figures(features, faces.labels, pairs, thresholds)
        for key, pairs in data.pairs.items()
    }
    chosen = _clean_faces(data)
    clean, labels = np.stack([np.asarray(faces.crops[i]) for i in chosen]), faces.labels[chosen]
    others = non_faces(clean)
    if objects is not None:
        others = {"objects": objects, **others}
    if instruments.curve is None:
        report |= {key: {"reason": NO_SCORE} for key in ("severity", "ood", "calibration")}
    else:
        progress.begin("scores under degradation", len(clean) * (1 + 5 * len(DEGRADATIONS)))
        report["severity"] = severity_figures(instruments.measure, instruments.curve, clean, labels)
        pictures = sum(len(crops) for crops in others.values())
        progress.begin("scores of pictures without faces", len(clean) + pictures)
        report["ood"] = ood_figures(instruments.measure, instruments.curve, clean, labels, others)
        report["calibration"] = _calibration(instruments, instruments.curve, data)
    scores = variances if instruments.curve is None else instruments.curve(variances)
    measured = Probes(features, faces.labels, scores, np.arange(len(features)))
    report["identification"] = identification_figures(instruments, data, measured, scenario)
    report["discard"] = discard_figures(instruments, faces, data.pairs[data.discard_on])
    report["uncertainty"] = _uncertainty(instruments, clean, labels, others)
    report["conformance"] = checks_table(checks_of(report, dict(training)))
    return report


def costs_ms(
    measures: Mapping[str, Callable[[NDArray[np.uint8]], object]], crop: NDArray[np.uint8]
) -> dict[str, float]:
    """Return the median milliseconds of each measurement of one face at a time.

    Parameters
    ----------
    crop : uint8 array of shape (112, 112, 3)
    """
    found = {}
    for name, measure in {**measures, "laplacian_sharpness": sharpness}.items():
        times = []
        for _ in range(TIMED_RUNS + 2):  # the first two warm up
            start = time.perf_counter()
            measure(crop[None])
            times.append(time.perf_counter() - start)
        found[name] = round(1000 * float(np.median(times[2:])), 3)
    return found


def _clean_faces(data: TestData) -> NDArray[np.int64]:
    good = np.flatnonzero(data.good)
    return good[:: max(1, len(good) // MAX_CLEAN_FACES)][:MAX_CLEAN_FACES]


def _calibration(instruments: Instruments, curve: Curve, data: TestData) -> dict[str, Any]:
    labels = data.faces.labels
    subjects, counts = np.unique(labels[data.good], return_counts=True)
    unseen = ~np.isin(subjects, data.fitted) & (counts >= 2)
    subjects, counts = subjects[unseen], counts[unseen]
    pictures = int(counts.sum())
    pairs = (pictures * (pictures - 1) - int(np.sum(counts * (counts - 1)))) // 2
    reason = too_few_impostors(pairs, FMR)
    if reason is not None:
        return {"reason": reason}
    count = 2 * int(np.isin(labels, subjects).sum())
    instruments.progress.begin("calibration of the score", count)
    probes = draw_probes(instruments.measure, data.faces, subjects, FMR, 11, data.good)
    if probes.matched.all() or not probes.matched.any():
        return {"reason": "all probes matched, or none: nothing to calibrate against"}
    return calibration_figures(probes, curve)


def _uncertainty(
    instruments: Instruments,
    clean: NDArray[np.uint8],
    labels: NDArray[np.int64],
    others: Mapping[str, NDArray[np.uint8]],
) -> dict[str, Any]:
    rng = np.random.default_rng(13)
    sets = {
        f"{kind}_{severity}": np.stack([degrade(image, kind, severity, rng) for image in clean])
        for kind, severity in DETECTED.items()
    }
    far = "objects" if "objects" in others else "texture"
    sets[far] = others[far]
    pictures = len(clean) + sum(len(crops) for crops in sets.values())
    instruments.progress.begin("uncertainties", instruments.steps * pictures)
    return uncertainty_figures(instruments, clean, labels, sets)
