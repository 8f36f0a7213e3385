"""From settings to what is kept in the data folder."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

from ood_face.service import Flagger, GalleryRecords, GalleryService, ReviewService

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from ood_face.access import SqliteAuditLog
    from ood_face.config import Settings
    from ood_face.matching.copying import CopyReport
    from ood_face.matching.sqlite.backup import BackupReport
    from ood_face.ports import Gallery, GalleryStore, ReviewQueue
    from ood_face.service import FaceService

__all__ = [
    "copy_gallery",
    "create_backup",
    "open_audit",
    "open_galleries",
    "open_gallery_records",
    "open_gallery_store",
    "open_review",
    "restore_backup",
]


def open_galleries(
    settings: Settings, faces: FaceService, review: ReviewQueue | None = None
) -> GalleryService:
    """Open the galleries of the settings over a service that embeds their faces.

    Parameters
    ----------
    review : the queue, if it is open already; it is closed with the galleries

    Raises
    ------
    StorageLockedError
        Another process has the data folder.
    StorageError
        It cannot be used, or a file in it is damaged.
    """
    store, audit, queue = _open_store_audit_queue(settings, review)
    return GalleryService(faces, store, audit, Flagger(queue, settings.review_uncertain_above))


def open_gallery_records(settings: Settings) -> GalleryRecords:
    """Open the galleries of the settings to look at and to erase, without loading any model.

    Raises
    ------
    StorageLockedError
        Another process has the data folder.
    StorageError
        It cannot be used, or a file in it is damaged.
    """
    return GalleryRecords(*_open_store_audit_queue(settings))


def open_gallery_store(settings: Settings) -> GalleryStore:
    """Open what keeps the galleries, without loading any model.

    Raises
    ------
    StorageLockedError
        Another process has the data folder.
    StorageError
        It cannot be used, or a file in it is damaged.
    BackendError
        Milvus cannot be reached, or its client is not installed.
    """
    if settings.milvus_uri is not None:
        from ood_face.matching.milvus import MilvusGalleryStore  # noqa: PLC0415

        token = settings.milvus_token
        return MilvusGalleryStore(
            settings.milvus_uri, None if token is None else token.get_secret_value()
        )
    from ood_face.matching.sqlite import SqliteGalleryStore  # noqa: PLC0415

    return SqliteGalleryStore(settings.data_dir, settings.compress_above)


def open_audit(settings: Settings) -> SqliteAuditLog:
    """Open the audit log, which several processes may write."""
    from ood_face.access import SqliteAuditLog  # noqa: PLC0415

    return SqliteAuditLog(settings.data_dir, settings.audit_days)


def open_review(settings: Settings) -> ReviewService:
    """Open the review queue, which several processes may use.

    Raises
    ------
    StorageError
        Its file or that of the audit log cannot be used.
    """
    queue = _open_queue(settings)
    try:
        return ReviewService(queue, open_audit(settings))
    except BaseException:
        queue.close()
        raise


def copy_gallery(
    source: Gallery, target_store: GalleryStore, name: str, on_progress: Callable[[int], None]
) -> CopyReport:
    """Copy a gallery into a store of any kind; see :func:`ood_face.matching.copying.copy_gallery`.

    Raises
    ------
    GalleryError
        What is there already is no part of the source, or the copy differs from it.
    """
    from ood_face.matching import copying  # noqa: PLC0415

    return copying.copy_gallery(source, target_store, name, on_progress)


def _open_store_audit_queue(
    settings: Settings, review: ReviewQueue | None = None
) -> tuple[GalleryStore, SqliteAuditLog, ReviewQueue]:
    with ExitStack() as opened:
        store = open_gallery_store(settings)
        opened.callback(store.close)
        audit = open_audit(settings)
        opened.callback(audit.close)
        queue = _open_queue(settings) if review is None else review
        opened.pop_all()
    return store, audit, queue


def _open_queue(settings: Settings) -> ReviewQueue:
    from ood_face.monitoring import SqliteReviewQueue  # noqa: PLC0415

    return SqliteReviewQueue(
        settings.data_dir,
        most_items=settings.review_items,
        keep_days=settings.review_days,
        keep_crops=settings.review_crops,
    )


def create_backup(settings: Settings, file: Path) -> BackupReport:
    """Write the data folder into one file; see :mod:`ood_face.matching.sqlite.backup`."""
    from ood_face.matching.sqlite import backup  # noqa: PLC0415

    return backup.create_backup(settings.data_dir, file)


def restore_backup(settings: Settings, file: Path, *, replace: bool) -> BackupReport:
    """Put a backup into the data folder; see :mod:`ood_face.matching.sqlite.backup`."""
    from ood_face.matching.sqlite import backup  # noqa: PLC0415

    return backup.restore_backup(file, settings.data_dir, replace)
