"""Labelled pictures, measured by whatever is at work: a service that runs, or a model opened."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ood_face.calibration.own_report import OwnFaces
from ood_face.errors import InputError
from ood_face.evaluation.datasets import load_folders, load_pair_list
from ood_face.evaluation.instruments import SilentProgress
from ood_face.evaluation.pictures import PICTURE_SUFFIXES, bad_picture
from ood_face.imaging import align_face, decode
from ood_face.types import CROP_SIDE_PX, FEATURE_DIM

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from ood_face.evaluation.datasets import TestData
    from ood_face.evaluation.instruments import Progress
    from ood_face.evaluation.pictures import ReadsPictures
    from ood_face.types import FaceTemplate, RgbImage

    Embed = Callable[[RgbImage], FaceTemplate | None]

# the suffixes are here for who gathers the pictures of a folder
__all__ = ["PICTURE_SUFFIXES", "measure_pictures", "read_source"]


def measure_pictures(
    source: Path,
    embed: Embed,
    progress: Progress | None = None,
    read: Callable[[bytes], RgbImage] = decode,
) -> OwnFaces:
    """Measure the pictures of a folder or a list; nothing is kept on disk.

    Parameters
    ----------
    source : a folder with one folder per person, or a ``.csv`` with image_a, image_b, same
    embed : the one face of a picture that counts, such as the largest; None: it has none
    progress : told of each picture; an exception that it raises ends the measurement
    read : decodes a file, within the limits that are to hold

    Raises
    ------
    InputError
        The source is neither, a picture can't be read (named by its folder and file), there are
        too few people or pictures, or none shows a face.
    """
    reader = _Measuring(embed, SilentProgress() if progress is None else progress, read)
    data = read_source(source, reader)
    return OwnFaces(data, *reader.found(), source.name)


def read_source(source: Path, reader: ReadsPictures) -> TestData:
    """Return the faces and pairs of a folder by person, or of a list of pairs.

    Raises
    ------
    InputError
        It is neither, or :func:`~ood_face.evaluation.datasets.load_folders` or
        :func:`~ood_face.evaluation.datasets.load_pair_list` refuses it.
    """
    if source.is_dir():
        return load_folders(source, reader)
    if source.suffix.lower() == ".csv" and source.is_file():
        return load_pair_list(source, reader)
    raise InputError("trust.source", "{path} is neither a folder nor a .csv file", path=str(source))


class _Measuring:
    """Reads pictures as crops, and keeps what ``embed`` says of each face."""

    def __init__(self, embed: Embed, progress: Progress, read: Callable[[bytes], RgbImage]) -> None:
        self._embed, self._progress, self._decode = embed, progress, read
        self._templates: list[FaceTemplate] = []

    def read(self, paths: Sequence[Path]) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
        """Return the crops (M, 112, 112, 3) found, and for every path its crop, -1: no face."""
        self._progress.begin("features of all faces", len(paths))
        crops: list[NDArray[np.uint8]] = []
        index = np.full(len(paths), -1, np.int64)
        for row, path in enumerate(paths):
            crop = self._face(path)
            if crop is not None:
                index[row] = len(crops)
                crops.append(crop)
            self._progress.advance(1)
        empty = np.empty((0, CROP_SIDE_PX, CROP_SIDE_PX, 3), np.uint8)
        return np.stack(crops) if crops else empty, index

    def found(self) -> tuple[NDArray[np.float32], NDArray[np.float32] | None, str]:
        """Return features (M, 512), scores (M,) or None, and the model's id."""
        templates = self._templates
        features = np.array([one.feature for one in templates], np.float32)
        scores = [one.ood_score for one in templates if one.ood_score is not None]
        complete = len(scores) == len(templates)
        return (
            features.reshape(-1, FEATURE_DIM),
            np.array(scores, np.float32) if complete else None,
            templates[0].model_id,
        )

    def _face(self, path: Path) -> NDArray[np.uint8] | None:
        try:
            image = self._decode(path.read_bytes())
        except (InputError, OSError) as exc:
            shown = path.relative_to(path.parent.parent)
            raise bad_picture(shown, getattr(exc, "strerror", None) or str(exc)) from exc
        template = self._embed(image)
        if template is None:
            return None
        try:
            crop = align_face(image, template.face).crop
        except InputError:  # landmarks that fit no face
            return None
        self._templates.append(template)
        return crop
