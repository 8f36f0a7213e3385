"""From pictures to templates: what is found in them, embedded, and of two at once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Literal

import numpy as np

from ood_face.cores import anywhere
from ood_face.errors import ConfigError, InputError, MultipleFacesError, NoFaceError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from numpy.typing import NDArray

    from ood_face.ports import Detector, Embedder
    from ood_face.service.work import WorkFeed
    from ood_face.types import DetectedFace, FaceTemplate, RgbImage, Scenario

__all__ = ["Prober", "Which", "check_dropout"]

# which of two pictures an error is about
Which = Literal["", "first", "second"]


class Prober:
    """Detects, aligns and embeds; admits nobody, that is its caller's part.

    Parameters
    ----------
    detector : finds the faces of a picture, largest first
    embedder : turns aligned crops into features and scores
    align : warps one face of a picture onto a uint8 (112, 112, 3) crop
    dominant_face_ratio : where one face is wanted, the largest is taken if its area is at least
        this many times the next one's
    work : is told how long each stage takes, and how many faces there were
    """

    def __init__(
        self,
        detector: Detector,
        embedder: Embedder,
        align: Callable[[RgbImage, DetectedFace], NDArray[np.uint8]],
        dominant_face_ratio: float,
        work: WorkFeed,
    ) -> None:
        self._detector = detector
        self._embedder = embedder
        self.align = align
        self._dominant_face_ratio = dominant_face_ratio
        self._work = work
        # for second pictures; its tasks submit no tasks, so they can't wait for each other
        self._second = ThreadPoolExecutor(thread_name_prefix="second-picture", initializer=anywhere)

    def detect(self, image: RgbImage) -> list[DetectedFace]:
        """Return the faces of a picture, largest first."""
        with self._work.stage("detect"):
            faces = self._detector.detect(image)
        self._work.found(len(faces))
        return sorted(faces, key=lambda face: face.area_px2, reverse=True)

    def templates(
        self, image: RgbImage, faces: list[DetectedFace], passes: int | None = None
    ) -> list[FaceTemplate]:
        """Return the templates of faces of a picture, in their order.

        Parameters
        ----------
        passes : of Monte Carlo dropout, for the templates' uncertainty; None: none of it
        """
        if not faces:
            return []
        crops = self._crops(image, faces)
        with self._work.stage("embed"):
            if passes is None:
                embedded, doubts = self._embedder.embed(crops), None
            else:
                embedded, doubts = self._embedder.embed_with_uncertainty(crops, passes)
        self._work.embedded(len(crops))
        made = embedded.templates(self._embedder.model_id, faces, doubts)
        self._work.made(made)
        return made

    def one(
        self,
        image: RgbImage,
        which: Which = "",
        dropout_passes: int = 0,
        number: int | None = None,
    ) -> tuple[FaceTemplate, int]:
        """Return the one face that is meant, and among how many it was found.

        Parameters
        ----------
        which : the picture's place in a comparison, for the error messages
        dropout_passes : so many passes go with the template; 0: none
        number : of the face that somebody chose, from 1, largest first: it is the only one then;
            None: the one that stands out

        Raises
        ------
        NoFaceError
            There is no face.
        MultipleFacesError
            There are several, and none stands out.
        InputError
            There is no face of this number.
        """
        faces = self.detect(image)
        if not faces:
            height, width = image.shape[:2]
            raise NoFaceError.in_picture(width, height, which)
        if number is not None:
            faces = [_chosen(faces, number)]
        ratio = self._dominant_face_ratio
        if len(faces) > 1 and faces[0].area_px2 < ratio * faces[1].area_px2:
            raise MultipleFacesError.in_picture(len(faces), ratio, which)
        if dropout_passes == 0:
            return self.templates(image, faces[:1])[0], len(faces)
        crops = self._crops(image, faces[:1])
        with self._work.stage("embed"):
            embedded, runs = self._embedder.embed_passes(crops, dropout_passes)
        self._work.embedded(len(crops))
        made = embedded.templates(self._embedder.model_id, faces[:1], runs=runs)
        self._work.made(made)
        return made[0], len(faces)

    def two(
        self,
        image_a: RgbImage,
        image_b: RgbImage,
        dropout_passes: int = 0,
        numbers: tuple[int | None, int | None] = (None, None),
    ) -> tuple[tuple[FaceTemplate, int], tuple[FaceTemplate, int]]:
        """Return what :meth:`one` does, of two pictures at once."""
        second = self._second.submit(self.one, image_b, "second", dropout_passes, numbers[1])
        try:
            first = self.one(image_a, "first", dropout_passes, numbers[0])
        finally:
            # the second's work ends before this call, also when the first failed
            second.exception()
        return first, second.result()

    def _crops(self, image: RgbImage, faces: list[DetectedFace]) -> NDArray[np.uint8]:
        with self._work.stage("align"):
            return np.stack([self.align(image, face) for face in faces])


def _chosen(faces: list[DetectedFace], number: int) -> DetectedFace:
    if not 1 <= number <= len(faces):
        raise InputError(
            "face.number",
            "the picture shows {count} faces, so there is no face {number}",
            count=len(faces),
            number=number,
        )
    return faces[number - 1]


def check_dropout(scenarios: Iterable[Scenario], embedder: Embedder) -> None:
    """Refuse scenarios that ask for passes of dropout which a model can't run.

    Raises
    ------
    ConfigError
        One does; names it and the model.
    """
    if embedder.has_dropout:
        return
    for scenario in scenarios:
        if scenario.dropout_passes > 0:
            raise ConfigError(
                "scenarios.no_dropout",
                "scenario {scenario} asks for {passes} passes of Monte Carlo dropout, which the "
                "model {model} cannot run: set dropout_passes = 0",
                scenario=scenario.name,
                passes=scenario.dropout_passes,
                model=embedder.model_id,
            )
