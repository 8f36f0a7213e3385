"""From settings to the drift watch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ood_face.bootstrap.reading import calibrated_folder
from ood_face.errors import CalibrationMissingError

if TYPE_CHECKING:
    from ood_face.config import Settings
    from ood_face.monitoring.drift import DriftStatus
    from ood_face.monitoring.drift_job import DriftJob
    from ood_face.monitoring.drift_windows import Reference

__all__ = ["open_drift", "read_drift"]


def open_drift(settings: Settings, model_id: str) -> DriftJob:
    """Start the drift watch of a model; attach it to the service's feed, and close it.

    Raises
    ------
    ConfigError
        The webhook's address is wrong, or its host is not allowed.
    ArtifactError
        The calibration asked for is not there, or has no scores.
    """
    from ood_face.monitoring.drift import DriftMonitor  # noqa: PLC0415
    from ood_face.monitoring.drift_files import FILE  # noqa: PLC0415
    from ood_face.monitoring.drift_job import DriftJob  # noqa: PLC0415
    from ood_face.monitoring.drift_webhook import Webhook  # noqa: PLC0415

    webhook = None
    if settings.drift_webhook_url is not None:
        hosts = [host.strip() for host in settings.drift_webhook_hosts.split(",") if host.strip()]
        webhook = Webhook(settings.drift_webhook_url, hosts)
    monitor = DriftMonitor(
        model_id,
        settings.drift_reference_pictures,
        settings.drift_ece_alert,
        _references(settings, model_id),
    )
    return DriftJob(monitor, settings.data_dir / FILE, webhook)


def read_drift(settings: Settings) -> DriftStatus | None:
    """Return the drift watch as it was saved last; None: nothing was watched yet.

    The server may be running: it saves every minute, and at each change of state.

    Raises
    ------
    ChecksumError
        The file was changed after it was written.
    StorageCorruptError
        It cannot be read.
    """
    from ood_face.monitoring.drift_files import FILE, read_saved  # noqa: PLC0415

    return read_saved(
        settings.data_dir / FILE, settings.drift_reference_pictures, settings.drift_ece_alert
    )


def _references(settings: Settings, model_id: str) -> dict[str, Reference]:
    if settings.drift_calibration is None:
        return {}
    from ood_face.calibration.files import load_calibration  # noqa: PLC0415
    from ood_face.monitoring.drift_windows import Reference  # noqa: PLC0415

    folder = calibrated_folder(settings, model_id, settings.drift_calibration)
    found = load_calibration(folder, settings.drift_calibration, model_id)
    report = found.report
    quantiles = report.get("reference", {}).get("ood_score", [])
    pictures = report.get("data", {}).get("pictures_with_a_face", 0)
    if not quantiles or not pictures:
        raise CalibrationMissingError(
            "drift.no_scores",
            "calibration {name} has no scores to compare with: it was made from pairs or from a "
            "model without scores; unset OOD_FACE_DRIFT_CALIBRATION",
            name=found.name,
        )
    return {"ood_score": Reference.of_quantiles(quantiles, pictures, found.name, found.made)}
