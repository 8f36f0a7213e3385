"""Pictures of any data set as aligned crops, kept on disk once they were made."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import numpy as np

from ood_face.errors import InputError
from ood_face.imaging import decode
from ood_face.types import CROP_SIDE_PX

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from ood_face.evaluation.instruments import Progress
    from ood_face.evaluation.store import MeasurementStore
    from ood_face.types import RgbImage

__all__ = ["PICTURE_SUFFIXES", "PictureReader", "ReadsPictures", "already_aligned", "bad_picture"]

PICTURE_SUFFIXES = frozenset({".bmp", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"})
PART = 32  # pictures per file of the cache


def already_aligned(image: RgbImage) -> NDArray[np.uint8]:
    """Return a picture that is an aligned crop as it is.

    Raises
    ------
    InputError
        It has another size.
    """
    height, width = image.shape[:2]
    if (height, width) != (CROP_SIDE_PX, CROP_SIDE_PX):
        raise InputError(
            "evaluate.not_aligned",
            "the picture has {width}x{height} pixels, an aligned face {side}x{side}; without "
            "--aligned, faces are detected and aligned",
            width=width,
            height=height,
            side=CROP_SIDE_PX,
        )
    return image


class ReadsPictures(Protocol):
    """Turns pictures into aligned crops."""

    def read(self, paths: Sequence[Path]) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
        """Return the crops (M, 112, 112, 3) found, and for every path its crop, -1: no face."""
        ...


class PictureReader:
    """Reads pictures as crops.

    Parameters
    ----------
    crop_of : the aligned face of a picture; None where there is no face
    recipe : names ``crop_of`` and what it depends on; part of the key in the store
    store : keeps the crops
    progress : told how it gets on
    """

    def __init__(
        self,
        crop_of: Callable[[RgbImage], NDArray[np.uint8] | None],
        recipe: str,
        store: MeasurementStore,
        progress: Progress,
    ) -> None:
        self._crop_of, self._recipe = crop_of, recipe
        self._store, self._progress = store, progress

    def read(self, paths: Sequence[Path]) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
        """Return the crops (M, 112, 112, 3) found, and for every path its crop, -1: no face.

        Raises
        ------
        InputError
            A picture can't be read, or is no aligned face where that is promised; names it.
        """
        self._progress.begin("faces in the pictures", len(paths))
        crops, found = [], []
        for start in range(0, len(paths), PART):
            part = self._part(paths[start : start + PART])
            crops.append(part["crops"])
            found.append(part["found"])
            self._progress.advance(len(part["found"]))
        there = np.concatenate(found)
        return np.concatenate(crops), np.where(there, np.cumsum(there) - 1, -1)

    def _part(self, paths: Sequence[Path]) -> dict[str, NDArray[np.generic]]:
        contents = [_bytes(path) for path in paths]
        key = self._store.key(self._recipe, contents)
        kept = self._store.read(key)
        if kept is not None:
            return kept
        crops = [self._crop(path, data) for path, data in zip(paths, contents, strict=True)]
        empty = np.empty((0, CROP_SIDE_PX, CROP_SIDE_PX, 3), np.uint8)
        made: dict[str, NDArray[np.generic]] = {
            "crops": np.concatenate([empty, *(c[None] for c in crops if c is not None)]),
            "found": np.array([c is not None for c in crops]),
        }
        self._store.write(key, made)
        return made

    def _crop(self, path: Path, data: bytes) -> NDArray[np.uint8] | None:
        try:
            return self._crop_of(decode(data))
        except InputError as exc:
            raise bad_picture(path, str(exc)) from exc


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as exc:
        raise bad_picture(path, exc.strerror or str(exc)) from exc


def bad_picture(path: Path, problem: str) -> InputError:
    """Return the error of a picture that can't be used."""
    return InputError("evaluate.bad_picture", "{file}: {problem}", file=str(path), problem=problem)
