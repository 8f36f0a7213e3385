"""``ood-face extract``: many files, several at once, in order; one that fails stops no other."""

from __future__ import annotations

import os
import tempfile
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ood_face.cli.pictures import read_picture
from ood_face.errors import InputError, NoFaceError, OodFaceError
from ood_face.types import FEATURE_DIM
from ood_face.uncertainty import DEFAULT_PASSES, uncertainty_columns

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ood_face.config import Settings
    from ood_face.service import FaceService
    from ood_face.types import FaceTemplate
    from ood_face.uncertainty import UncertaintyMethod

__all__ = ["FileFaces", "check_writable", "extract_files", "write_npz"]


@dataclass(frozen=True, slots=True)
class FileFaces:
    """The faces of one file, or why there are none."""

    file: str
    templates: tuple[FaceTemplate, ...] = ()
    error: OodFaceError | None = None


def extract_files(
    service: FaceService,
    settings: Settings,
    files: Sequence[str],
    *,
    allow_empty: bool,
    uncertainty: UncertaintyMethod | None = None,
    passes: int = DEFAULT_PASSES,
) -> Iterator[FileFaces]:
    """Yield the faces of each file, in the order of the files.

    Parameters
    ----------
    service : what does the work
    settings : the limits on pictures, and how many are processed at once
    files : paths; ``-``: stdin
    allow_empty : whether a picture without a face is no failure
    uncertainty, passes : as :meth:`FaceService.extract` takes them
    """

    def extract(file: str) -> FileFaces:
        try:
            image = read_picture(file, settings)
            templates = service.extract(image, uncertainty, passes)
            if not templates and not allow_empty:
                height, width = image.shape[:2]
                raise NoFaceError.in_picture(width, height)
        except OodFaceError as exc:
            return FileFaces(file, error=exc)
        return FileFaces(file, templates=tuple(templates))

    with ThreadPoolExecutor(settings.workers) as pool:
        # a few files ahead, not all: a long list must not fill the memory with results
        waiting = deque(pool.submit(extract, file) for file in files[: 2 * settings.workers])
        for file in files[2 * settings.workers :]:
            yield waiting.popleft().result()
            waiting.append(pool.submit(extract, file))
        while waiting:
            yield waiting.popleft().result()


def check_writable(path: Path) -> None:
    """Refuse a target that can't be written, before the work and not after it.

    Raises
    ------
    InputError
        Its folder is missing or may not be written to.
    """
    folder = path.parent
    if path.is_dir() or not folder.is_dir() or not os.access(folder, os.W_OK):
        raise InputError(
            "file.unwritable", "{file} cannot be written; check its folder", file=str(path)
        )


def write_npz(path: Path, results: Sequence[FileFaces], model_id: str) -> None:
    """Write all faces into one file, in one step.

    The arrays, with N faces in all: ``features`` float32 (N, 512), ``ood_scores`` float32 (N,),
    NaN where the model gives none, ``boxes_xyxy_px`` float32 (N, 4), ``files`` text (N,),
    ``model_id`` text. Where uncertainty was asked for, ``uncertainty_`` and each field's name,
    float32 (N,).

    Raises
    ------
    InputError
        The file can't be written.
    """
    faces = [(result.file, template) for result in results for template in result.templates]
    count = len(faces)
    arrays: dict[str, Any] = {
        "features": np.array([t.feature for _, t in faces], np.float32).reshape(count, FEATURE_DIM),
        "ood_scores": np.array([t.ood_score for _, t in faces], np.float32),
        "boxes_xyxy_px": np.array([t.face.box_xyxy_px for _, t in faces], np.float32).reshape(
            count, 4
        ),
        "files": np.array([file for file, _ in faces], np.str_),
        "model_id": np.array(model_id),
    }
    columns = uncertainty_columns([template.uncertainty for _, template in faces])
    arrays |= {f"uncertainty_{name}": column for name, column in columns.items()}
    try:
        handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        try:
            with os.fdopen(handle, "wb") as stream:
                np.savez(stream, **arrays)
            Path(temporary).replace(path)
        finally:
            Path(temporary).unlink(missing_ok=True)
    except OSError as exc:
        raise InputError(
            "file.unwritable", "{file} cannot be written; check its folder", file=str(path)
        ) from exc
