"""``GalleryRecords``: what is enrolled, to look at and to erase; no model is needed for that."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ood_face.errors import InputError
from ood_face.service.auditing import noted
from ood_face.types import LOCAL, AuditAction

if TYPE_CHECKING:
    from ood_face.ports import AuditLog, Gallery, GalleryStore
    from ood_face.types import Caller, GalleryCounts, GalleryInfo, Profile, Subject

__all__ = ["MAX_PAGE", "GalleryRecords"]

MAX_PAGE = 1000


class GalleryRecords:
    """Reads, changes and erases what is enrolled; safe to call from several threads.

    Every change is noted in the audit log, also one that was refused. Where a gallery, subject or
    template is not there, each call raises GalleryNotFoundError, SubjectNotFoundError or
    TemplateNotFoundError. ``if_version`` is the version the caller has seen: where another one is
    there by now, VersionConflictError is raised and nothing changes.

    Parameters
    ----------
    store : keeps what is enrolled
    audit : notes who did what
    """

    def __init__(self, store: GalleryStore, audit: AuditLog) -> None:
        self._store = store
        self._audit = audit

    def open(self, name: str) -> Gallery:
        """Return a gallery."""
        return self._store.open(name)

    def galleries(self) -> list[tuple[GalleryInfo, GalleryCounts]]:
        """Return all galleries by name, and how much is in each."""
        return [(info, self._store.open(info.name).counts()) for info in self._store.galleries()]

    def delete_gallery(
        self, name: str, if_version: int | None = None, caller: Caller = LOCAL
    ) -> None:
        """Erase a gallery with all its subjects."""
        with noted(self._audit, caller, AuditAction.DELETE_GALLERY, name):
            self._store.delete(name, if_version)

    def subjects(self, gallery: str, after: str | None = None, limit: int = 100) -> list[Subject]:
        """Return the next subjects by id.

        Parameters
        ----------
        gallery : its name
        after : the last id of the page before; None: from the beginning
        limit : at most so many, 1..1000

        Raises
        ------
        InputError
            The limit is not in its range.
        """
        if not 1 <= limit <= MAX_PAGE:
            raise InputError(
                "gallery.page",
                "a page has 1 to {limit} entries, not {got}",
                limit=MAX_PAGE,
                got=limit,
            )
        return self._store.open(gallery).subjects(after, limit)

    def subject(self, gallery: str, subject_id: str) -> Subject:
        """Return one subject."""
        return self._store.open(gallery).subject(subject_id)

    def update_subject(
        self,
        gallery: str,
        subject_id: str,
        profile: Profile,
        if_version: int | None = None,
        caller: Caller = LOCAL,
    ) -> Subject:
        """Replace name and metadata of a subject."""
        opened = self._store.open(gallery)
        with noted(self._audit, caller, AuditAction.UPDATE, gallery, subject_id):
            return opened.update_subject(subject_id, profile, if_version)

    def remove_template(
        self,
        gallery: str,
        subject_id: str,
        template_id: int,
        if_version: int | None = None,
        caller: Caller = LOCAL,
    ) -> Subject:
        """Erase one template; the subject stays, also without any."""
        opened = self._store.open(gallery)
        with noted(self._audit, caller, AuditAction.DELETE, gallery, subject_id) as note:
            note.values["templates"] = 1
            return opened.change_templates(subject_id, [], [template_id], if_version)

    def remove_subject(
        self,
        gallery: str,
        subject_id: str,
        if_version: int | None = None,
        caller: Caller = LOCAL,
    ) -> None:
        """Erase a subject and every trace of it."""
        opened = self._store.open(gallery)
        with noted(self._audit, caller, AuditAction.DELETE, gallery, subject_id):
            opened.delete_subject(subject_id, if_version)

    def close(self) -> None:
        """Finish what runs in the background and let go of the store."""
        self._store.close()
