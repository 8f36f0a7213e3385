"""What the index of a gallery and its searches read of the tables."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np

from ood_face.matching.sqlite.rows import features_of
from ood_face.types import FEATURE_DIM

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable

    from numpy.typing import NDArray

__all__ = ["features", "next_features", "owners", "template_ids"]

_IDS_AT_ONCE = 65_536


def owners(
    connection: sqlite3.Connection, gallery: int, template_ids: Iterable[int]
) -> dict[int, str]:
    """Return whose these templates are; what is not there is left out."""
    rows = connection.execute(
        "SELECT template, subject_id FROM templates JOIN subjects USING (subject) "
        "WHERE template IN (SELECT value FROM json_each(?)) AND templates.gallery = ?",
        (json.dumps(list(template_ids)), gallery),
    )
    return dict(rows.fetchall())


def template_ids(connection: sqlite3.Connection, gallery: int) -> NDArray[np.int64]:
    """Return the ids of all the gallery's templates, sorted."""
    cursor = connection.execute(
        "SELECT template FROM templates WHERE gallery = ? ORDER BY template", (gallery,)
    )
    parts = [np.zeros(0, np.int64)]
    while rows := cursor.fetchmany(_IDS_AT_ONCE):
        parts.append(np.fromiter((row[0] for row in rows), np.int64, len(rows)))
    return np.concatenate(parts)


def features(
    connection: sqlite3.Connection, template_ids: NDArray[np.int64]
) -> NDArray[np.float32]:
    """Return features, shape (N, 512); a row of NaN where there is none.

    Parameters
    ----------
    template_ids : int64 array of shape (N,), sorted and unique
    """
    rows = connection.execute(
        "SELECT template, feature FROM features WHERE template IN (SELECT value FROM json_each(?))",
        (json.dumps(template_ids.tolist()),),
    ).fetchall()
    found = np.full((len(template_ids), FEATURE_DIM), np.nan, np.float32)
    ids = np.fromiter((row[0] for row in rows), np.int64, len(rows))
    found[np.searchsorted(template_ids, ids)] = features_of(row[1] for row in rows)
    return found


def next_features(
    connection: sqlite3.Connection, gallery: int, after: int, limit: int
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Return ids and features of the gallery's next templates, by id."""
    rows = connection.execute(
        "SELECT template, feature FROM templates JOIN features USING (template) "
        "WHERE gallery = ? AND template > ? ORDER BY template LIMIT ?",
        (gallery, after, limit),
    ).fetchall()
    ids = np.fromiter((row[0] for row in rows), np.int64, len(rows))
    return ids, features_of(row[1] for row in rows)
