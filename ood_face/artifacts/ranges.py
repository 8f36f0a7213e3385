"""How far the numbers inside a backbone reach: what integers of 8 bits are scaled by.

Measured on training faces by ``python -m ood_face.training.quantize`` and kept in ``ranges.toml``
of the model's folder.
"""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING

from ood_face.errors import ArtifactError

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["FORMAT_VERSION", "RANGES_FILE", "load_ranges"]

FORMAT_VERSION = 1
RANGES_FILE = "ranges.toml"


def load_ranges(path: Path, model_id: str) -> tuple[float, ...]:
    """Read the ranges of a backbone's steps, in order.

    Parameters
    ----------
    path : the file
    model_id : that they must be of

    Raises
    ------
    ArtifactError
        The file can't be read, is of another model, or has no list of numbers.
    """
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
        ranges = tuple(float(top) for top in document["ranges"])
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as exc:
        raise ArtifactError(
            "artifacts.bad_ranges", "{path} holds no list of ranges", path=str(path)
        ) from exc
    if (document.get("format"), document.get("model_id")) != (FORMAT_VERSION, model_id):
        raise ArtifactError(
            "artifacts.other_ranges",
            "{path} is of format {format} and model {found}, not {expected} and {model}",
            path=str(path),
            format=document.get("format"),
            found=document.get("model_id"),
            expected=FORMAT_VERSION,
            model=model_id,
        )
    return ranges
