"""Folders: who may read and write them, how much room they have, what they lie on."""

from __future__ import annotations

import os
import pwd
import stat
from pathlib import Path
from typing import TYPE_CHECKING

from ood_face.bootstrap.doctor.findings import ok, problem, warning
from ood_face.config import PROJECT_ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ood_face.bootstrap.doctor.findings import Finding
    from ood_face.config import Settings

__all__ = ["check_folders", "filesystem_of", "room_in"]

_MIB = 2**20
_LEAST_MIB = 200
_ENOUGH_MIB = 1024
_FEW_INODES = 1000
# file locks and shared memory, which SQLite's write-ahead log needs, do not hold there
_NETWORK = {"9p", "afs", "ceph", "cifs", "glusterfs", "lustre", "nfs", "nfs4", "smb3", "smbfs"}
_NETWORK |= {"fuse.glusterfs", "fuse.sshfs", "fuse.s3fs", "fuse.rclone", "fuse.ceph"}
_VOLATILE = {"tmpfs", "ramfs"}
_OURS_ALONE = 0o077


def check_folders(
    settings: Settings, root: Path = PROJECT_ROOT, mounts: Path = Path("/proc/self/mountinfo")
) -> Iterator[Finding]:
    """Look at the data folder, and at those of the supervised server where it is supervised.

    Parameters
    ----------
    root : the project's folder
    mounts : the kernel's list
    """
    folder = settings.data_dir
    yield _user(folder)
    yield from _data(folder)
    yield _room("disk", folder, _database_mib(folder))
    yield _filesystem(folder, mounts)
    if (root / "deploy" / "supervisord.conf").exists():
        yield from _logs(root / "var" / "log", root / "var" / "run")


def room_in(folder: Path) -> tuple[int, int]:
    """Return MiB and files for which a folder, or the one it would be made in, has room."""
    found = os.statvfs(_nearest(folder))
    return found.f_bavail * found.f_frsize // _MIB, found.f_favail if found.f_files else 2**31


def filesystem_of(folder: Path, mounts: Path) -> str:
    """Return the type of the file system that a folder lies on; empty: nobody says."""
    place = _nearest(folder).resolve()
    found, longest = "", -1
    try:
        lines = mounts.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ""
    for line in lines:
        before, _, after = line.partition(" - ")
        fields, kinds = before.split(), after.split()
        if len(fields) < 5 or not kinds:
            continue
        # the kernel writes blanks as octal
        mounted = Path(fields[4].replace("\\040", " "))
        # a later mount of the same place hides an earlier one
        if place.is_relative_to(mounted) and len(mounted.parts) >= longest:
            found, longest = kinds[0], len(mounted.parts)
    return found


def _nearest(folder: Path) -> Path:
    folder = folder.absolute()
    return next(one for one in (folder, *folder.parents) if one.exists())


def _name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def _user(folder: Path) -> Finding:
    user = os.geteuid()
    if user == 0 and folder.exists() and (owner := folder.stat().st_uid) != 0:
        return warning("user", "user_other", owner=_name(owner))
    if user == 0:
        return warning("user", "user_root")
    return ok("user", "user_sound", user=_name(user))


def _data(folder: Path) -> Iterator[Finding]:
    values = {"folder": str(folder)}
    if not folder.exists():
        above = _nearest(folder)
        if above.is_dir() and os.access(above, os.W_OK | os.X_OK):
            yield ok("data", "data_not_yet", **values)
        else:
            yield problem("data", "data_impossible", above=str(above), **values)
        return
    if not folder.is_dir():
        yield problem("data", "data_no_folder", **values)
        return
    inside = _files(folder) if _usable(folder) else []
    locked = [path.name for path in (folder, *inside) if not _usable(path)]
    if locked:
        yield problem("data", "data_not_writable", names=", ".join(locked[:5]), **values)
        return
    found = folder.stat()
    mode = stat.S_IMODE(found.st_mode)
    if mode & _OURS_ALONE:
        yield warning("data", "data_open", mode=f"{mode:04o}", **values)
        return
    yield ok("data", "data_sound", mode=f"{mode:04o}", owner=_name(found.st_uid), **values)


def _files(folder: Path) -> list[Path]:
    return [path for path in sorted(folder.iterdir()) if path.is_file() or path.is_dir()]


def _usable(path: Path) -> bool:
    wanted = os.R_OK | os.W_OK | (os.X_OK if path.is_dir() else 0)
    return os.access(path, wanted)


def _database_mib(folder: Path) -> int:
    try:
        return max((path.stat().st_size for path in folder.glob("*.sqlite")), default=0) // _MIB
    except OSError:
        return 0


def _room(check: str, folder: Path, largest_mib: int) -> Finding:
    free, files = room_in(folder)
    values = {"folder": str(folder), "free": free}
    if free < _LEAST_MIB or files < _FEW_INODES:
        return problem(check, f"{check}_full", files=files, least=_LEAST_MIB, **values)
    # deleting and restoring write the largest file anew
    needed = max(_ENOUGH_MIB, 2 * largest_mib)
    if free < needed:
        return warning(check, f"{check}_short", needed=needed, **values)
    return ok(check, f"{check}_sound", **values)


def _filesystem(folder: Path, mounts: Path) -> Finding:
    kind = filesystem_of(folder, mounts)
    if kind in _NETWORK:
        return problem("filesystem", "filesystem_network", kind=kind, folder=str(folder))
    if kind in _VOLATILE:
        return warning("filesystem", "filesystem_volatile", kind=kind, folder=str(folder))
    return ok("filesystem", "filesystem_sound", kind=kind or "?", folder=str(folder))


def _logs(log: Path, run: Path) -> Iterator[Finding]:
    missing = [str(folder) for folder in (log, run) if not folder.is_dir()]
    if missing:
        yield ok("logs", "logs_missing", names=", ".join(missing))
        return
    shut = [str(folder) for folder in (log, run) if not _usable(folder)]
    if shut:
        yield problem("logs", "logs_not_writable", names=", ".join(shut))
        return
    mode = stat.S_IMODE(run.stat().st_mode)
    if mode & _OURS_ALONE:
        yield warning("logs", "logs_open", folder=str(run), mode=f"{mode:04o}")
        return
    yield _room("logs", log, 0)
