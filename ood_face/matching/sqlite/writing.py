"""What is written into the tables; each function within a transaction of the caller."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NamedTuple

from ood_face.matching.sqlite.rows import (
    feature_bytes,
    metadata_text,
    microseconds,
    token_columns,
)

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence

    from ood_face.types import GalleryInfo, NewTemplate, Profile, RequestToken

__all__ = [
    "Stamp",
    "delete_subject",
    "hide_gallery",
    "insert_gallery",
    "insert_subject",
    "insert_templates",
    "remove_templates",
    "tick",
    "update_gallery",
    "update_profile",
    "update_version",
]


class Stamp(NamedTuple):
    """What a change is known by.

    Attributes
    ----------
    number : the first of the numbers that belong to it; nothing else in the store has or will
        have them
    now : microseconds since 1970
    """

    number: int
    now: int


def tick(connection: sqlite3.Connection, now: int, count: int = 1) -> Stamp:
    """Return the stamp of a change.

    Parameters
    ----------
    connection : in a transaction that writes
    now : microseconds since 1970; the number is this, or greater where the clock was set back
    count : how many numbers the change needs
    """
    (last,) = connection.execute("SELECT last FROM clock").fetchone()
    number = max(now, int(last) + 1)
    connection.execute("UPDATE clock SET last = ?", (number + count - 1,))
    return Stamp(number, now)


def insert_gallery(connection: sqlite3.Connection, info: GalleryInfo) -> None:
    """Add a gallery; its version is its number, too."""
    connection.execute(
        "INSERT INTO galleries (gallery, name, model_id, scenario, calibration, max_templates, "
        "keep_crops, created, version, key_hash, body_hash) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            info.version,
            info.name,
            info.model_id,
            info.scenario,
            info.calibration,
            info.max_templates,
            info.keep_crops,
            microseconds(info.created_at),
            info.version,
            *token_columns(info.token),
        ),
    )


def update_gallery(connection: sqlite3.Connection, gallery: int, info: GalleryInfo) -> None:
    """Write what may change of a gallery; without ``keep_crops`` all crops so far count as gone."""
    connection.execute(
        "UPDATE galleries SET scenario = ?, calibration = ?, max_templates = ?, keep_crops = ?, "
        "version = ? WHERE gallery = ?",
        (
            info.scenario,
            info.calibration,
            info.max_templates,
            info.keep_crops,
            info.version,
            gallery,
        ),
    )
    if not info.keep_crops:
        connection.execute(
            "UPDATE galleries SET crops_since = ?, erasing_crops = 1 WHERE gallery = ?",
            (info.version, gallery),
        )


def hide_gallery(connection: sqlite3.Connection, gallery: int) -> None:
    """Take a gallery out of sight; its content is erased afterwards."""
    connection.execute("UPDATE galleries SET name = NULL WHERE gallery = ?", (gallery,))


def insert_subject(
    connection: sqlite3.Connection,
    gallery: int,
    subject_id: str,
    profile: Profile,
    stamp: Stamp,
    token: RequestToken | None,
) -> None:
    """Add a subject; its first version is its number, too."""
    connection.execute(
        "INSERT INTO subjects (subject, gallery, subject_id, name, metadata, created, version, "
        "key_hash, body_hash) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            stamp.number,
            gallery,
            subject_id,
            profile.name,
            metadata_text(profile),
            stamp.now,
            stamp.number,
            *token_columns(token),
        ),
    )


def update_profile(
    connection: sqlite3.Connection, subject: int, profile: Profile, stamp: Stamp
) -> None:
    """Replace name and metadata."""
    connection.execute(
        "UPDATE subjects SET name = ?, metadata = ?, version = ? WHERE subject = ?",
        (profile.name, metadata_text(profile), stamp.number, subject),
    )


def update_version(connection: sqlite3.Connection, subject: int, stamp: Stamp) -> None:
    """Note that a subject's templates have changed."""
    connection.execute("UPDATE subjects SET version = ? WHERE subject = ?", (stamp.number, subject))


def insert_templates(
    connection: sqlite3.Connection,
    owner: tuple[int, int],
    templates: Sequence[NewTemplate],
    stamp: Stamp,
    keep_crops: bool,
) -> list[int]:
    """Add templates and return their ids.

    Parameters
    ----------
    connection : in a transaction that writes
    owner : numbers of the gallery and of the subject
    templates : what to add
    stamp : of the change; the ids are the numbers after its first
    keep_crops : the gallery keeps crops
    """
    ids = [stamp.number + 1 + place for place in range(len(templates))]
    for template_id, template in zip(ids, templates, strict=True):
        connection.execute(
            "INSERT INTO templates (template, gallery, subject, model_id, ood_score, source_hash, "
            "created, key_hash, body_hash) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                template_id,
                *owner,
                template.model_id,
                template.ood_score,
                template.source_hash,
                stamp.now,
                *token_columns(template.token),
            ),
        )
        connection.execute(
            "INSERT INTO features (template, feature) VALUES (?, ?)",
            (template_id, feature_bytes(template.feature)),
        )
        if keep_crops and template.crop is not None:
            connection.execute(
                "INSERT INTO crops (template, pixels) VALUES (?, ?)",
                (template_id, template.crop.tobytes()),
            )
    return ids


def remove_templates(connection: sqlite3.Connection, template_ids: Sequence[int]) -> None:
    """Delete templates with their features and crops."""
    connection.execute(
        "DELETE FROM templates WHERE template IN (SELECT value FROM json_each(?))",
        (json.dumps(list(template_ids)),),
    )


def delete_subject(connection: sqlite3.Connection, subject: int) -> None:
    """Delete a subject with its templates, features and crops."""
    connection.execute("DELETE FROM subjects WHERE subject = ?", (subject,))
