"""``GalleryRecords``: what is enrolled, to look at and to erase; no model is needed for that."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ood_face.errors import (
    GalleryNotFoundError,
    InputError,
    SubjectNotFoundError,
    TemplateNotFoundError,
    TokenReusedError,
)
from ood_face.ports import SelfChecking
from ood_face.service.auditing import noted
from ood_face.types import FEATURE_DIM, LOCAL, AuditAction

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ood_face.ports import AuditLog, Gallery, GalleryStore, ReviewQueue
    from ood_face.types import (
        Caller,
        GalleryCounts,
        GalleryInfo,
        Profile,
        RequestToken,
        Subject,
        TemplateRecord,
    )

__all__ = ["MAX_PAGE", "GalleryRecords", "check_page", "key_reused"]

MAX_PAGE = 1000


def check_page(limit: int) -> None:
    """Raise InputError unless a page may have this many entries."""
    if not 1 <= limit <= MAX_PAGE:
        raise InputError(
            "gallery.page",
            "a page has 1 to {limit} entries, not {got}",
            limit=MAX_PAGE,
            got=limit,
        )


def key_reused() -> TokenReusedError:
    """Return the error of an idempotency key that came before with another request."""
    return TokenReusedError(
        "request.key_reused",
        "this idempotency key was used before for another request; take a new one",
    )


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
    review : has verdicts about subjects, which go when they go; None: there are none
    """

    def __init__(
        self, store: GalleryStore, audit: AuditLog, review: ReviewQueue | None = None
    ) -> None:
        self._store = store
        self._audit = audit
        self._review = review
        if review is not None:
            review.watch(self._enrolled)

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
            try:
                self._store.delete(name, if_version)
            except GalleryNotFoundError:
                self._forget(name)
                raise
            self._forget(name)

    def page_of_galleries(
        self, after: str | None = None, limit: int = 100
    ) -> list[tuple[GalleryInfo, GalleryCounts]]:
        """Return the next galleries by name; see :meth:`subjects`."""
        check_page(limit)
        infos = [info for info in self._store.galleries() if after is None or info.name > after]
        return [(info, self._store.open(info.name).counts()) for info in infos[:limit]]

    def gallery_made_by(self, token: RequestToken) -> GalleryInfo | None:
        """Return the gallery that a request made; None: there is none (any more).

        Raises
        ------
        TokenReusedError
            Another request with the same key made one.
        """
        for info in self._store.galleries():
            if info.token is not None and info.token.key_hash == token.key_hash:
                if info.token != token:
                    raise key_reused()
                return info
        return None

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
        check_page(limit)
        return self._store.open(gallery).subjects(after, limit)

    def subject(self, gallery: str, subject_id: str) -> Subject:
        """Return one subject."""
        return self._store.open(gallery).subject(subject_id)

    def template(self, gallery: str, subject_id: str, template_id: int) -> TemplateRecord:
        """Return one template of a subject."""
        for record in self.subject(gallery, subject_id).templates:
            if record.template_id == template_id:
                return record
        raise TemplateNotFoundError(
            "subject.no_template",
            "subject {subject} of gallery {gallery} has no template {number}",
            gallery=gallery,
            subject=subject_id,
            number=template_id,
        )

    def crop(
        self, gallery: str, subject_id: str, template_id: int, caller: Caller = LOCAL
    ) -> NDArray[np.uint8]:
        """Return the aligned face of a template: uint8 (112, 112, 3), RGB; noted as searches are.

        Raises
        ------
        TemplateNotFoundError
            There is no such template, or its face was not kept.
        """
        with noted(self._audit, caller, AuditAction.READ_CROP, gallery, subject_id):
            self.template(gallery, subject_id, template_id)
            kept = self._store.open(gallery).crop(template_id)
            if kept is None:
                raise TemplateNotFoundError(
                    "subject.no_crop",
                    "the aligned face of template {number} was not kept: gallery {gallery} had "
                    "keep_crops off",
                    gallery=gallery,
                    number=template_id,
                )
            return kept

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
        """Erase a subject and every trace of it, also in the review queue.

        Where the queue's file fails, the error says so and the subject is gone already: repeated,
        the call erases what is left and raises SubjectNotFoundError.
        """
        opened = self._store.open(gallery)
        with noted(self._audit, caller, AuditAction.DELETE, gallery, subject_id):
            try:
                opened.delete_subject(subject_id, if_version)
            except SubjectNotFoundError:
                self._forget(gallery, subject_id)
                raise
            self._forget(gallery, subject_id)

    def check(self) -> None:
        """Read the files of the store, where it has any of its own.

        Raises
        ------
        StorageCorruptError
            One is damaged.
        """
        if isinstance(self._store, SelfChecking):
            self._store.check()

    def warm_up(self) -> None:
        """Load every gallery's index, or make it, so that the first search need not wait for it."""
        nobody = np.zeros((0, FEATURE_DIM), np.float32)
        for info in self._store.galleries():
            self._store.open(info.name).search(nobody, 1)

    def close(self) -> None:
        """Finish what runs in the background and let go of the store and of the log."""
        if self._review is not None:
            self._review.close()  # first: what is on its way in asks the store
        self._store.close()
        self._audit.close()

    def _enrolled(self, gallery: str, subject_id: str) -> bool:
        try:
            self._store.open(gallery).subject(subject_id)
        except (GalleryNotFoundError, SubjectNotFoundError):
            return False
        return True

    def _forget(self, gallery: str, subject_id: str | None = None) -> None:
        if self._review is not None:
            self._review.forget(gallery, subject_id)
