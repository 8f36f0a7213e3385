"""Any ONNX network from a 112x112 face to 512 numbers becomes a model folder without a score."""

from __future__ import annotations

import os
import re
import shutil
from typing import TYPE_CHECKING

from ood_face.errors import ArtifactError, BackendError
from ood_face.importers.folder import new_model

if TYPE_CHECKING:
    from pathlib import Path

    from ood_face.importers.folder import Imported

__all__ = ["import_onnx"]

# a file of protocol buffers cannot be larger
MAX_FILE_BYTES = 2**31


def import_onnx(file: Path, weights_dir: Path, name: str | None = None) -> Imported:
    """Check a network by running it, and add it to the weights folder.

    It must take aligned faces as float32 (N, 3, 112, 112), RGB, ``(pixel - 127.5) / 127.5``, and
    give features (N, 512). That shapes fit is checked; that it expects these colours and this
    scale cannot be.

    Parameters
    ----------
    file : ``.onnx``, all weights inside
    weights_dir : folder of the manifest
    name : in the manifest; None: after the file

    Raises
    ------
    ArtifactError
        The file is no such network, or the name is taken; the weights folder is as it was.
    """
    if name is None:
        name = re.sub("[^a-z0-9]+", "-", file.stem.lower()).strip("-")[:64] or "onnx"
    _check_file(file)
    with new_model(weights_dir, name) as made:
        copy = made.folder / "network.onnx"
        shutil.copyfile(file, copy)
        try:
            return made.finish(file, {"engine": "onnx"})
        except BackendError as exc:
            raise ArtifactError(
                "import.bad_onnx",
                "{file} is no network that can be run: {reason}",
                file=str(file),
                reason=str(exc).replace(str(copy), file.name),
            ) from exc


def _check_file(file: Path) -> None:
    try:
        with file.open("rb") as stream:
            size = stream.seek(0, os.SEEK_END)
    except OSError as exc:
        raise ArtifactError(
            "import.unreadable",
            "{file} cannot be read: {reason}",
            file=str(file),
            reason=exc.strerror or str(exc),
        ) from exc
    if size > MAX_FILE_BYTES:
        raise ArtifactError(
            "import.too_large",
            "{file} has {size} bytes, the limit is {limit}",
            file=str(file),
            size=size,
            limit=MAX_FILE_BYTES,
        )
