"""The clock: not before what has happened already."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import ood_face
from ood_face.access import newest_event
from ood_face.bootstrap.doctor.findings import failed, ok, problem, warning
from ood_face.errors import StorageError

if TYPE_CHECKING:
    from ood_face.bootstrap.doctor.findings import Finding
    from ood_face.config import Settings

__all__ = ["check_clock"]

# another process, or another machine that wrote the file, may be a little ahead
_TOLERATED_S = 120
_LAST_YEAR = 2100


def check_clock(settings: Settings, now: datetime | None = None) -> Finding:
    """Compare the clock with what was written last.

    Parameters
    ----------
    now : with a time zone; None: the clock's
    """
    now = datetime.now(UTC) if now is None else now
    zone = now.astimezone().tzname() or "?"
    values = {"at": now.astimezone().isoformat(timespec="seconds"), "zone": zone}
    try:
        event = newest_event(settings.data_dir)
    except StorageError as exc:
        return failed("clock", "clock_no_audit", exc)
    newest, what = max(_written(settings.data_dir), (event or _epoch(), "audit.sqlite"))
    behind_s = (newest - now).total_seconds()
    if behind_s > _TOLERATED_S:
        return problem(
            "clock", "clock_behind", file=what, last=newest.isoformat(timespec="seconds"), **values
        )
    if now.year > _LAST_YEAR:
        return warning("clock", "clock_ahead", **values)
    return ok("clock", "clock_sound", **values)


def _epoch() -> datetime:
    return datetime.fromtimestamp(0, UTC)


def _written(data_dir: Path) -> tuple[datetime, str]:
    # the program itself, and what a server writes; not what somebody may have copied there
    files = [Path(ood_face.__file__), data_dir / "policies.json", data_dir / "drift.json"]
    times = [(datetime.fromtimestamp(f.stat().st_mtime, UTC), str(f)) for f in files if f.exists()]
    return max(times, default=(_epoch(), ""))
