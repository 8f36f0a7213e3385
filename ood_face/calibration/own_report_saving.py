"""From a report to use: its calibration as a file of the model, its threshold as a scenario."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from ood_face.calibration.files import (
    Calibration,
    calibration_path,
    read_calibration,
    write_calibration_file,
)
from ood_face.calibration.plots import draw_reliability
from ood_face.errors import CalibrationMissingError, ChecksumError, InputError
from ood_face.types import Policy

if TYPE_CHECKING:
    from pathlib import Path

    from ood_face.calibration.operating_points import OperatingPoint
    from ood_face.calibration.own_report_values import OperatingRow, OwnReport
    from ood_face.types import Scenario

__all__ = ["check_replaceable", "own_scenario", "save_own_calibration", "write_with_plot"]


def save_own_calibration(
    report: OwnReport,
    model_dir: Path,
    name: str,
    made: str,
    *,
    instead: bool = False,
    beside: Path | None = None,
) -> list[Path]:
    """Write the calibration that a report fitted into a model's folder; return the files.

    Parameters
    ----------
    name : under which scenarios select it
    made : when, ISO 8601, UTC
    instead : replace a calibration of this name
    beside : another folder of the model; a name that is taken there is taken

    Raises
    ------
    InputError
        The report has no calibration (its reason), the name is none or is taken, or the file
        can't be written; what was there is as it was.
    """
    section = report.reliability
    if isinstance(section, InputError):
        raise section
    path = calibration_path(model_dir, name)
    taken = path.exists() or (beside is not None and calibration_path(beside, name).exists())
    if taken and not instead:
        raise InputError(
            "trust.calibration_present",
            "the model has a calibration {name} already; choose another name, or replace it",
            name=name,
        )
    check_replaceable(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as exc:
        raise InputError.unwritable(path, exc) from exc
    about = {**section.calibration.report, "data": _about(report, section.calibration)}
    made_up = replace(section.calibration, name=name, made=made, report=about)
    return write_with_plot(made_up, path)


def own_scenario(
    report: OwnReport, name: str, fmr: float | None = None, calibration: str | None = None
) -> Scenario:
    """Return the report's scenario under a new name, with what was found.

    Parameters
    ----------
    fmr : take the threshold for this false match rate, behind the gate where that was judged;
        None: keep the thresholds
    calibration : name of the saved calibration, whose probabilities then decide; None: the
        similarity decides

    Raises
    ------
    InputError
        The rate is not in the report or has no threshold (its reason); or the calibration, which
        claims no more than its data carries, can never reach what the scenario asks for.
    """
    found = replace(report.scenario, name=name, policy=Policy.SIMILARITY)
    if fmr is not None:
        threshold = _threshold(report, fmr)
        found = replace(
            found, same_above=threshold, different_below=min(found.different_below, threshold)
        )
    if calibration is None:
        return found
    section = report.reliability
    if isinstance(section, InputError):
        raise section
    claims = section.calibration.claims
    low, high = found.different_probability_below, found.same_probability_above
    if not (claims.highest > high and claims.lowest < low):
        raise InputError(
            "trust.unreachable",
            "probabilities of this calibration stay within {lowest:.4f}..{highest:.4f} (rule of 3),"
            " so that it can never decide by {low} and {high}; more pairs are needed, or other"
            " limits",
            lowest=claims.lowest,
            highest=claims.highest,
            low=low,
            high=high,
        )
    return replace(found, calibration=calibration, policy=Policy.PROBABILITY)


def write_with_plot(calibration: Calibration, path: Path) -> list[Path]:
    """Write a calibration and, beside it, its reliability diagrams; return both files.

    Raises
    ------
    InputError
        One of them can't be written.
    """
    write_calibration_file(path, calibration)
    plot = path.with_suffix(".png")
    draw_reliability(calibration.report, plot)
    return [path, plot]


def check_replaceable(path: Path) -> None:
    """Raise InputError where something lies that is no calibration file."""
    if not path.exists():
        return
    try:
        read_calibration(path)
    except ChecksumError:  # a calibration that somebody edited: to be made anew
        return
    except CalibrationMissingError as exc:
        raise InputError(
            "calibrate.foreign",
            "{file} is there already and is no calibration file: it is not replaced",
            file=str(path),
        ) from exc


def _about(report: OwnReport, calibration: Calibration) -> dict[str, object]:
    return {"source": report.source, **calibration.report["data"]}


def _threshold(report: OwnReport, fmr: float) -> float:
    section = report.operating
    if isinstance(section, InputError):
        raise section
    row = next((one for one in section.rows if one.fmr == fmr), None)
    if row is None:
        raise InputError(
            "trust.other_rate",
            "the report has no operating point for a false match rate of {fmr:g}; it has {known}",
            fmr=fmr,
            known=", ".join(f"{one.fmr:g}" for one in section.rows),
        )
    return _point(row).threshold.value


def _point(row: OperatingRow) -> OperatingPoint:
    if isinstance(row.without_gate, InputError):
        raise row.without_gate
    return row.without_gate if isinstance(row.with_gate, InputError) else row.with_gate
