"""TOML files with a checksum over what they say: one that was edited by hand is refused.

The checksum is over the values, not over the bytes: comments and line ends may change. It tells
mistakes, not attackers: who can write the file can write its checksum as well.
"""

from __future__ import annotations

import hashlib
import json
import tomllib
from typing import TYPE_CHECKING, Any

from ood_face.artifacts import write_toml
from ood_face.errors import CalibrationMissingError, ChecksumError, InputError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

__all__ = ["bad_file", "read_sealed", "write_sealed"]

SEAL = "sha256"


def write_sealed(path: Path, document: Mapping[str, Any]) -> None:
    """Write values with their checksum, in one step.

    Raises
    ------
    InputError
        The file can't be written; what was there is as it was.
    ArtifactError
        A value has no place in TOML.
    """
    try:
        write_toml(path, {**document, SEAL: _seal(document)})
    except OSError as exc:
        raise InputError.unwritable(path, exc) from exc


def read_sealed(path: Path) -> dict[str, Any]:
    """Return the values of a file.

    Raises
    ------
    CalibrationMissingError
        It can't be read, is no TOML, or has no checksum.
    ChecksumError
        The values are not those it was written with.
    """
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as exc:
        raise bad_file(path, exc.strerror or type(exc).__name__) from exc
    # ValueError: no TOML, no UTF-8, or an integer of thousands of digits; RecursionError: nested
    # too deeply
    except (ValueError, RecursionError) as exc:
        raise bad_file(path, f"no valid TOML: {exc}") from exc
    expected = document.pop(SEAL, None)
    if not isinstance(expected, str):
        raise bad_file(path, f"it has no {SEAL}")
    found = _seal(document)
    if found != expected:
        raise ChecksumError(
            "scaling.edited",
            "{file} was changed after it was written: its checksum says {expected}, its values "
            "have {found}; run ood-face calibrate again",
            file=str(path),
            expected=expected,
            found=found,
        )
    return document


def bad_file(path: Path, problem: str) -> CalibrationMissingError:
    """Return the error of a calibration file that is of no use."""
    return CalibrationMissingError(
        "scaling.bad_file",
        "{file} is no usable calibration: {problem}",
        file=str(path),
        problem=problem,
    )


def _seal(document: Mapping[str, Any]) -> str:
    text = json.dumps(document, sort_keys=True, ensure_ascii=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()
