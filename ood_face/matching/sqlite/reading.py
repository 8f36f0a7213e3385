"""What is read of the tables; each function within a transaction of the caller."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np

from ood_face.matching.refusals import no_gallery, no_template
from ood_face.matching.sqlite.queries import (
    ALL_GALLERIES,
    ENROLLED_SUBJECTS,
    GALLERY_BY_NAME,
    GALLERY_BY_NUMBER,
    NEXT_SUBJECTS,
    SUBJECT_BY_ID,
    SUBJECT_BY_NUMBER,
    TEMPLATES_OF,
)
from ood_face.matching.sqlite.rows import (
    Row,
    gallery_of,
    sortable,
    subject_of,
    template_of,
)
from ood_face.matching.sqlite.vectors import features
from ood_face.types import (
    CROP_SIDE_PX,
    EnrolledSubject,
    GalleryCounts,
    GalleryInfo,
    RequestToken,
    Subject,
    TemplateRecord,
)

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence

    from numpy.typing import NDArray

__all__ = [
    "all_galleries",
    "counts",
    "crop",
    "enrolled",
    "find_subject",
    "find_token",
    "gallery_by_name",
    "gallery_info",
    "page",
    "subjects_of",
]

_MAX_INTEGER = 2**63 - 1


def all_galleries(connection: sqlite3.Connection) -> list[GalleryInfo]:
    """Return all galleries by name."""
    return [gallery_of(row) for row in connection.execute(ALL_GALLERIES)]


def gallery_by_name(connection: sqlite3.Connection, name: str) -> tuple[int, GalleryInfo]:
    """Return number and description of a gallery; raise GalleryNotFoundError."""
    row = connection.execute(GALLERY_BY_NAME, (sortable(name),)).fetchone()
    if row is None:
        raise no_gallery(name)
    return row[0], gallery_of(row[1:])


def gallery_info(connection: sqlite3.Connection, gallery: int, name: str) -> GalleryInfo:
    """Return the gallery of a number; raise GalleryNotFoundError with the name it had."""
    row = connection.execute(GALLERY_BY_NUMBER, (gallery,)).fetchone()
    if row is None:
        raise no_gallery(name)
    return gallery_of(row)


def counts(connection: sqlite3.Connection, gallery: int) -> GalleryCounts:
    """Count the gallery's subjects and templates."""
    (subjects,) = connection.execute(
        "SELECT count(*) FROM subjects WHERE gallery = ?", (gallery,)
    ).fetchone()
    (templates,) = connection.execute(
        "SELECT count(*) FROM templates WHERE gallery = ?", (gallery,)
    ).fetchone()
    return GalleryCounts(subjects, templates)


def find_subject(
    connection: sqlite3.Connection, gallery: int, subject_id: str
) -> tuple[int, Subject] | None:
    """Return number and description of a subject; None: the gallery has none of this id."""
    rows = connection.execute(
        SUBJECT_BY_ID,
        (gallery, sortable(subject_id)),
    ).fetchall()
    return (rows[0][0], subjects_of(connection, rows)[0]) if rows else None


def page(
    connection: sqlite3.Connection, gallery: int, after: str | None, limit: int
) -> list[Subject]:
    """Return the next subjects by id."""
    rows = connection.execute(
        NEXT_SUBJECTS,
        (gallery, sortable(after or ""), max(0, min(limit, _MAX_INTEGER))),
    ).fetchall()
    return subjects_of(connection, rows)


def subjects_of(connection: sqlite3.Connection, rows: Sequence[Row]) -> list[Subject]:
    """Return subjects with their templates; the rows are those of the queries of subjects."""
    templates: dict[int, list[TemplateRecord]] = {row[0]: [] for row in rows}
    found = connection.execute(TEMPLATES_OF, (json.dumps(list(templates)),))
    for subject, *columns, has_crop in found:
        templates[subject].append(template_of(tuple(columns), bool(has_crop)))
    return [subject_of(row[1:], templates[row[0]]) for row in rows]


def enrolled(
    connection: sqlite3.Connection, gallery: int, subject_ids: Sequence[str]
) -> list[EnrolledSubject]:
    """Return subjects with their features, in the order asked."""
    rows = connection.execute(
        ENROLLED_SUBJECTS,
        (gallery, json.dumps(list(subject_ids))),
    ).fetchall()
    by_id = {subject.subject_id: subject for subject in subjects_of(connection, rows)}
    found = [by_id[subject_id] for subject_id in subject_ids if subject_id in by_id]
    ids = [np.array([t.template_id for t in one.templates], np.int64) for one in found]
    wanted, places = np.unique(np.concatenate([np.zeros(0, np.int64), *ids]), return_inverse=True)
    known = features(connection, wanted)[places]
    ends = np.cumsum([len(one) for one in ids]).tolist()
    return [
        EnrolledSubject(subject, known[end - len(subject.templates) : end])
        for subject, end in zip(found, ends, strict=True)
    ]


def crop(
    connection: sqlite3.Connection, gallery: int, name: str, template_id: int
) -> NDArray[np.uint8] | None:
    """Return the aligned face of a template, or None; raise TemplateNotFoundError."""
    row = None
    if 0 < template_id <= _MAX_INTEGER:
        row = connection.execute(
            "SELECT CASE WHEN templates.template >= crops_since THEN pixels END "
            "FROM templates JOIN galleries USING (gallery) LEFT JOIN crops USING (template) "
            "WHERE templates.template = ? AND gallery = ?",
            (template_id, gallery),
        ).fetchone()
    if row is None:
        raise no_template(name, template_id)
    (pixels,) = row
    if pixels is None:
        return None
    return np.frombuffer(pixels, np.uint8).reshape(CROP_SIDE_PX, CROP_SIDE_PX, 3)


def find_token(
    connection: sqlite3.Connection, gallery: int, key_hash: str
) -> tuple[RequestToken, Subject] | None:
    """Return what a request has made: its token, the subject."""
    row = connection.execute(
        "SELECT subject, body_hash FROM subjects WHERE gallery = ?1 AND key_hash = ?2 UNION ALL "
        "SELECT subject, body_hash FROM templates WHERE gallery = ?1 AND key_hash = ?2 LIMIT 1",
        (gallery, key_hash),
    ).fetchone()
    if row is None:
        return None
    subject, body_hash = row
    rows = connection.execute(
        SUBJECT_BY_NUMBER,
        (subject,),
    ).fetchall()
    return RequestToken(key_hash, body_hash), subjects_of(connection, rows)[0]
