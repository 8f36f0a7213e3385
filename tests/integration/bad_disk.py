"""What a store does on a disk that is full or cannot be written, told as one line of JSON.

Run as a program in a process of its own, because limits and rights are those of a process:
``python -m tests.integration.bad_disk KIND FOLDER``; KIND is the name of a function below.
"""

from __future__ import annotations

import json
import os
import resource
import sys
from pathlib import Path

from ood_face.errors import OodFaceError, StorageError
from ood_face.matching.sqlite import SqliteGalleryStore
from ood_face.types import Profile
from tests.fakes.templates import feature, gallery_info, template

NOBODY_UID = 65534
MANY = 5000


def fill(folder: Path) -> dict[str, object]:
    """Enrol until the disk (a few MiB) is full, then make room and go on.

    A ballast file is there from the beginning.
    """
    ballast = folder / "ballast"
    ballast.write_bytes(bytes(2**20))
    store = SqliteGalleryStore(folder / "data", save_after_s=0.01)
    gallery = store.create(gallery_info())
    enrolled, error = _enrol_until_refused(gallery)
    failed = _state(gallery, enrolled)
    store.save()
    ballast.unlink()
    gallery.create_subject("later", Profile(), [template(MANY + 1)])
    gallery.delete_subject("p0")
    store.close()
    store = SqliteGalleryStore(folder / "data")
    again = _state(store.open("staff"), enrolled)
    store.check()
    store.close()
    return {"enrolled": enrolled, "error": error, "failed": failed, "again": again}


def limit(folder: Path) -> dict[str, object]:
    """Enrol until a file may not grow any more: what every system can do to a process."""
    store = SqliteGalleryStore(folder / "data", save_after_s=0.01)
    gallery = store.create(gallery_info())
    resource.setrlimit(resource.RLIMIT_FSIZE, (3 * 2**20, resource.RLIM_INFINITY))
    enrolled, error = _enrol_until_refused(gallery)
    failed = _state(gallery, enrolled)
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    gallery.create_subject("later", Profile(), [template(MANY + 1)])
    gallery.delete_subject("p0")
    store.close()
    store = SqliteGalleryStore(folder / "data")
    again = _state(store.open("staff"), enrolled)
    store.close()
    return {"enrolled": enrolled, "error": error, "failed": failed, "again": again}


def forbidden(folder: Path) -> dict[str, object]:
    """Open a folder that may be read and not written; root has no such limits, so it goes."""
    data = folder / "data"
    store = SqliteGalleryStore(data)
    store.create(gallery_info())
    store.close()
    for path in (data / "index", data, *data.glob("*.*")):
        if os.geteuid() == 0:
            os.chown(path, NOBODY_UID, NOBODY_UID)
        path.chmod(0o500 if path.is_dir() else 0o400)
    if os.geteuid() == 0:
        os.setgid(NOBODY_UID)
        os.setuid(NOBODY_UID)
    return {"error": _outcome(lambda: SqliteGalleryStore(data))}


def _enrol_until_refused(gallery) -> tuple[int, list[str]]:
    for number in range(MANY):
        try:
            gallery.create_subject(f"p{number}", Profile(), [template(number)])
        except StorageError as exc:
            return number, [type(exc).__name__, str(exc)]
    return MANY, []


def _state(gallery, enrolled: int) -> dict[str, object]:
    (hits,) = gallery.search(feature(enrolled)[None], MANY + 10)
    counts = gallery.counts()
    (own,) = gallery.search(feature(enrolled - 1)[None], 1)
    return {
        "subjects": counts.subjects,
        "templates": counts.templates,
        "found": len(hits),
        "best": own[0].subject_id,
        "refused is found": any(hit.similarity > 0.9 for hit in hits),
    }


def _outcome(act) -> list[str]:
    try:
        act()
    except OodFaceError as exc:
        return [type(exc).__name__, str(exc)]
    return []


KINDS = {"fill": fill, "forbidden": forbidden, "limit": limit}

if __name__ == "__main__":
    print(json.dumps(KINDS[sys.argv[1]](Path(sys.argv[2]))))
