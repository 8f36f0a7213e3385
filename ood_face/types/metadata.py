"""What a caller may keep with a subject: a small JSON object, as deep as people read."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from ood_face.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["MAX_METADATA_BYTES", "MAX_METADATA_DEPTH", "check_metadata"]

MAX_METADATA_BYTES = 16 * 1024
MAX_METADATA_DEPTH = 8


def check_metadata(metadata: Mapping[str, object]) -> None:
    """Raise InputError unless this is a JSON object within the limits on depth and size.

    Parameters
    ----------
    metadata : made of what JSON has; its size is that of its compact JSON in UTF-8
    """
    _check_depth(metadata)
    try:
        text = json.dumps(
            dict(metadata), allow_nan=False, ensure_ascii=False, separators=(",", ":")
        )
        size = len(text.encode())
    except (TypeError, ValueError) as exc:
        raise InputError(
            "subject.metadata",
            "a subject's metadata is a JSON object; this is none: {problem}",
            problem=ascii(str(exc))[1:-1],
        ) from exc
    if size > MAX_METADATA_BYTES:
        raise InputError(
            "subject.metadata_size",
            "a subject's metadata has up to {limit} bytes of JSON, this has {got}",
            limit=MAX_METADATA_BYTES,
            got=size,
        )


def _check_depth(metadata: Mapping[str, object]) -> None:
    level: list[object] = [dict(metadata)]
    for _ in range(MAX_METADATA_DEPTH):
        containers = [value for value in level if isinstance(value, dict | list)]
        if not containers:
            return
        level = [
            inner
            for container in containers
            for inner in (container.values() if isinstance(container, dict) else container)
        ]
    if any(isinstance(value, dict | list) for value in level):
        raise InputError(
            "subject.metadata_depth",
            "a subject's metadata is nested up to {limit} levels deep, this goes deeper",
            limit=MAX_METADATA_DEPTH,
        )
