"""One gallery in the tables, with its index."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ood_face.matching.refusals import (
    check_templates,
    check_version,
    duplicate_subject,
    no_subject,
    no_template,
)
from ood_face.matching.sqlite import reading, vectors, writing
from ood_face.types import FEATURE_DIM, Hit, check_subject_id
from ood_face.types.arrays import frozen_array

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from ood_face.matching.sqlite.cache import IndexCache
    from ood_face.matching.sqlite.erasing import Eraser
    from ood_face.storage import Database
    from ood_face.types import (
        EnrolledSubject,
        GalleryCounts,
        GalleryInfo,
        NewTemplate,
        Profile,
        RequestToken,
        Subject,
    )

__all__ = ["Core", "SqliteGallery"]

# a search that meets templates which are just being removed looks again, for others
_SEARCHES = 3


class Core(NamedTuple):
    """What all galleries of a store share.

    Attributes
    ----------
    database : the tables
    eraser : called when something was deleted
    now : returns the time in microseconds since 1970
    """

    database: Database
    eraser: Eraser
    now: Callable[[], int]


class SqliteGallery:
    """See :class:`ood_face.ports.Gallery`.

    Parameters
    ----------
    core : what all galleries share
    gallery : its number
    name : its name, for errors
    cache : its index
    """

    def __init__(self, core: Core, gallery: int, name: str, cache: IndexCache) -> None:
        self._database, self._eraser, self._now = core
        self._gallery = gallery
        self._name = name
        self._cache = cache

    @property
    def info(self) -> GalleryInfo:
        """What kind of gallery this is, as of now."""
        with self._database.reading() as connection:
            return reading.gallery_info(connection, self._gallery, self._name)

    def counts(self) -> GalleryCounts:
        """Return how many subjects and templates there are."""
        with self._database.reading() as connection:
            self._there(connection)
            return reading.counts(connection, self._gallery)

    def index_kind(self) -> str:
        """Return the kind of index; it is loaded, or made, if it was not yet."""
        with self._database.reading() as connection:
            self._there(connection)
        return self._cache.index().kind

    def create_subject(
        self,
        subject_id: str,
        profile: Profile,
        templates: Sequence[NewTemplate],
        token: RequestToken | None = None,
    ) -> Subject:
        """Enrol a new subject with its templates."""
        check_subject_id(subject_id)
        with self._cache.changing() as change, self._database.writing() as connection:
            info = self._there(connection)
            check_templates(info, templates, 0)
            if reading.find_subject(connection, self._gallery, subject_id) is not None:
                raise duplicate_subject(self._name, subject_id)
            stamp = writing.tick(connection, self._now(), 1 + len(templates))
            writing.insert_subject(connection, self._gallery, subject_id, profile, stamp, token)
            owner = (self._gallery, stamp.number)
            ids = writing.insert_templates(connection, owner, templates, stamp, info.keep_crops)
            change.added = dict(zip(ids, templates, strict=True))
            return self._subject(connection, subject_id)[1]

    def subject(self, subject_id: str) -> Subject:
        """Return one subject."""
        with self._database.reading() as connection:
            self._there(connection)
            return self._subject(connection, subject_id)[1]

    def subjects(self, after: str | None, limit: int) -> list[Subject]:
        """Return the next subjects in the order of their ids (by code point)."""
        with self._database.reading() as connection:
            self._there(connection)
            return reading.page(connection, self._gallery, after, limit)

    def enrolled(self, subject_ids: Sequence[str]) -> list[EnrolledSubject]:
        """Return subjects with their features, in the order asked; unknown ids are left out."""
        with self._database.reading() as connection:
            self._there(connection)
            return reading.enrolled(connection, self._gallery, subject_ids)

    def crop(self, template_id: int) -> NDArray[np.uint8] | None:
        """Return the aligned face of a template; None: it was not kept."""
        with self._database.reading() as connection:
            self._there(connection)
            return reading.crop(connection, self._gallery, self._name, template_id)

    def find_token(self, key_hash: str) -> tuple[RequestToken, Subject] | None:
        """Return the subject that a request with this key created or added a template to."""
        with self._database.reading() as connection:
            self._there(connection)
            return reading.find_token(connection, self._gallery, key_hash)

    def update_subject(
        self, subject_id: str, profile: Profile, if_version: int | None = None
    ) -> Subject:
        """Replace name and metadata."""
        with self._database.writing() as connection:
            self._there(connection)
            number, subject = self._subject(connection, subject_id)
            check_version(subject_id, subject.version, if_version)
            stamp = writing.tick(connection, self._now())
            writing.update_profile(connection, number, profile, stamp)
            return self._subject(connection, subject_id)[1]

    def change_templates(
        self,
        subject_id: str,
        add: Sequence[NewTemplate],
        remove: Sequence[int],
        if_version: int | None = None,
    ) -> Subject:
        """Add and remove templates of a subject at once."""
        changing = self._cache.erasing() if remove else self._cache.changing()
        with changing as change, self._database.writing() as connection:
            info = self._there(connection)
            number, subject = self._subject(connection, subject_id)
            check_version(subject_id, subject.version, if_version)
            known = {record.template_id for record in subject.templates}
            for template_id in remove:
                if template_id not in known:
                    raise no_template(self._name, template_id)
            check_templates(info, add, len(known - set(remove)))
            stamp = writing.tick(connection, self._now(), 1 + len(add))
            writing.remove_templates(connection, remove)
            owner = (self._gallery, number)
            ids = writing.insert_templates(connection, owner, add, stamp, info.keep_crops)
            writing.update_version(connection, number, stamp)
            change.added = dict(zip(ids, add, strict=True))
            change.removed = list(remove)
            changed = self._subject(connection, subject_id)[1]
        if remove:
            self._eraser.wipe()
        return changed

    def delete_subject(self, subject_id: str, if_version: int | None = None) -> None:
        """Erase a subject: when this returns, no file has its id, its features or its crops."""
        with self._cache.erasing() as change, self._database.writing() as connection:
            self._there(connection)
            number, subject = self._subject(connection, subject_id)
            check_version(subject_id, subject.version, if_version)
            writing.delete_subject(connection, number)
            change.removed = [record.template_id for record in subject.templates]
        self._eraser.wipe(subject_id)

    def search(self, features: NDArray[np.float32], count: int) -> list[list[Hit]]:
        """Return the most similar templates of each probe, best first."""
        features = frozen_array(features, np.float32, (len(features), FEATURE_DIM))
        with self._database.reading() as connection:
            self._there(connection)
        index = self._cache.index()
        wanted = count
        for _ in range(_SEARCHES):
            wanted = min(wanted, max(1, len(index)))
            similarities, ids = index.search(features, max(1, wanted))
            sought = set(ids[ids > 0].tolist())
            with self._database.reading() as connection:
                self._there(connection)
                owners = vectors.owners(connection, self._gallery, sought)
            if len(owners) == len(sought):
                break
            wanted = count + len(sought) - len(owners)
        return [
            [
                Hit(template_id, owners[template_id], similarity)
                for template_id, similarity in zip(*row, strict=True)
                if template_id in owners
            ][: max(0, count)]
            for row in zip(ids.tolist(), similarities.tolist(), strict=True)
        ]

    def _there(self, connection: sqlite3.Connection) -> GalleryInfo:
        return reading.gallery_info(connection, self._gallery, self._name)

    def _subject(self, connection: sqlite3.Connection, subject_id: str) -> tuple[int, Subject]:
        found = reading.find_subject(connection, self._gallery, subject_id)
        if found is None:
            raise no_subject(self._name, subject_id)
        return found
