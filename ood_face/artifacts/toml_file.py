"""Plain values as TOML files: what the standard library reads and does not write."""

from __future__ import annotations

import json
import os
import re
import tempfile
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ood_face.errors import ArtifactError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["write_toml"]


def write_toml(path: Path, document: Mapping[str, Any]) -> None:
    """Write a TOML file in one step; ArtifactError where a value has no place in TOML."""
    try:
        text = _toml(document)
        kept = tomllib.loads(text) == document
    except (TypeError, tomllib.TOMLDecodeError):
        kept = False
    if not kept:
        raise ArtifactError(
            "artifacts.bad_value", "{file} cannot hold {values}", file=path.name, values=document
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        Path(temporary).chmod(0o644)
        Path(temporary).replace(path)
    finally:
        Path(temporary).unlink(missing_ok=True)


def _toml(table: Mapping[str, Any], prefix: tuple[str, ...] = ()) -> str:
    # plain values first, then sub-tables: TOML's own order
    plain = [(key, value) for key, value in table.items() if not isinstance(value, dict)]
    # JSON's strings, numbers, booleans and lists of them are TOML as well
    lines = [f"{_key(key)} = {json.dumps(value, ensure_ascii=False)}" for key, value in plain]
    if prefix and (lines or not table):
        lines.insert(0, f"[{'.'.join(_key(part) for part in prefix)}]")
    blocks = ["\n".join(lines) + "\n"] if lines else []
    blocks += [_toml(sub, (*prefix, key)) for key, sub in table.items() if isinstance(sub, dict)]
    return "\n".join(blocks)


def _key(key: str) -> str:
    return key if re.fullmatch("[A-Za-z0-9_-]+", key) else json.dumps(key, ensure_ascii=False)
