"""Galleries and subjects as the JSON documents that Milvus keeps."""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from ood_face.matching.milvus.clock import from_us, to_us
from ood_face.matching.milvus.vector_index import VectorIndex
from ood_face.types import (
    CROP_SIDE_PX,
    GalleryInfo,
    Profile,
    RequestToken,
    Subject,
    TemplateRecord,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = [
    "MAX_DOCUMENT_BYTES",
    "NOTHING",
    "GalleryRow",
    "SubjectRow",
    "crop_from_text",
    "crop_to_text",
    "from_key",
    "to_key",
    "token_key",
]

# the longest text of a field in Milvus; metadata of 16 KiB and 20 templates take less than half
MAX_DOCUMENT_BYTES = 65_535
# Milvus wants a vector in every collection
NOTHING = (0.0, 0.0)


def to_key(name: str) -> str:
    """Return the primary key of a subject by its id, or of a gallery by its name.

    Hexadecimal digits of its UTF-8: they sort by code point wherever they are sorted, and nothing
    in them can be taken for a part of the filter expressions they are put into.
    """
    return name.encode("utf-8", "surrogatepass").hex()


def from_key(key: str) -> str:
    """Return the id or the name that :func:`to_key` has made a key of."""
    return bytes.fromhex(key).decode("utf-8", "surrogatepass")


def token_key(key_hash: str) -> str:
    """Return what a request's key is found by: 64 hexadecimal digits."""
    return hashlib.sha256(key_hash.encode("utf-8", "surrogatepass")).hexdigest()


def crop_to_text(crop: NDArray[np.uint8]) -> str:
    """Return an aligned face as text, 50,176 characters."""
    return base64.b64encode(crop.tobytes()).decode("ascii")


def crop_from_text(text: str) -> NDArray[np.uint8]:
    """Return an aligned face, uint8 array of shape (112, 112, 3), RGB."""
    flat = np.frombuffer(base64.b64decode(text), dtype=np.uint8)
    return flat.reshape(CROP_SIDE_PX, CROP_SIDE_PX, 3).copy()


@dataclass(frozen=True, slots=True)
class GalleryRow:
    """A gallery, and which collections are its.

    Attributes
    ----------
    info : the gallery
    uid : names its collections
    crops : names the collection of its crops; None: none are kept
    index : how its templates are searched
    """

    info: GalleryInfo
    uid: str
    crops: str | None
    index: VectorIndex

    def to_row(self) -> dict[str, object]:
        """Return what Milvus keeps."""
        document = {
            "uid": self.uid,
            "crops": self.crops,
            "index": self.index.value,
            "model": self.info.model_id,
            "scenario": self.info.scenario,
            "calibration": self.info.calibration,
            "max_templates": self.info.max_templates,
            "created": to_us(self.info.created_at),
            "version": self.info.version,
            "token": _from_token(self.info.token),
        }
        return {"key": to_key(self.info.name), "document": json.dumps(document), "nothing": NOTHING}

    @classmethod
    def from_row(cls, row: dict[str, Any]) -> GalleryRow:
        """Return what :meth:`to_row` has made a row of."""
        document = json.loads(row["document"])
        info = GalleryInfo(
            name=from_key(row["key"]),
            model_id=document["model"],
            scenario=document["scenario"],
            max_templates=document["max_templates"],
            keep_crops=document["crops"] is not None,
            created_at=from_us(document["created"]),
            version=document["version"],
            token=_to_token(document["token"]),
            # documents from before there was one have none
            calibration=document.get("calibration"),
        )
        return cls(info, document["uid"], document["crops"], VectorIndex(document["index"]))


@dataclass(frozen=True, slots=True)
class SubjectRow:
    """A subject, and where the crops of its templates are.

    Attributes
    ----------
    subject : its templates' ``has_crop`` says that a crop was written
    crops : template id -> the collection its crop was written to
    """

    subject: Subject
    crops: dict[int, str]

    def to_row(self) -> dict[str, object]:
        """Return what Milvus keeps."""
        subject = self.subject
        tokens = [subject.token, *(template.token for template in subject.templates)]
        document = {
            "id": subject.subject_id,
            "name": subject.profile.name,
            "metadata": dict(subject.profile.metadata),
            "created": to_us(subject.created_at),
            "version": subject.version,
            "token": _from_token(subject.token),
            "templates": [
                {
                    "id": template.template_id,
                    "score": template.ood_score,
                    "model": template.model_id,
                    "source": template.source_hash,
                    "created": to_us(template.created_at),
                    "crops": self.crops.get(template.template_id),
                    "token": _from_token(template.token),
                }
                for template in subject.templates
            ],
        }
        return {
            "key": to_key(subject.subject_id),
            "document": json.dumps(document, ensure_ascii=False, separators=(",", ":")),
            "templates": len(subject.templates),
            "template_ids": [template.template_id for template in subject.templates],
            "tokens": sorted({token_key(token.key_hash) for token in tokens if token is not None}),
            "nothing": NOTHING,
        }

    @classmethod
    def from_row(cls, row: dict[str, Any]) -> SubjectRow:
        """Return what :meth:`to_row` has made a row of."""
        document = json.loads(row["document"])
        templates = tuple(
            TemplateRecord(
                template_id=template["id"],
                ood_score=template["score"],
                model_id=template["model"],
                source_hash=template["source"],
                created_at=from_us(template["created"]),
                has_crop=template["crops"] is not None,
                token=_to_token(template["token"]),
            )
            for template in document["templates"]
        )
        subject = Subject(
            subject_id=document["id"],
            profile=Profile(document["name"], document["metadata"]),
            templates=templates,
            created_at=from_us(document["created"]),
            version=document["version"],
            token=_to_token(document["token"]),
        )
        written = {one["id"]: one["crops"] for one in document["templates"] if one["crops"]}
        return cls(subject, written)

    def seen_with(self, crops: str | None) -> Subject:
        """Return the subject; templates have a crop only where it is in this collection."""
        there = {id_ for id_, written_to in self.crops.items() if written_to == crops}
        templates = tuple(
            replace(one, has_crop=one.template_id in there) for one in self.subject.templates
        )
        return replace(self.subject, templates=templates)


def _from_token(token: RequestToken | None) -> list[str] | None:
    return None if token is None else [token.key_hash, token.body_hash]


def _to_token(pair: list[str] | None) -> RequestToken | None:
    return None if pair is None else RequestToken(*pair)
