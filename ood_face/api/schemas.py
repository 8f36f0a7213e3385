"""Bodies of the answers."""

from __future__ import annotations

from pydantic import BaseModel, Field

from ood_face.api.explanation_schemas import ExplanationOut, ReasonOut, UncertaintyOut
from ood_face.types import FEATURE_DIM, Policy, QualityLevel, QualityScore, Verdict

__all__ = [
    "IN_FORCE",
    "CompareResponse",
    "ComparedFace",
    "ExtractResponse",
    "Face",
    "FaceQuality",
    "Health",
    "ModelResponse",
    "Problem",
    "Ready",
    "ScenarioOut",
    "ScenariosResponse",
]

_FEATURE = "The face's feature: 512 numbers of unit norm; the dot product of two is their cosine."

_NULL = "null: the model gives no quality score."
IN_FORCE = "The calibration in force: a name, or model. null: no probabilities."
_QUALITY_SCORE = (
    "What the scores are worth: calibrated; uncalibrated (higher is better, but the number has no "
    "measured meaning); none (every score is null)."
)


class FaceQuality(BaseModel):
    """How far a face can be trusted, and where it is."""

    ood_score: float | None = Field(
        ge=0,
        le=1,
        description=f"Quality of the face, higher is better. {_NULL}",
        examples=[0.83],
    )
    quality_level: QualityLevel | None = Field(
        description=f"excellent >= 0.8, good >= 0.6, fair >= 0.4, poor below. {_NULL}",
        examples=["excellent"],
    )
    quality_level_name: str | None = Field(
        description=f"The level in the caller's language. {_NULL}", examples=["Excellent"]
    )
    quality: int | None = Field(
        ge=0,
        le=100,
        description=f"The score as ISO/IEC 29794-1 writes it. {_NULL}",
        examples=[83],
    )
    box_xyxy_px: list[float] = Field(
        min_length=4,
        max_length=4,
        description="Left, top, right, bottom, in pixels of the upright picture.",
        examples=[[212.4, 96.1, 371.8, 301.7]],
    )
    probability: float = Field(
        ge=0, le=1, description="The detector's confidence that this is a face.", examples=[0.999]
    )
    landmarks_px: list[tuple[float, float]] = Field(
        min_length=5,
        max_length=5,
        description="Left eye, right eye, nose, left and right mouth corner, as seen.",
        examples=[[[251.0, 180.2], [330.5, 178.9], [291.3, 224.0], [258.8, 258.1], [325.4, 257.2]]],
    )


class Face(FaceQuality):
    """One face of a picture."""

    feature: list[float] = Field(
        min_length=FEATURE_DIM, max_length=FEATURE_DIM, description=_FEATURE
    )
    uncertainty: UncertaintyOut | None = Field(
        None, description="How sure the model is. Only with uncertainty=mc."
    )


class ComparedFace(FaceQuality):
    """One of two compared faces."""

    feature: list[float] | None = Field(
        None, description=f"{_FEATURE} Only with include_features=true."
    )


class ExtractResponse(BaseModel):
    """The faces of a picture, largest first."""

    model_id: str = Field(
        description="Features of different models do not compare.", examples=["rts-1"]
    )
    faces: list[Face]


