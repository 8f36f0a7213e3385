"""Between rows of the tables and domain values."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from ood_face.types import FEATURE_DIM, GalleryInfo, Profile, RequestToken, Subject, TemplateRecord

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

__all__ = [
    "Row",
    "feature_bytes",
    "features_of",
    "gallery_of",
    "metadata_text",
    "microseconds",
    "sortable",
    "subject_of",
    "template_of",
    "token_columns",
]

Row: TypeAlias = tuple[Any, ...]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FEATURE = np.dtype("<f4")


def microseconds(time: datetime) -> int:
    """Return a time as microseconds since 1970."""
    return (time - _EPOCH) // timedelta(microseconds=1)


def gallery_of(row: Row) -> GalleryInfo:
    """Return the gallery of a row, from its name on."""
    name, model_id, scenario, calibration, max_templates, keep_crops, *rest = row
    created, version, *token = rest
    return GalleryInfo(
        name=name,
        model_id=model_id,
        scenario=scenario,
        max_templates=max_templates,
        keep_crops=bool(keep_crops),
        created_at=_time(created),
        version=version,
        token=_token(token),
        calibration=calibration,
    )


def subject_of(row: Row, templates: Sequence[TemplateRecord]) -> Subject:
    """Return the subject of a row, from its id on."""
    subject_id, name, metadata, created, version, *token = row
    return Subject(
        subject_id=subject_id,
        profile=Profile(name, json.loads(metadata)),
        templates=tuple(templates),
        created_at=_time(created),
        version=version,
        token=_token(token),
    )


def template_of(row: Row, has_crop: bool) -> TemplateRecord:
    """Return the template of a row, from its number to its token."""
    template, ood_score, model_id, source_hash, created, *token = row
    return TemplateRecord(
        template_id=template,
        ood_score=ood_score,
        model_id=model_id,
        source_hash=source_hash,
        created_at=_time(created),
        has_crop=has_crop,
        token=_token(token),
    )


def token_columns(token: RequestToken | None) -> tuple[str | None, str | None]:
    """Return key hash and body hash, or nothing twice."""
    return (None, None) if token is None else (token.key_hash, token.body_hash)


def metadata_text(profile: Profile) -> str:
    """Return the metadata as JSON in ASCII."""
    return json.dumps(dict(profile.metadata), separators=(",", ":"))


def sortable(text: str) -> bytes:
    """Return a text to be bound as ``CAST(? AS TEXT)``: any string, in code point order.

    A string that is no text (half of a character in it) cannot be bound as it is; this finds
    nothing, as it should.
    """
    return text.encode("utf-8", "surrogatepass")


def feature_bytes(feature: NDArray[np.float32]) -> bytes:
    """Return what is kept of a feature."""
    return feature.astype(_FEATURE, copy=False).tobytes()


def features_of(blobs: Iterable[bytes]) -> NDArray[np.float32]:
    """Return the features that were kept, shape (N, 512)."""
    joined = np.frombuffer(b"".join(blobs), _FEATURE).reshape(-1, FEATURE_DIM)
    return joined.astype(np.float32, copy=False)


def _time(value: int) -> datetime:
    return _EPOCH + timedelta(microseconds=value)


def _token(columns: Sequence[str | None]) -> RequestToken | None:
    key_hash, body_hash = columns
    return None if key_hash is None or body_hash is None else RequestToken(key_hash, body_hash)
