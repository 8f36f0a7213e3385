"""One gallery in Milvus: what is written to it."""

from __future__ import annotations

import logging
from contextlib import nullcontext, suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from ood_face.errors import BackendError, GalleryNotFoundError
from ood_face.matching.milvus.clock import from_us
from ood_face.matching.milvus.documents import NOTHING, SubjectRow, crop_to_text, to_key
from ood_face.matching.milvus.journal import Intent, Note
from ood_face.matching.refusals import (
    check_templates,
    check_version,
    duplicate_subject,
    no_subject,
    no_template,
)
from ood_face.types import Subject, TemplateRecord, check_subject_id

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from contextlib import AbstractContextManager

    from ood_face.matching.milvus.clock import Clock
    from ood_face.matching.milvus.documents import GalleryRow
    from ood_face.matching.milvus.journal import Journal
    from ood_face.matching.milvus.layout import Layout
    from ood_face.types import NewTemplate, Profile, RequestToken

__all__ = ["Changes"]

_log = logging.getLogger(__name__)


class Changes:
    """Writes subjects; safe to call from several threads.

    What counts is the subject's row: templates that it does not list are not there. So templates
    are written before it, and removed after it.

    Parameters
    ----------
    layout : where the rows are
    journal : notes what is under way
    clock : gives versions and ids
    turn : held while one subject of the gallery is read and written
    on_erased : told when rows were removed
    """

    def __init__(
        self,
        layout: Layout,
        journal: Journal,
        clock: Clock,
        turn: AbstractContextManager[object],
        on_erased: Callable[[Layout], None],
    ) -> None:
        self._in = layout
        self._journal = journal
        self._clock = clock
        self._turn = turn
        self._on_erased = on_erased

    def create(
        self,
        subject_id: str,
        profile: Profile,
        templates: Sequence[NewTemplate],
        token: RequestToken | None,
    ) -> Subject:
        """Enrol a new subject; see :class:`ood_face.ports.Gallery`."""
        check_subject_id(subject_id)
        with self._turn:
            gallery = self._in.row()
            check_templates(gallery.info, templates, 0)
            if self._in.subjects.get([to_key(subject_id)], ["key"]):
                raise duplicate_subject(self._in.name, subject_id)
            now_us = self._clock.now_us()
            subject = Subject(subject_id, profile, (), from_us(now_us), now_us, token)
            return self._write(gallery, SubjectRow(subject, {}), templates, [])

    def update(self, subject_id: str, profile: Profile, if_version: int | None) -> Subject:
        """Replace name and metadata; see :class:`ood_face.ports.Gallery`."""
        with self._turn:
            gallery = self._in.row()
            before = self._read(subject_id, if_version)
            after = replace(before, subject=replace(before.subject, profile=profile))
            return self._write(gallery, after, [], [])

    def change_templates(
        self,
        subject_id: str,
        add: Sequence[NewTemplate],
        remove: Sequence[int],
        if_version: int | None,
    ) -> Subject:
        """Add and remove templates; see :class:`ood_face.ports.Gallery`."""
        with self._turn:
            gallery = self._in.row()
            before = self._read(subject_id, if_version)
            present = {one.template_id for one in before.subject.templates}
            for template_id in remove:
                if template_id not in present:
                    raise no_template(self._in.name, template_id)
            check_templates(gallery.info, add, len(present.difference(remove)))
            return self._write(gallery, before, add, sorted(set(remove)))

    def delete(self, subject_id: str, if_version: int | None) -> None:
        """Erase a subject; see :class:`ood_face.ports.Gallery`."""
        with self._turn:
            self._in.row()
            before = self._read(subject_id, if_version)
            ids = [one.template_id for one in before.subject.templates]
            key = to_key(subject_id)
            with self._noted(key, ids) as intent:
                self._in.subjects.remove([key])
                intent.done = self._removed(before, ids)
            self._on_erased(self._in)

    def _read(self, subject_id: str, if_version: int | None) -> SubjectRow:
        for row in self._in.subjects.get([to_key(subject_id)], ["document"]):
            found = SubjectRow.from_row(row)
            check_version(subject_id, found.subject.version, if_version)
            return found
        raise no_subject(self._in.name, subject_id)

    def _write(
        self, gallery: GalleryRow, before: SubjectRow, add: Sequence[NewTemplate], remove: list[int]
    ) -> Subject:
        """Write a subject with templates more and less than it lists; return what was written."""
        ids = [self._clock.template_id() for _ in add]
        now_us = self._clock.now_us(above=before.subject.version)
        kept = [one for one in before.subject.templates if one.template_id not in remove]
        crops = {one.template_id: before.crops.get(one.template_id) for one in kept}
        if gallery.crops is not None:
            new = {id_: one for id_, one in zip(ids, add, strict=True) if one.crop is not None}
            crops |= dict.fromkeys(new, gallery.crops)
        records = [
            TemplateRecord(
                template_id=id_,
                ood_score=one.ood_score,
                model_id=one.model_id,
                source_hash=one.source_hash,
                created_at=from_us(now_us),
                has_crop=id_ in crops,
                token=one.token,
            )
            for id_, one in zip(ids, add, strict=True)
        ]
        subject = replace(before.subject, templates=(*kept, *records), version=now_us)
        after = SubjectRow(subject, {id_: one for id_, one in crops.items() if one is not None})
        row = after.to_row()
        key = to_key(subject.subject_id)
        with self._noted(key, [*ids, *remove]) as intent:
            self._write_templates(gallery, key, dict(zip(ids, add, strict=True)))
            self._in.subjects.put([row])
            intent.done = self._removed(before, remove)
        if remove:
            self._on_erased(self._in)
        return after.seen_with(gallery.crops)

    def _write_templates(
        self, gallery: GalleryRow, key: str, templates: dict[int, NewTemplate]
    ) -> None:
        crops = [
            {"id": id_, "crop": crop_to_text(one.crop), "nothing": NOTHING}
            for id_, one in templates.items()
            if one.crop is not None
        ]
        if gallery.crops is not None:
            # the collection is gone where crops were switched off meanwhile: then none are kept
            with suppress(GalleryNotFoundError):
                self._in.crops(gallery.crops).put(crops)
        self._in.templates.put(
            [{"id": id_, "subject": key, "feature": one.feature} for id_, one in templates.items()]
        )

    def _removed(self, before: SubjectRow, ids: list[int]) -> bool:
        """Remove templates that do not count any more; False: it is left to the sweep."""
        try:
            self._in.templates.remove(ids)
            for crops in {before.crops[id_] for id_ in ids if id_ in before.crops}:
                # the collection is gone, and the crops with it, where they were switched off
                with suppress(GalleryNotFoundError):
                    self._in.crops(crops).remove(ids)
        except BackendError as exc:
            # the change is made, and its note in the journal stays
            _log.warning("what gallery %s has removed is still in Milvus: %s", self._in.name, exc)
            return False
        return True

    def _noted(self, key: str, ids: Sequence[int]) -> AbstractContextManager[Intent]:
        # without templates the change is one write, and there is nothing to sweep up
        if not ids:
            return nullcontext(Intent())
        return self._journal.changing(
            Note(self._in.name, self._in.uid, subject=key, templates=tuple(ids))
        )
