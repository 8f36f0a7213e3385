"""What a model must keep to: named checks on the figures of its report.

The same checks judge the full report (``ood-face evaluate``, the model card) and the figures of a
few free pictures (``tests/conformance``). A figure that is not there makes no check.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["FAR_SETS", "GRADED", "Check", "checks_of", "checks_table"]

GRADED = (
    "blur",
    "motion_blur",
    "noise",
    "jpeg",
    "low_resolution",
    "exposure",
    "occlusion",
    "rotation",
)
# as the report names them -> in words
FAR_SETS = {
    "objects": "objects and animals",
    "noise": "random noise",
    "flat": "flat colours",
    "texture": "textures",
    "upside_down": "faces upside down",
    "patch": "heavily cropped faces",
}
BASELINES = (
    "feature_norm",
    "laplacian_sharpness",
    "detector_probability",
    "mc_dropout_variance",
    "entropy",
    "one_minus_max_probability",
)
ACCURACY = {"cfp_ff": ("CFP frontal-frontal", 0.990), "cfp_fp": ("CFP frontal-profile", 0.920)}
SHARE_FALLING = 0.90
FAR_AUROC = 0.98
CALIBRATION_ERROR = 0.05
RTS_LOSS = 0.003
WEIGHTS_MB = 20.0
MS_ONE_CORE = 8.0


@dataclass(frozen=True, slots=True)
class Check:
    """One requirement.

    Attributes
    ----------
    name : stable dotted name
    says : what is required, in words
    value : what was measured
    relation : ``>=``, ``<=``, ``>`` or ``<``
    limit : what it is compared with
    """

    name: str
    says: str
    value: float
    relation: str
    limit: float

    @property
    def passed(self) -> bool:
        """Whether the model keeps to it; a value that is not a number never does."""
        return {
            ">=": self.value >= self.limit,
            "<=": self.value <= self.limit,
            ">": self.value > self.limit,
            "<": self.value < self.limit,
        }[self.relation]


def checks_of(report: dict[str, Any], training: dict[str, Any] | None = None) -> list[Check]:
    """Judge the figures of a report.

    Parameters
    ----------
    report : what ``report.json`` holds, or a part of it
    training : what ``training.json`` holds; None: nothing
    """
    found = [*_score(report.get("severity") or {}), *_far(report.get("ood") or {})]
    found += _discard(report.get("discard") or {})
    found += _calibration(report.get("calibration") or {})
    found += _same_probability(report.get("same_probability") or {})
    found += _accuracy(report.get("verification") or {})
    return found + list(_model(report.get("model") or {}, training or {}))


def checks_table(checks: list[Check]) -> list[dict[str, Any]]:
    """Return checks as the report holds them."""
    return [asdict(check) | {"passed": check.passed} for check in checks]


def _score(severity: dict[str, Any]) -> Iterator[Check]:
    if not severity.get("kinds"):
        return
    kinds, clean = severity["kinds"], severity["clean_mean"]
    drop = min(clean - kinds[kind]["mean_score"][-1] for kind in GRADED)
    yield Check(
        "sign", "clean faces score above the same faces degraded at severity 5", drop, ">", 0.0
    )
    for kind in GRADED:
        words, figures = kind.replace("_", " "), kinds[kind]
        smallest = figures["smallest_step_down"]
        yield Check(
            f"steps.{kind}", f"{words}: the mean score falls at every step", smallest, ">", 0.0
        )
        share = figures["share_falling_first_to_last"]
        yield Check(
            f"share.{kind}",
            f"{words}: share of faces that fall from the first severity to the last",
            share,
            ">=",
            SHARE_FALLING,
        )


def _far(ood: dict[str, Any]) -> Iterator[Check]:
    for name, words in FAR_SETS.items():
        if name in ood:
            says = f"AUROC of faces against {words}"
            yield Check(f"far.{name}", says, ood[name]["auroc"], ">=", FAR_AUROC)


def _discard(discard: dict[str, Any]) -> Iterator[Check]:
    methods = discard.get("methods") or {}
    if "ood_score" not in methods:
        return
    area = methods["ood_score"]["area_to_20_percent"]
    for name in BASELINES:
        if name in methods:
            says = f"error versus discard: area by ood_score below that by {name.replace('_', ' ')}"
            yield Check(f"discard.{name}", says, area, "<", methods[name]["area_to_20_percent"])


def _calibration(calibration: dict[str, Any]) -> Iterator[Check]:
    if "expected_calibration_error" in calibration:
        error = calibration["expected_calibration_error"]
        says = "calibration error (ECE) of ood_score on subjects that fitted nothing"
        yield Check("calibration", says, error, "<=", CALIBRATION_ERROR)


def _same_probability(figures: dict[str, Any]) -> Iterator[Check]:
    degraded = figures.get("sets", {}).get("all_degraded", {})
    larger = degraded.get("larger_than_with_scores_by", {}).get("similarity", {})
    for key, words in {"brier": "Brier score", "ece": "ECE"}.items():
        if larger.get(key, {}).get("interval"):
            says = f"P(same) of degraded pairs: how much larger the {words} is without the scores"
            # all of the 95 % interval must lie above 0
            yield Check(f"same.{key}", says, larger[key]["interval"][0], ">", 0.0)


def _accuracy(verification: dict[str, Any]) -> Iterator[Check]:
    for key, (words, goal) in ACCURACY.items():
        if key in verification and verification[key]["accuracy"] is not None:
            value = verification[key]["accuracy"]
            yield Check(f"accuracy.{key}", f"10-fold accuracy on {words}", value, ">=", goal)


def _model(model: dict[str, Any], training: dict[str, Any]) -> Iterator[Check]:
    if "weights_bytes" in model:
        yield Check("size", "MB of weights", model["weights_bytes"] / 1e6, "<=", WEIGHTS_MB)
    if "ms_per_face_one_core" in training:
        value = float(training["ms_per_face_one_core"])
        yield Check("speed", "ms a face, one core, batch of 1", value, "<=", MS_ONE_CORE)
    for key, (words, _) in ACCURACY.items():
        before, after = (training.get(point, {}).get(key) for point in ("before_rts", "released"))
        if before is not None and after is not None:
            says = f"accuracy on {words} that the RTS stage and its refit cost"
            yield Check(f"rts_stage.{key}", says, before - after, "<=", RTS_LOSS)
