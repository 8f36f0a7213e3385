"""``FaceService``: from a picture to faces, features, scores and verdicts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ood_face.imaging.arrays import check_crops, check_image
from ood_face.service.observing import VerdictFeed
from ood_face.service.probing import Prober, check_dropout
from ood_face.service.self_test import check_not_stuck, run_self_test
from ood_face.service.work import TimedAdmission, WorkFeed
from ood_face.uncertainty import DEFAULT_PASSES, wanted_passes

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import numpy as np
    from numpy.typing import NDArray

    from ood_face.ports import Admission, Detector, Embedder
    from ood_face.service.policies import AppliedPolicy, Policies
    from ood_face.service.probing import Which
    from ood_face.types import (
        AdmissionLoad,
        Comparison,
        DetectedFace,
        FaceTemplate,
        QualityScore,
        RgbImage,
        SameModel,
        Scenario,
    )
    from ood_face.uncertainty import UncertaintyMethod

__all__ = ["FaceService"]


class FaceService:
    """Detects, extracts and compares; safe to call from several threads.

    Each public call that works on pictures holds one place of ``admission`` meanwhile.

    Parameters
    ----------
    detector : finds the faces of a picture, largest first
    embedder : turns aligned crops into features and scores
    policies : thresholds by name, and what makes P(same); see :meth:`use`
    admission : bounds the number of calls at work
    align : warps one face of a picture onto a uint8 (112, 112, 3) crop
    dominant_face_ratio : where one face is wanted, the largest is taken if its area is at least
        this many times the next one's

    Attributes
    ----------
    feed : tells observers the numbers of each verdict
    work : tells observers how long each stage takes
    places : of those at work; one can be held from before a picture is decoded
    """

    def __init__(
        self,
        detector: Detector,
        embedder: Embedder,
        policies: Policies,
        admission: Admission,
        align: Callable[[RgbImage, DetectedFace], NDArray[np.uint8]],
        *,
        dominant_face_ratio: float,
    ) -> None:
        self._detector = detector
        self._embedder = embedder
        self.feed, self.work = VerdictFeed(), WorkFeed()
        self.places = TimedAdmission(admission, self.work)
        self._prober = Prober(detector, embedder, align, dominant_face_ratio, self.work)
        self.use(policies)

    def use(self, policies: Policies) -> None:
        """Judge by other policies from now on; a request under way keeps those it began with.

        Where :meth:`check` refuses them, nothing has changed.
        """
        self.check(policies)
        self._policies = policies

    def check(self, policies: Policies) -> None:
        """Return if policies fit the model.

        Raises
        ------
        CalibrationMissingError
            P(same) is of another model.
        ConfigError
            A scenario asks for what the model cannot do.
        """
        if policies.same_model is not None:
            policies.same_model.check_model(self._embedder.model_id)
        check_dropout(policies.scenarios.values(), self._embedder)

    @property
    def policies(self) -> Policies:
        """The thresholds, and what makes P(same), as of now."""
        return self._policies

    @property
    def load(self) -> AdmissionLoad:
        """Who is at work and who waits right now, and how many were refused so far."""
        return self.places.load

    @property
    def scenarios(self) -> Mapping[str, Scenario]:
        """The thresholds by name."""
        return self._policies.scenarios

    @property
    def model_id(self) -> str:
        """The model that makes the features."""
        return self._embedder.model_id

    @property
    def same_model(self) -> SameModel | None:
        """What makes P(same) of two faces; None: the model has no such calibration."""
        return self._policies.same_model

    def applied(
        self, scenario: str, calibration: str | None = None, of_gallery: str | None = None
    ) -> AppliedPolicy:
        """Return what applies to a request; see :meth:`Policies.applied`."""
        return self._policies.applied(scenario, calibration, of_gallery)

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
        with self.places.admit():
            return self._prober.detect(image)

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
        with self.places.admit():
            return self._prober.templates(image, self._prober.detect(image), sought)

    def extract_one(
        self, image: RgbImage, which: Which = "", dropout_passes: int = 0
    ) -> tuple[FaceTemplate, int]:
        """Return the one face that is meant, and how many faces there are.

        Parameters
        ----------
        image : uint8 array of shape (H, W, 3), RGB
        which : the picture's place in a comparison, for the error messages
        dropout_passes : so many passes of Monte Carlo dropout go with the template; 0: none

        Raises
        ------
        NoFaceError
            There is no face.
        MultipleFacesError
            There are several, and none stands out.
        """
        check_image(image)
        with self.places.admit():
            return self._prober.one(image, which, dropout_passes)

    def compare(
        self,
        image_a: RgbImage,
        image_b: RgbImage,
        scenario: str = "default",
        calibration: str | None = None,
        numbers: tuple[int | None, int | None] = (None, None),
    ) -> Comparison:
        """Compare the face of one picture with the face of another.

        Parameters
        ----------
        image_a, image_b : uint8 arrays of shape (H, W, 3), RGB
        scenario : name of the thresholds to apply; an unknown one is an UnknownScenarioError
        calibration : one that the scenario offers; None: the scenario's own choice
        numbers : of the face chosen in each picture, from 1, largest first; None: the one that
            stands out

        Raises
        ------
        InputError
            The scenario does not offer this calibration, or there is no face of this number.
        NoFaceError, MultipleFacesError
            One of the pictures doesn't show one face; where both don't, the first is named.
        """
        applied = self.applied(scenario, calibration)
        check_image(image_a)
        check_image(image_b)
        with self.places.admit():
            (template_a, count_a), (template_b, count_b) = self._prober.two(
                image_a, image_b, applied.scenario.dropout_passes, numbers
            )
        with self.work.stage("decide"):
            found = applied.compare(template_a, template_b, (count_a, count_b))
        self.feed.compared(found)
        return found

    def compare_templates(
        self,
        template_a: FaceTemplate,
        template_b: FaceTemplate,
        scenario: str = "default",
        counts: tuple[int, int] = (1, 1),
        calibration: str | None = None,
    ) -> Comparison:
        """Compare two faces that were extracted before.

        Parameters
        ----------
        template_a, template_b : the faces
        scenario : name of the thresholds to apply
        counts : how many faces each picture showed; more than one is said in the reasons
        calibration : one that the scenario offers; None: the scenario's own choice

        An InputError tells that the templates come from different models, or that the scenario
        does not offer the calibration.
        """
        applied = self.applied(scenario, calibration)
        with self.work.stage("decide"):
            return applied.compare(template_a, template_b, counts)

    def crop(self, image: RgbImage, face: DetectedFace) -> NDArray[np.uint8]:
        """Return the uint8 (112, 112, 3) crop of a face, as the model sees it."""
        with self.work.stage("align"):
            return self._prober.align(image, face)

    def scenario(self, name: str) -> Scenario:
        """Return a scenario; UnknownScenarioError: none has this name."""
        return self._policies.scenario(name)

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
        with self.places.admit(), self.work.stage("embed"):
            embedded = self._embedder.embed(crops)
        self.work.embedded(len(crops))
        return embedded.features, embedded.ood_scores

    def self_test(self) -> None:
        """Run both networks once on a fixed pattern and check what comes out.

        Takes no place of the admission: a service that is busy is still ready.

        Raises
        ------
        BackendError
            A network failed, its output is not what it must be, or a request has been at work
            for longer than any can need.
        """
        check_not_stuck(self.places.load)
        run_self_test(self._detector, self._embedder)
