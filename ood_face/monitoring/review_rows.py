"""The tables of the review queue, and what stands in their rows."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np

from ood_face.errors import InputError
from ood_face.types import (
    CROP_SIDE_PX,
    Reason,
    ReviewCase,
    ReviewItem,
    ReviewKind,
    ReviewLabel,
    ReviewMark,
    ReviewOrder,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = [
    "COLUMNS",
    "MIGRATIONS",
    "crop_of",
    "item_of",
    "item_values",
    "place_of",
    "place_values",
    "stamp",
    "subject_bytes",
    "subject_id_of",
]

# Who it is about stands in a table of its own, in rows of equal length: such rows fill each
# other's places exactly, so nothing of one that is deleted stays in a page's unused parts. Times
# are texts of one width and zone, which sort as they are. Ids are microseconds since 1970.
MIGRATIONS = (
    """\
CREATE TABLE item (
    id INTEGER PRIMARY KEY,
    at TEXT NOT NULL,
    kind TEXT NOT NULL,
    verdict TEXT NOT NULL,
    reasons TEXT NOT NULL,
    scenario TEXT NOT NULL,
    model TEXT NOT NULL,
    similarity REAL NOT NULL,
    score_a REAL,
    score_b REAL,
    probability REAL,
    ambiguity INTEGER NOT NULL,
    gallery TEXT,
    template INTEGER,
    label TEXT,
    label_by TEXT,
    label_at TEXT
) STRICT;
CREATE INDEX item_ambiguity ON item (ambiguity, id);
CREATE TABLE subject (
    item INTEGER PRIMARY KEY REFERENCES item ON DELETE CASCADE,
    subject BLOB NOT NULL
) STRICT;
CREATE TABLE crop (
    number INTEGER PRIMARY KEY,
    item INTEGER NOT NULL REFERENCES item ON DELETE CASCADE,
    pixels BLOB NOT NULL
) STRICT;
CREATE INDEX crop_item ON crop (item)""",
)
COLUMNS = (
    "item.id, at, kind, verdict, reasons, scenario, model, similarity, score_a, score_b, "
    "probability, ambiguity, gallery, subject.subject, template, label, label_by, label_at, "
    "(SELECT COUNT(*) FROM crop WHERE crop.item = item.id)"
)
# 128 characters, as a subject's id may have, of 4 bytes each
_SUBJECT_BYTES = 512
# ambiguities are kept in whole millionths, which a place in a list can name exactly
_PARTS = 1_000_000


def stamp(moment: datetime) -> str:
    """Return a time as it is written."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds")


def subject_bytes(subject_id: str) -> bytes:
    """Return a subject's id as it is written."""
    return subject_id.encode().ljust(_SUBJECT_BYTES, b"\0")


def subject_id_of(written: bytes) -> str:
    """Return the subject's id that was written so."""
    return written.rstrip(b"\0").decode()


def item_values(item_id: int, at: datetime, case: ReviewCase) -> dict[str, object]:
    """Return the values of a new row, by column."""
    return {
        "id": item_id,
        "at": stamp(at),
        "kind": case.kind.value,
        "verdict": case.verdict,
        "reasons": json.dumps([[reason.key, reason.values] for reason in case.reasons]),
        "scenario": case.scenario,
        "model": case.model_id,
        "similarity": float(case.similarity),
        "score_a": case.score_a,
        "score_b": case.score_b,
        "probability": case.probability,
        "ambiguity": round(_PARTS * case.ambiguity),
        "gallery": case.gallery,
        "template": case.template_id,
    }


def item_of(row: tuple[Any, ...]) -> ReviewItem:
    """Return the item of a row of ``COLUMNS``."""
    *values, label, label_by, label_at, crops = row
    item_id, at, kind, verdict, reasons, scenario, model, similarity = values[:8]
    score_a, score_b, probability, ambiguity, gallery, subject, template = values[8:]
    case = ReviewCase(
        kind=ReviewKind(kind),
        verdict=verdict,
        reasons=tuple(Reason(key, told) for key, told in json.loads(reasons)),
        scenario=scenario,
        model_id=model,
        similarity=similarity,
        score_a=score_a,
        score_b=score_b,
        probability=probability,
        ambiguity=ambiguity / _PARTS,
        gallery=gallery,
        subject_id=None if subject is None else subject_id_of(subject),
        template_id=template,
    )
    mark = None
    if label is not None:
        mark = ReviewMark(ReviewLabel(label), label_by, datetime.fromisoformat(label_at))
    return ReviewItem(item_id, datetime.fromisoformat(at), case, crops, mark)


def crop_of(pixels: bytes) -> NDArray[np.uint8]:
    """Return an aligned face from a row."""
    return np.frombuffer(pixels, np.uint8).reshape(CROP_SIDE_PX, CROP_SIDE_PX, 3)


def place_of(item: ReviewItem, order: ReviewOrder) -> str:
    """Return an item's place in an order, as a page names it."""
    if order is ReviewOrder.NEWEST:
        return str(item.item_id)
    return f"{round(_PARTS * item.case.ambiguity)}-{item.item_id}"


def place_values(place: str, order: ReviewOrder) -> tuple[int, ...]:
    """Return the numbers of a place.

    Raises
    ------
    InputError
        It is none in this order.
    """
    parts = place.split("-")
    wanted = 1 if order is ReviewOrder.NEWEST else 2
    plain = all(part.isascii() and part.isdecimal() and len(part) <= 18 for part in parts)
    if len(parts) != wanted or not plain:
        raise InputError(
            "review.after",
            "after must be the next of a page in the same order, not {got}",
            got=ascii(place[:64]),
        )
    return tuple(int(part) for part in parts)
