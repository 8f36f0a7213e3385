"""What the data folder holds: galleries, audit log, review queue, drift watch."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

from ood_face.bootstrap.doctor.findings import State, failed, ok, warning
from ood_face.bootstrap.drift import read_drift
from ood_face.errors import OodFaceError, StorageError
from ood_face.matching.sqlite.layout import DATABASES, LOCK
from ood_face.storage import is_whole

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ood_face.bootstrap.doctor.findings import Finding
    from ood_face.config import Settings
    from ood_face.matching.sqlite.looking import GalleryLook

__all__ = ["check_databases", "check_drift", "check_galleries", "owner_process"]

# all files together: seconds per gigabyte
_READING_S = 2.0
# their versions are checked where their tables are read
_ANY_VERSION = 2**31


def owner_process(folder: Path, locks: Path = Path("/proc/locks")) -> int | None:
    """Return the id of the process that serves a data folder; None: none, or nobody says."""
    try:
        found = (folder / LOCK).stat()
        lines = locks.read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return None
    device = f"{os.major(found.st_dev):02x}:{os.minor(found.st_dev):02x}:{found.st_ino}"
    for line in lines:
        # "1: FLOCK  ADVISORY  WRITE 1234 fd:01:131 0 EOF"; waiting ones have "->" before the kind
        fields = line.split()
        if len(fields) >= 6 and fields[1] == "FLOCK" and fields[5] == device:
            return int(fields[4]) if fields[4].isdecimal() else None
    return None


def check_galleries(settings: Settings, model_id: str | None) -> tuple[int, list[Finding]]:
    """Look at the galleries; return how many templates there are, too.

    Parameters
    ----------
    model_id : of the model in use; None: it is not known
    """
    if settings.milvus_uri is not None:
        return 0, [ok("galleries", "galleries_milvus", uri=settings.milvus_uri.split("@")[-1])]
    from ood_face.matching.sqlite.looking import look_at_galleries  # noqa: PLC0415

    try:
        found = look_at_galleries(settings.data_dir)
    except StorageError as exc:
        return 0, [failed("galleries", "galleries_unreadable", exc)]
    templates = sum(one.templates for one in found)
    findings = list(_each(found, model_id))
    if not findings:
        findings = [ok("galleries", "galleries_sound", count=len(found), templates=templates)]
    return templates, findings


def _each(found: list[GalleryLook], model_id: str | None) -> Iterator[Finding]:
    for one in found:
        if model_id is not None and one.model_id != model_id:
            yield warning(
                "galleries",
                "galleries_other_model",
                gallery=one.name,
                of=one.model_id,
                model=model_id,
            )
        if one.index == "damaged":
            yield warning("galleries", "galleries_index_damaged", gallery=one.name)


def check_databases(settings: Settings) -> Iterator[Finding]:
    """Read the databases whole, as far as there is time."""
    there = [path for name in DATABASES if (path := settings.data_dir / name).exists()]
    late = []
    sound = 0
    end = time.monotonic() + _READING_S
    for path in there:
        try:
            if is_whole(path, _ANY_VERSION, max(0.0, end - time.monotonic())):
                sound += 1
            else:
                late.append(path.name)
        except StorageError as exc:
            yield failed("databases", "databases_damaged", exc, file=str(path))
    if late:
        yield ok("databases", "databases_not_whole", names=", ".join(late), sound=sound)
    elif sound == len(there):
        yield ok("databases", "databases_sound", count=sound)


def check_drift(settings: Settings) -> Finding:
    """Say what has drifted."""
    try:
        found = read_drift(settings)
    except OodFaceError as exc:
        return failed("drift", "drift_unreadable", exc, State.WARNING)
    if found is None:
        return ok("drift", "drift_nothing")
    if found.drifted:
        return warning("drift", "drift_found", names=", ".join(found.drifted), at=found.at)
    return ok("drift", "drift_sound", at=found.at)
