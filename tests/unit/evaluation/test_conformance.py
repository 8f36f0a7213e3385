"""Checks on hand-made figures: each fails where its figure is on the wrong side of the limit."""

from typing import Any

import pytest

from ood_face.evaluation.conformance import FAR_SETS, GRADED, checks_of, checks_table

LARGER = (
    "same_probability",
    "sets",
    "all_degraded",
    "larger_than_with_scores_by",
    "similarity",
)
BASELINES = ("feature_norm", "laplacian_sharpness", "detector_probability")


def figures() -> dict[str, Any]:
    fall = {"mean_score": [0.6, 0.5, 0.4, 0.3, 0.2], "smallest_step_down": 0.1}
    fall["share_falling_first_to_last"] = 0.9
    return {
        "severity": {"clean_mean": 0.7, "kinds": {kind: dict(fall) for kind in GRADED}},
        "ood": {name: {"auroc": 0.98} for name in FAR_SETS},
        "discard": {
            "methods": {
                "ood_score": {"area_to_20_percent": 0.1},
                **{name: {"area_to_20_percent": 0.2} for name in BASELINES},
            }
        },
        "calibration": {"expected_calibration_error": 0.05},
        "same_probability": {
            "sets": {
                "all_degraded": {
                    "larger_than_with_scores_by": {
                        "similarity": {
                            "brier": {"interval": [0.001, 0.02]},
                            "ece": {"interval": [0.001, 0.04]},
                        }
                    }
                }
            }
        },
        "verification": {"cfp_ff": {"accuracy": 0.99}, "cfp_fp": {"accuracy": 0.92}},
        "model": {"weights_bytes": 20_000_000},
    }


TRAINING = {
    "ms_per_face_one_core": 8.0,
    "before_rts": {"cfp_ff": 0.99, "cfp_fp": 0.920},
    "released": {"cfp_ff": 0.99, "cfp_fp": 0.918},
}


def failed(report: dict[str, Any], training: dict[str, Any] | None = None) -> list[str]:
    return [check.name for check in checks_of(report, training) if not check.passed]


def test_a_model_on_the_limits_keeps_to_all() -> None:
    checks = checks_of(figures(), TRAINING)
    assert [check.name for check in checks if not check.passed] == []
    # sign, 2 of each degradation, far sets, baselines, calibration, P(same), accuracy, the model
    assert len(checks) == 1 + 2 * 8 + 6 + 3 + 1 + 2 + 2 + 1 + 1 + 2
    assert len({check.name for check in checks}) == len(checks)


@pytest.mark.parametrize(
    ("path", "value", "name"),
    [
        (("severity", "kinds", "blur", "smallest_step_down"), 0.0, "steps.blur"),
        (("severity", "kinds", "noise", "share_falling_first_to_last"), 0.899, "share.noise"),
        (("severity", "clean_mean"), 0.2, "sign"),
        (("ood", "patch", "auroc"), 0.9799, "far.patch"),
        (("ood", "objects", "auroc"), float("nan"), "far.objects"),
        (("discard", "methods", "feature_norm", "area_to_20_percent"), 0.1, "discard.feature_norm"),
        (("calibration", "expected_calibration_error"), 0.0501, "calibration"),
        ((*LARGER, "brier", "interval"), [0.0, 0.1], "same.brier"),
        ((*LARGER, "ece", "interval"), [-0.001, 0.1], "same.ece"),
        (("verification", "cfp_fp", "accuracy"), 0.9199, "accuracy.cfp_fp"),
        (("model", "weights_bytes"), 20_001_000, "size"),
    ],
)
def test_each_check_can_fail(path: tuple[str, ...], value: Any, name: str) -> None:
    report = figures()
    place = report
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    assert failed(report, TRAINING) == [name]


def test_the_checks_of_the_training_record_can_fail() -> None:
    training = {**TRAINING, "ms_per_face_one_core": 8.1, "released": {"cfp_ff": 0.98}}
    assert failed(figures(), training) == ["speed", "rts_stage.cfp_ff"]


def test_what_was_not_measured_is_not_judged() -> None:
    reason = {"reason": "the model gives no quality score"}
    report = {"severity": reason, "ood": reason, "calibration": reason, "verification": {}}
    assert checks_of({**report, "discard": {"methods": None}}) == []
    assert checks_of({"verification": {"cfp_ff": {"accuracy": None}}}) == []


def test_the_table_says_which_passed() -> None:
    report = figures()
    report["calibration"]["expected_calibration_error"] = 0.2
    rows = {row["name"]: row for row in checks_table(checks_of(report))}
    assert rows["calibration"]["passed"] is False
    assert (rows["calibration"]["value"], rows["calibration"]["limit"]) == (0.2, 0.05)
    assert rows["size"]["passed"] is True
