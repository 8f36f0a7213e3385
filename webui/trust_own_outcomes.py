"""What a visitor does with own pictures, and what came of it: free of language and of layout."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from ood_face.errors import ArtifactError, ConfigError, InputError, OodFaceError, StorageError
from webui.event_inputs import unreadable

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from ood_face.bootstrap import ModelFolders
    from ood_face.calibration.own_report_values import OwnReport
    from ood_face.service import PolicyService
    from ood_face.types import Caller
    from webui.job_progress import Step
    from webui.trust_own_work import OwnPlan, OwnResult

__all__ = ["OwnOutcome", "SaveForm", "read_form", "save_as_scenario"]


@dataclass(frozen=True, slots=True)
class SaveForm:
    """What the visitor wants to save.

    Attributes
    ----------
    name : of the new scenario, and of the calibration
    fmr : the false match rate whose threshold is taken; None: the thresholds stay
    calibrate : the calibration that was fitted is kept and decides
    """

    name: str = ""
    fmr: float | None = None
    calibrate: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class OwnOutcome:
    """Where a visitor is.

    Attributes
    ----------
    bundle_id : of the pictures that wait to be measured; empty: there are none
    plan : whom they show
    scenario : whose quality gate is applied
    job_id : of the work under way; empty: there is none
    step : how far it has come
    ahead : so many other visitors' tasks come before it
    cancelled : it ends without a result, because the visitor wanted that
    result : the report
    form : what was filled in to save it
    saved : name of the scenario it was saved as; empty: it was not
    error : why what was asked for was not done
    """

    bundle_id: str = ""
    plan: OwnPlan | None = None
    scenario: str = "default"
    job_id: str = ""
    step: Step | None = None
    ahead: int = 0
    cancelled: bool = False
    result: OwnResult | None = None
    form: SaveForm = SaveForm()
    saved: str = ""
    error: OodFaceError | None = None


def read_form(sent: Mapping[str, Any]) -> SaveForm:
    """Return the form that the browser sent.

    Raises
    ------
    InputError
        It has another form.
    """
    name, fmr = sent.get("name"), sent.get("fmr")
    if not isinstance(name, str) or not isinstance(fmr, str):
        raise unreadable()
    try:
        rate = float(fmr) if fmr else None
    except ValueError as exc:
        raise unreadable() from exc
    return SaveForm(name.strip(), rate, sent.get("calibrate") is True)


def save_as_scenario(
    report: OwnReport,
    form: SaveForm,
    policies: PolicyService,
    folders: ModelFolders,
    caller: Caller,
) -> str:
    """Save a report's threshold, and if wanted its calibration, and put them in force.

    Parameters
    ----------
    folders : the model's; the calibration comes into the server's own

    Returns
    -------
    The scenario's name.

    Raises
    ------
    InputError
        The report cannot carry what is wanted, or the calibration's name is none or is taken.
    ConfigError, ArtifactError
        The scenario's name is none or is taken, or something in the files is wrong.
    StorageError
        The file cannot be written. In all cases everything is as it was.
    """
    from ood_face.calibration.own_report_saving import (  # noqa: PLC0415
        own_scenario,
        save_own_calibration,
    )

    calibration = form.name if form.calibrate else None
    scenario = own_scenario(report, form.name, form.fmr, calibration)
    written: list[Path] = []
    if calibration is not None:
        made = datetime.now(UTC).isoformat(timespec="seconds")
        written = save_own_calibration(
            report, folders.own, calibration, made, beside=folders.weights
        )
    try:
        policies.save_scenario(scenario, caller)
    except (ArtifactError, ConfigError, InputError, StorageError):
        for path in written:
            path.unlink(missing_ok=True)
        raise
    policies.reload(caller)
    return scenario.name
