"""The MTCNN face detector on our own inference sessions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from ood_face.artifacts import verified_path
from ood_face.detection import cascade
from ood_face.detection.area import AreaTable
from ood_face.detection.pyramid import WINDOW_PX
from ood_face.errors import InputError
from ood_face.runtime import open_session
from ood_face.types import DetectedFace

if TYPE_CHECKING:
    from ood_face.artifacts import Manifest
    from ood_face.ports import Session
    from ood_face.types import RgbImage

__all__ = ["MtcnnDetector", "MtcnnSettings", "check_image", "open_mtcnn"]


@dataclass(frozen=True, slots=True)
class MtcnnSettings:
    """What the detector looks for.

    Attributes
    ----------
    min_face_px, min_face_share : the smallest face sought is the larger of ``min_face_px`` and
        ``min_face_share`` times the picture's shorter side
    max_side_px : a larger picture is scaled down to this for detection; None: never
    thresholds : lowest face probability after the P-, R- and O-Net
    factor : ratio of one pyramid level to the one before
    min_probability : lowest face probability returned
    max_faces : at most so many faces, the largest, are returned; None: all
    max_candidates : at most so many windows go from the P-Net to the R-Net
    """

    min_face_px: int = 24
    min_face_share: float = 0.05
    max_side_px: int | None = 1280
    thresholds: tuple[float, float, float] = (0.6, 0.7, 0.7)
    factor: float = 0.709
    min_probability: float = 0.9
    max_faces: int | None = 32
    max_candidates: int = 2000

    def __post_init__(self) -> None:
        limits = {
            "min_face_px": self.min_face_px >= 12,
            "min_face_share": 0 <= self.min_face_share <= 1,
            "max_side_px": self.max_side_px is None or self.max_side_px >= 12,
            "thresholds": len(self.thresholds) == 3 and all(0 < t < 1 for t in self.thresholds),
            "factor": 0.1 <= self.factor <= 0.95,
            "min_probability": 0 <= self.min_probability <= 1,
            "max_faces": self.max_faces is None or self.max_faces >= 1,
            "max_candidates": self.max_candidates >= 1,
        }
        for name, fits in limits.items():
            if not fits:
                raise InputError(
                    "detection.bad_setting",
                    "the detector setting {name} is out of range: {value}",
                    name=name,
                    value=getattr(self, name),
                )


class MtcnnDetector:
    """See :class:`ood_face.ports.Detector`.

    Parameters
    ----------
    pnet, rnet, onet : the three networks, as :mod:`ood_face.detection.convert` writes them
    settings : what to look for
    """

    def __init__(
        self, pnet: Session, rnet: Session, onet: Session, settings: MtcnnSettings | None = None
    ) -> None:
        self._pnet, self._rnet, self._onet = pnet, rnet, onet
        self._settings = MtcnnSettings() if settings is None else settings

    @property
    def settings(self) -> MtcnnSettings:
        """What the detector looks for."""
        return self._settings

    def detect(self, image: RgbImage) -> list[DetectedFace]:
        """Return the faces of one picture, largest box first; empty where there is none.

        Parameters
        ----------
        image : uint8 array of shape (H, W, 3), RGB

        Returns
        -------
        faces in the pixels of ``image``; a box may reach past the picture's edge

        Raises
        ------
        InputError
            The picture is no such array.
        BackendError
            A network failed.
        """
        check_image(image)
        chosen = self._settings
        seen, ratio = self._scaled_down(image)
        table = AreaTable(seen)
        min_face_px = max(chosen.min_face_px, chosen.min_face_share * min(image.shape[:2]))
        boxes = cascade.propose(
            table,
            self._pnet,
            # no smaller than one window, however much the picture shrank
            min_face_px=max(min_face_px / ratio, float(WINDOW_PX)),
            factor=chosen.factor,
            threshold=chosen.thresholds[0],
            max_candidates=chosen.max_candidates,
        )
        boxes = cascade.refuse(table, boxes, self._rnet, threshold=chosen.thresholds[1])
        boxes, probabilities, landmarks = cascade.refine(
            table, boxes, self._onet, threshold=chosen.thresholds[2]
        )
        faces = [
            DetectedFace(box * ratio, float(probability), points * ratio)
            for box, probability, points in zip(boxes, probabilities, landmarks, strict=True)
            if probability >= chosen.min_probability
        ]
        faces.sort(key=lambda face: face.area_px2, reverse=True)
        return faces[: chosen.max_faces]

    def _scaled_down(self, image: RgbImage) -> tuple[RgbImage, float]:
        # the picture the networks see, and how many original pixels one of its pixels is
        limit, longer = self._settings.max_side_px, max(image.shape[:2])
        if limit is None or longer <= limit:
            return np.ascontiguousarray(image), 1.0
        ratio = longer / limit
        height, width = (max(1, round(side / ratio)) for side in image.shape[:2])
        small = cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)
        return np.asarray(small, dtype=np.uint8), ratio


def check_image(image: RgbImage) -> None:
    """Refuse what is no picture.

    Raises
    ------
    InputError
        Not a uint8 array of shape (H, W, 3) with at least one pixel.
    """
    fits = isinstance(image, np.ndarray) and image.dtype == np.uint8 and image.ndim == 3
    if not fits or image.shape[2] != 3 or image.size == 0:
        raise InputError(
            "detection.bad_image",
            "a picture must be a uint8 array of shape (height, width, 3), got {got}",
            got=f"{image.dtype} {image.shape}"
            if isinstance(image, np.ndarray)
            else type(image).__name__,
        )


def open_mtcnn(
    manifest: Manifest,
    *,
    workers: int = 1,
    threads: int = 1,
    settings: MtcnnSettings | None = None,
) -> MtcnnDetector:
    """Load the detector that the manifest calls ``mtcnn``.

    Parameters
    ----------
    manifest : of the weights folder
    workers : pictures processed at once
    threads : threads inside one network
    settings : what to look for; None: the defaults

    Raises
    ------
    ArtifactError
        A file is missing or differs from the manifest.
    BackendError
        A network cannot be loaded.
    """
    entry = manifest.model("mtcnn")
    pnet, rnet, onet = (
        open_session(
            verified_path(entry, f"mtcnn/{name}.json"),
            verified_path(entry, f"mtcnn/{name}.pdiparams"),
            workers=workers,
            threads=threads,
        )
        for name in ("pnet", "rnet", "onet")
    )
    return MtcnnDetector(pnet, rnet, onet, settings)