class ScenarioOut(BaseModel):
    """The thresholds of one use."""

    name: str = Field(examples=["gate"])
    same_above: float = Field(
        description="Above this similarity: the same person.", examples=[0.45]
    )
    different_below: float = Field(
        description="Below this similarity: different people; between: review.", examples=[0.35]
    )
    recapture_below: float = Field(
        description="A face with a score below this: take another picture.", examples=[0.4]
    )
    same_needs_score_above: float | None = Field(
        description="'same' also needs both scores above this; null: no such rule.", examples=[0.5]
    )
    similarity_alone: bool = Field(
        description="A similarity above same_above is enough, whatever the scores.",
        examples=[False],
    )
    enroll_needs_score_above: float = Field(
        description="A face is enrolled if its score is above this.", examples=[0.5]
    )
    identify_needs_margin_above: float = Field(
        description="In a search, the best subject must lead by more than this; else review.",
        examples=[0.05],
    )

    calibration: str | None = Field(
        description="Name of the calibration that makes probabilities where neither the request "
        "nor the gallery chooses; none: no probabilities; null: the model's own.",
        examples=[None],
    )
    calibration_configs: list[str] = Field(
        description="Calibrations that a request or a gallery may choose instead; model: the "
        "model's own. none may always be chosen.",
        examples=[["night", "model"]],
    )
    policy: Policy = Field(
        description="similarity or probability: which thresholds decide.", examples=["similarity"]
    )
    same_probability_above: float = Field(
        description="With the policy probability: above this P(same), the same person.",
        examples=[0.99],
    )
    different_probability_below: float = Field(
        description="With the policy probability: below this P(same), different people.",
        examples=[0.05],
    )
    same_prior: float = Field(
        description="How probable the same person is before the pictures are seen; in a search, "
        "how probable it is that the person is enrolled.",
        examples=[0.5],
    )
    dropout_passes: int = Field(
        description="Passes of Monte Carlo dropout on each picture sent, 10..30; 0: none.",
        examples=[0],
    )


class CompareResponse(BaseModel):
    """Two faces compared."""

    model_id: str = Field(examples=["rts-1"])
    similarity: float = Field(ge=-1, le=1, description="Cosine of the features.", examples=[0.62])
    probability: float | None = Field(
        None,
        ge=0,
        le=1,
        description="P(same), of the similarity and both scores, given the scenario's same_prior. "
        "null: the model has no such calibration, or gives no quality score.",
        examples=[0.993],
    )
    probability_interval: tuple[float, float] | None = Field(
        None,
        description="Where P(same) lies with 95 %, as far as the calibration's data go.",
        examples=[[0.987, 0.996]],
    )
    calibration: str | None = Field(None, description=IN_FORCE, examples=["model"])
    verdict: Verdict = Field(
        description="same, review (a person should look), different, or recapture.",
        examples=["same"],
    )
    verdict_name: str = Field(
        description="The verdict in the caller's language.", examples=["Same person"]
    )
    reasons: list[ReasonOut] = Field(description="Why, most important first.")
    explanation: ExplanationOut | None = Field(description="How uncertain that is, and why.")
    scenario: ScenarioOut = Field(description="The thresholds that were applied.")
    face_a: ComparedFace
    face_b: ComparedFace


class ScenariosResponse(BaseModel):
    """All scenarios."""

    scenarios: list[ScenarioOut]


class ModelResponse(BaseModel):
    """The model that makes the features, and the limits on pictures."""

    model_id: str = Field(examples=["rts-1"])
    quality_score: QualityScore = Field(description=_QUALITY_SCORE, examples=["calibrated"])
    feature_dim: int = Field(examples=[FEATURE_DIM])
    version: str = Field(description="Version of the service.", examples=["0.1.0"])
    max_image_bytes: int = Field(examples=[15 * 2**20])
    max_image_pixels: int = Field(examples=[50_000_000])


class Health(BaseModel):
    """A sign of life."""

    status: str = Field(examples=["ok"])


class Ready(Health):
    """The model works."""

    model_id: str = Field(examples=["rts-1"])
    quality_score: QualityScore = Field(description=_QUALITY_SCORE, examples=["calibrated"])


class Problem(BaseModel):
    """What went wrong (RFC 9457)."""

    type: str = Field(examples=["urn:ood-face:error:image.empty"])
    title: str = Field(description="The status in words.", examples=["Unprocessable Entity"])
    status: int = Field(examples=[422])
    detail: str = Field(
        description="What was wrong, and the limit, in the caller's language.",
        examples=["image: the picture is empty (0 bytes)"],
    )
    code: str = Field(description="Stable name of the problem.", examples=["image.empty"])
    request_id: str = Field(
        description="Also in the header X-Request-ID and in the log.",
        examples=["0b7d6c5a4f3e42d1a0b9c8d7e6f50413"],
    )
    field: str | None = Field(
        None, description="The field that the problem is about.", examples=["image"]
    )
