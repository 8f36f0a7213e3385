"""The collections in Milvus: their names, fields and indexes."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from ood_face.matching.milvus.documents import MAX_DOCUMENT_BYTES
from ood_face.matching.milvus.vector_index import VectorIndex, index_params
from ood_face.types import FEATURE_DIM

if TYPE_CHECKING:
    from ood_face.matching.milvus.connection import Connection

__all__ = [
    "GALLERIES",
    "JOURNAL",
    "create_crops",
    "create_plain",
    "create_subjects",
    "create_templates",
    "crops_name",
    "parse_name",
    "subjects_name",
    "templates_name",
]

GALLERIES = "ood_face_galleries"
JOURNAL = "ood_face_journal"

# 128 characters of up to 4 bytes of 2 digits
_KEY_CHARS = 1024
_TOKEN_CHARS = 64
# 20 templates and the subject may each have come with a token
_TOKENS = 32
_TEMPLATES = 32
_OWNED = re.compile(r"ood_face_([0-9a-f]{22})_(subjects|templates|crops_([0-9a-f]{22}))")


def subjects_name(uid: str) -> str:
    """Return the name of a gallery's collection of subjects."""
    return f"ood_face_{uid}_subjects"


def templates_name(uid: str) -> str:
    """Return the name of a gallery's collection of templates."""
    return f"ood_face_{uid}_templates"


def crops_name(uid: str, crops: str) -> str:
    """Return the name of a gallery's collection of crops."""
    return f"ood_face_{uid}_crops_{crops}"


def parse_name(name: str) -> tuple[str, str | None] | None:
    """Return a gallery's uid and that of its crops from a collection's name.

    The second is None for subjects and templates; all is None where the collection belongs to no
    gallery.
    """
    match = _OWNED.fullmatch(name)
    return None if match is None else (match[1], match[3])


def create_plain(connection: Connection, name: str) -> None:
    """Make a collection of documents by key: the galleries, or the journal."""
    schema = _documents(connection)
    _create(connection, name, schema, {"nothing": _flat("L2")})


def create_subjects(connection: Connection, uid: str) -> None:
    """Make a gallery's collection of subjects: the truth of which templates count."""
    kinds = connection.kinds
    schema = _documents(connection)
    schema.add_field("templates", kinds.INT64)
    schema.add_field("template_ids", kinds.ARRAY, element_type=kinds.INT64, max_capacity=_TEMPLATES)
    schema.add_field(
        "tokens",
        kinds.ARRAY,
        element_type=kinds.VARCHAR,
        max_capacity=_TOKENS,
        max_length=_TOKEN_CHARS,
    )
    indexes = {
        "nothing": _flat("L2"),
        "templates": {"index_type": "INVERTED"},
        "tokens": {"index_type": "INVERTED"},
    }
    _create(connection, subjects_name(uid), schema, indexes)


def create_templates(connection: Connection, uid: str, index: VectorIndex) -> None:
    """Make a gallery's collection of features."""
    kinds = connection.kinds
    schema = connection.new_schema()
    schema.add_field("id", kinds.INT64, is_primary=True)
    schema.add_field("subject", kinds.VARCHAR, max_length=_KEY_CHARS)
    schema.add_field("feature", kinds.FLOAT_VECTOR, dim=FEATURE_DIM)
    _create(connection, templates_name(uid), schema, {"feature": index_params(index)})


def create_crops(connection: Connection, uid: str, crops: str) -> None:
    """Make a gallery's collection of crops; dropping it erases them all at once."""
    kinds = connection.kinds
    schema = connection.new_schema()
    schema.add_field("id", kinds.INT64, is_primary=True)
    # read now and then, and 50 kB each: they stay on disk
    schema.add_field("crop", kinds.VARCHAR, max_length=MAX_DOCUMENT_BYTES, mmap_enabled=True)
    schema.add_field("nothing", kinds.FLOAT_VECTOR, dim=2)
    _create(connection, crops_name(uid, crops), schema, {"nothing": _flat("L2")})


def _documents(connection: Connection) -> Any:  # noqa: ANN401
    kinds = connection.kinds
    schema = connection.new_schema()
    schema.add_field("key", kinds.VARCHAR, is_primary=True, max_length=_KEY_CHARS)
    schema.add_field("document", kinds.VARCHAR, max_length=MAX_DOCUMENT_BYTES)
    schema.add_field("nothing", kinds.FLOAT_VECTOR, dim=2)
    return schema


def _flat(metric: str) -> dict[str, Any]:
    return {"index_type": "FLAT", "metric_type": metric}


def _create(
    connection: Connection,
    name: str,
    schema: Any,  # noqa: ANN401
    indexes: dict[str, dict[str, Any]],
) -> None:
    # Milvus Lite searches without an index, exactly, and takes a second to make one
    connection.create(name, schema, {} if connection.local else indexes)
