"""``FaceService``: from a picture to faces, features, scores and verdicts."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal

import numpy as np

from ood_face.errors import (
    MultipleFacesError,
    NoFaceError,
    UnknownScenarioError,
)
from ood_face.imaging.arrays import check_crops, check_image
from ood_face.matching.decision import compare_templates
from ood_face.matching.probability import same_estimator
from ood_face.service.observing import VerdictFeed
from ood_face.service.self_test import run_self_test
from ood_face.uncertainty import DEFAULT_PASSES, wanted_passes

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    from ood_face.ports import Admission, Detector, Embedder
    from ood_face.types import (
        Comparison,
        DetectedFace,
        FaceTemplate,
        QualityScore,
        RgbImage,
        SameEstimator,
        SameModel,
        Scenario,
    )
    from ood_face.uncertainty import UncertaintyMethod

__all__ = ["FaceService", "Which"]

# which of two pictures an error is about
Which = Literal["", "first", "second"]


class FaceService:
    """Detects, extracts and compares; safe to call from several threads.

    Each public call that works on pictures holds one place of ``admission`` meanwhile.

    Parameters
    ----------
    detector : finds the faces of a picture, largest first
    embedder : turns aligned crops into features and scores
    scenarios : thresholds by name
    admission : bounds the number of calls at work
    align : warps one face of a picture onto a uint8 (112, 112, 3) crop
    dominant_face_ratio : where one face is wanted, the largest is taken if its area is at least
        this many times the next one's
    same_model : makes P(same) of two faces; None: the model has no such calibration
    calibrations : make it in the scenarios that name them

    Attributes
    ----------
    feed : tells observers the numbers of each verdict
    """

    def __init__(  # noqa: PLR0913 - all it is put together of, in one place
        self,
        detector: Detector,
        embedder: Embedder,
        scenarios: Mapping[str, Scenario],
        admission: Admission,
        align: Callable[[RgbImage, DetectedFace], NDArray[np.uint8]],
        *,
        dominant_face_ratio: float,
        same_model: SameModel | None = None,
        calibrations: Mapping[str, SameEstimator] = MappingProxyType({}),
    ) -> None:
        self._detector = detector
        self._embedder = embedder
        self._scenarios = scenarios
        self._admission = admission
        self._align = align
        self._dominant_face_ratio = dominant_face_ratio
        if same_model is not None:
            same_model.check_model(embedder.model_id)
        self._same_model = same_model
        self._calibrations = calibrations
        self.feed = VerdictFeed()
        # for second pictures; its tasks submit no tasks, so they can't wait for each other
        self._second = ThreadPoolExecutor(thread_name_prefix="second-picture")

    @property
    def scenarios(self) -> Mapping[str, Scenario]:
        """The thresholds by name."""
        return self._scenarios

    @property
    def model_id(self) -> str:
        """The model that makes the features."""
        return self._embedder.model_id

    @property
    def same_model(self) -> SameModel | None:
        """What makes P(same) of two faces; None: the model has no such calibration."""
        return self._same_model

    def estimator(self, scenario: Scenario) -> SameEstimator | None:
        """Return what makes P(same) in a scenario; None: nothing does."""
        return same_estimator(scenario, self._same_model, self._calibrations)

    @property
    def quality_score(self) -> QualityScore:
        """What the model's scores are worth; ``none``: every ``ood_score`` is None."""
        return self._embedder.quality_score

    def detect(self, image: RgbImage) -> list[DetectedFace]:
        """Return the faces of a picture, largest first; empty where there is none.

        Parameters
        ----------
        image : uint8 array of shape (H, W, 3), RGB
        """
        check_image(image)
        with self._admission.admit():
            return self._detect(image)

    def extract(
        self,
        image: RgbImage,
        uncertainty: UncertaintyMethod | None = None,
        passes: int = DEFAULT_PASSES,
    ) -> list[FaceTemplate]:
        """Return feature and score of every face, largest first; empty where there is none.

        Parameters
        ----------
        image : uint8 array of shape (H, W, 3), RGB
        uncertainty : ``mc``: the templates carry the model's uncertainty, by Monte Carlo dropout
        passes : how many Monte Carlo passes, 2..200

        Raises
        ------
        InputError
            ``uncertainty`` or ``passes`` is none of these, or the model can't estimate it.
        """
        check_image(image)
        sought = wanted_passes(uncertainty, passes)
        with self._admission.admit():
            return self._templates(image, self._detect(image), sought)

    def extract_one(self, image: RgbImage, which: Which = "") -> tuple[FaceTemplate, int]:
        """Return the one face that is meant, and how many faces there are.

        Parameters
        ----------
        image : uint8 array of shape (H, W, 3), RGB
        which : the picture's place in a comparison, for the error messages

        Raises
        ------
        NoFaceError
            There is no face.
        MultipleFacesError
            There are several, and none stands out.
        """
        check_image(image)
        with self._admission.admit():
            return self._extract_one(image, which)

    def compare(
        self, image_a: RgbImage, image_b: RgbImage, scenario: str = "default"
    ) -> Comparison:
        """Compare the face of one picture with the face of another.

        Parameters
        ----------
        image_a, image_b : uint8 arrays of shape (H, W, 3), RGB
        scenario : name of the thresholds to apply; an unknown one is an UnknownScenarioError

        Raises
        ------
        NoFaceError, MultipleFacesError
            One of the pictures doesn't show one face; where both don't, the first is named.
        """
        applied = self.scenario(scenario)
        check_image(image_a)
        check_image(image_b)
        with self._admission.admit():
            (template_a, count_a), (template_b, count_b) = self._extract_two(image_a, image_b)
        counts = (count_a, count_b)
        found = compare_templates(template_a, template_b, applied, counts, self.estimator(applied))
        self.feed.compared(found)
        return found

    def compare_templates(
        self,
        template_a: FaceTemplate,
        template_b: FaceTemplate,
        scenario: str = "default",
        counts: tuple[int, int] = (1, 1),
    ) -> Comparison:
        """Compare two faces that were extracted before.

        Parameters
        ----------
        template_a, template_b : the faces
        scenario : name of the thresholds to apply
        counts : how many faces each picture showed; more than one is said in the reasons

        An InputError tells that the templates come from different models.
        """
        applied = self.scenario(scenario)
        return compare_templates(template_a, template_b, applied, counts, self.estimator(applied))

    def crop(self, image: RgbImage, face: DetectedFace) -> NDArray[np.uint8]:
        """Return the uint8 (112, 112, 3) crop of a face, as the model sees it."""
        return self._align(image, face)

    def scenario(self, name: str) -> Scenario:
        """Return a scenario; UnknownScenarioError: none has this name."""
        try:
            return self._scenarios[name]
        except KeyError:
            raise UnknownScenarioError(
                "scenario.unknown",
                "there is no scenario {name}; known: {known}",
                name=repr(name[:64]),
                known=", ".join(self._scenarios),
            ) from None

    def embed_crops(
        self, crops: NDArray[np.uint8]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32] | None]:
        """Return features and scores of faces that are aligned already.

        Parameters
        ----------
        crops : uint8 array of shape (N, 112, 112, 3), RGB; N may be 0

        Returns
        -------
        features : float32 array of shape (N, 512), each of unit norm
        ood_scores : float32 array of shape (N,), 0..1, higher is better; None: the model has none
        """
        check_crops(crops)
        with self._admission.admit():
            embedded = self._embedder.embed(crops)
        return embedded.features, embedded.ood_scores

    def self_test(self) -> None:
        """Run both networks once on a fixed pattern and check what comes out.

        Takes no place of the admission: a service that is busy is still ready.

        Raises
        ------
        BackendError
            A network failed, or its output is not what it must be.
        """
        run_self_test(self._detector, self._embedder)

    def _detect(self, image: RgbImage) -> list[DetectedFace]:
        faces = self._detector.detect(image)
        return sorted(faces, key=lambda face: face.area_px2, reverse=True)

    def _templates(
        self, image: RgbImage, faces: list[DetectedFace], passes: int | None = None
    ) -> list[FaceTemplate]:
        if not faces:
            return []
        crops = np.stack([self._align(image, face) for face in faces])
        if passes is None:
            embedded, doubts = self._embedder.embed(crops), None
        else:
            embedded, doubts = self._embedder.embed_with_uncertainty(crops, passes)
        return embedded.templates(self._embedder.model_id, faces, doubts)

    def _extract_one(self, image: RgbImage, which: Which) -> tuple[FaceTemplate, int]:
        faces = self._detect(image)
        if not faces:
            height, width = image.shape[:2]
            raise NoFaceError.in_picture(width, height, which)
        ratio = self._dominant_face_ratio
        if len(faces) > 1 and faces[0].area_px2 < ratio * faces[1].area_px2:
            raise MultipleFacesError.in_picture(len(faces), ratio, which)
        return self._templates(image, faces[:1])[0], len(faces)

    def _extract_two(
        self, image_a: RgbImage, image_b: RgbImage
    ) -> tuple[tuple[FaceTemplate, int], tuple[FaceTemplate, int]]:
        second = self._second.submit(self._extract_one, image_b, "second")
        try:
            first = self._extract_one(image_a, "first")
        finally:
            # the second's work ends inside this admission, also when the first failed
            second.exception()
        return first, second.result()
