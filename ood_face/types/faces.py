"""Faces: found, aligned, embedded."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np

from ood_face.errors import InputError
from ood_face.types.arrays import check_norm, frozen_array

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from ood_face.uncertainty import Uncertainties, Uncertainty

__all__ = [
    "CROP_SIDE_PX",
    "FEATURE_DIM",
    "AlignedFace",
    "DetectedFace",
    "DropoutPasses",
    "Embeddings",
    "FaceTemplate",
    "QualityLevel",
    "QualityScore",
    "check_score",
]

FEATURE_DIM = 512
CROP_SIDE_PX = 112


class QualityLevel(StrEnum):
    """Named ranges of ``ood_score``: excellent >= 0.8, good >= 0.6, fair >= 0.4, poor below."""

    EXCELLENT = "excellent"
    GOOD = "good"
    FAIR = "fair"
    POOR = "poor"

    @classmethod
    def of(cls, ood_score: float) -> QualityLevel:
        """Return the level of a score in 0..1."""
        if ood_score >= 0.8:
            return cls.EXCELLENT
        if ood_score >= 0.6:
            return cls.GOOD
        return cls.FAIR if ood_score >= 0.4 else cls.POOR


class QualityScore(StrEnum):
    """What a model's ``ood_score`` is worth.

    ``none``: the model gives no score; ``uncalibrated``: higher is better, but the number has no
    measured meaning; ``calibrated``: fitted on data, see the model's calibration file.
    """

    NONE = "none"
    UNCALIBRATED = "uncalibrated"
    CALIBRATED = "calibrated"


def check_score(ood_score: float | None) -> None:
    """Raise InputError unless a score lies in 0..1 or there is none."""
    if ood_score is not None and not 0.0 <= ood_score <= 1.0:
        raise InputError(
            "ood_score.range", "an ood_score lies in 0..1, this is {score}", score=ood_score
        )


@dataclass(frozen=True, slots=True, eq=False)
class DetectedFace:
    """One face in a picture.

    Attributes
    ----------
    box_xyxy_px : float32 array of shape (4,), pixels: left, top, right, bottom
    probability : the detector's confidence, 0..1
    landmarks_px : float32 array of shape (5, 2), pixels (x, y);
        left eye, right eye, nose, left and right mouth corner, as seen in the image
    """

    box_xyxy_px: NDArray[np.float32]
    probability: float
    landmarks_px: NDArray[np.float32]

    def __post_init__(self) -> None:
        object.__setattr__(self, "box_xyxy_px", frozen_array(self.box_xyxy_px, np.float32, (4,)))
        object.__setattr__(
            self, "landmarks_px", frozen_array(self.landmarks_px, np.float32, (5, 2))
        )

    @property
    def area_px2(self) -> float:
        """Area of the box in square pixels."""
        left, top, right, bottom = (float(v) for v in self.box_xyxy_px)
        return max(0.0, right - left) * max(0.0, bottom - top)


@dataclass(frozen=True, slots=True, eq=False)
class AlignedFace:
    """A face warped onto the 112x112 ArcFace template.

    Attributes
    ----------
    crop : uint8 array of shape (112, 112, 3), RGB
    face : where it came from
    """

    crop: NDArray[np.uint8]
    face: DetectedFace

    def __post_init__(self) -> None:
        shape = (CROP_SIDE_PX, CROP_SIDE_PX, 3)
        object.__setattr__(self, "crop", frozen_array(self.crop, np.uint8, shape))


@dataclass(frozen=True, slots=True, eq=False)
class DropoutPasses:
    """What P passes of Monte Carlo dropout say of one face.

    Attributes
    ----------
    features : float32 array of shape (P, 512), each of unit norm
    ood_scores : float32 array of shape (P,), 0..1, higher is better
    """

    features: NDArray[np.float32]
    ood_scores: NDArray[np.float32]

    def __post_init__(self) -> None:
        count = len(self.features)
        features = frozen_array(self.features, np.float32, (count, FEATURE_DIM))
        object.__setattr__(self, "features", features)
        object.__setattr__(self, "ood_scores", frozen_array(self.ood_scores, np.float32, (count,)))

    def __len__(self) -> int:
        return len(self.features)


@dataclass(frozen=True, slots=True, eq=False)
class Embeddings:
    """What the embedder says of N aligned faces.

    Attributes
    ----------
    features : float32 array of shape (N, 512), each of unit norm
    ood_scores : float32 array of shape (N,), 0..1, higher is better;
        None: the model gives no quality score
    variances : float32 array of shape (N,), mean RTS variance, higher is worse;
        None: the model gives none
    """

    features: NDArray[np.float32]
    ood_scores: NDArray[np.float32] | None
    variances: NDArray[np.float32] | None

    def __post_init__(self) -> None:
        count = len(self.features)
        object.__setattr__(
            self, "features", frozen_array(self.features, np.float32, (count, FEATURE_DIM))
        )
        for name in ("ood_scores", "variances"):
            values = getattr(self, name)
            if values is not None:
                object.__setattr__(self, name, frozen_array(values, np.float32, (count,)))

    def score(self, index: int) -> float | None:
        """Return the ``ood_score`` of one face."""
        return None if self.ood_scores is None else float(self.ood_scores[index])

    def templates(
        self,
        model_id: str,
        faces: Sequence[DetectedFace],
        doubts: Uncertainties | None = None,
        runs: Sequence[DropoutPasses] | None = None,
    ) -> list[FaceTemplate]:
        """Return the templates of the faces that were embedded, in their order."""
        return [
            FaceTemplate(
                feature=self.features[i],
                ood_score=self.score(i),
                model_id=model_id,
                face=face,
                uncertainty=None if doubts is None else doubts.of(i),
                rts_variance=None if self.variances is None else float(self.variances[i]),
                passes=None if runs is None else runs[i],
            )
            for i, face in enumerate(faces)
        ]


@dataclass(frozen=True, slots=True, eq=False)
class FaceTemplate:
    """What is kept of a face: the feature, and how far it can be trusted.

    Attributes
    ----------
    feature : float32 array of shape (512,), unit norm
    ood_score : 0..1, higher is better; None: the model gives no quality score
    model_id : the model that made it; features of different models never compare
    face : where in the picture it was
    uncertainty : how sure the model is; None: nobody asked
    rts_variance : mean RTS variance, > 0, higher is worse, which ``ood_score`` is made of; None:
        the model gives none
    passes : what each pass of Monte Carlo dropout gave; None: none were run
    """

    feature: NDArray[np.float32]
    ood_score: float | None
    model_id: str
    face: DetectedFace
    uncertainty: Uncertainty | None = None
    rts_variance: float | None = None
    passes: DropoutPasses | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "feature", frozen_array(self.feature, np.float32, (FEATURE_DIM,)))
        check_norm(self.feature)
        check_score(self.ood_score)

    @property
    def quality_level(self) -> QualityLevel | None:
        """The score's named range; None: there is no score."""
        return None if self.ood_score is None else QualityLevel.of(self.ood_score)

    @property
    def quality(self) -> int | None:
        """The score as an integer 0..100, the ISO/IEC 29794-1 convention; None: no score."""
        return None if self.ood_score is None else round(100 * self.ood_score)
