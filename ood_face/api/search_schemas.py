"""Bodies of the answers of searches, verifications and batches."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field

from ood_face.api.explanation_schemas import ExplanationOut, ReasonOut
from ood_face.api.gallery_schemas import NearDuplicateOut, PictureOutcome
from ood_face.api.schemas import IN_FORCE, FaceQuality, ScenarioOut
from ood_face.types import IdentifyVerdict, Verdict

__all__ = [
    "BatchEnd",
    "BatchLine",
    "BatchSummary",
    "CandidateOut",
    "IdentifyResponse",
    "VerifyResponse",
]

_VERDICT_NAME = "The verdict in the caller's language."
_APPLIED = "The thresholds that were applied."
_WHY = "Why, most important first."
_HOW_SURE = "How uncertain that is, and why."


class CandidateOut(BaseModel):
    """A subject that may be the one in the picture."""

    subject_id: str = Field(examples=["e-1024"])
    name: str | None = Field(description="The subject's name.", examples=["Li Wei"])
    similarity: float = Field(
        ge=-1, le=1, description="Cosine with the most similar template.", examples=[0.72]
    )
    fused_similarity: float = Field(
        ge=-1,
        le=1,
        description="Cosine with the mean of all the subject's features, weighted by their scores.",
        examples=[0.75],
    )
    probability: float | None = Field(
        ge=0,
        le=1,
        description="Calibrated probability of the same person. null: the model has no such "
        "calibration.",
        examples=[None],
    )
    probability_interval: tuple[float, float] | None = Field(
        description="Where it lies with 95 %, as far as the calibration's data go; of the first "
        "candidate alone. null: the calibration has no interval.",
        examples=[None],
    )
    template_id: int = Field(description="The most similar template.", examples=[1760000000000017])
    ood_score: float | None = Field(
        ge=0, le=1, description="Of that template. null: no quality score.", examples=[0.83]
    )


class IdentifyResponse(BaseModel):
    """A face sought in a gallery."""

    model_id: str = Field(examples=["rts-1"])
    gallery: str = Field(description="Where it was sought.", examples=["staff"])
    verdict: IdentifyVerdict = Field(
        description="identified: the first candidate; review: a person should look; unknown: "
        "nobody enrolled here; recapture: take another picture.",
        examples=["identified"],
    )
    verdict_name: str = Field(description=_VERDICT_NAME, examples=["identified"])
    reasons: list[ReasonOut] = Field(description=_WHY)
    explanation: ExplanationOut | None = Field(description=_HOW_SURE)
    margin: float | None = Field(
        description="Similarity of the best subject less that of the second. null: there are no "
        "two.",
        examples=[0.41],
    )
    candidates: list[CandidateOut] = Field(description="By similarity, best first.")
    scenario: ScenarioOut = Field(description=_APPLIED)
    calibration: str | None = Field(description=IN_FORCE, examples=["model"])
    probe: FaceQuality = Field(description="The face that was sought.")


class VerifyResponse(BaseModel):
    """A face compared with an enrolled subject."""

    model_id: str = Field(examples=["rts-1"])
    gallery: str = Field(description="Where the subject is enrolled.", examples=["staff"])
    verdict: Verdict = Field(
        description="same, review (a person should look), different, or recapture.",
        examples=["same"],
    )
    verdict_name: str = Field(description=_VERDICT_NAME, examples=["same person"])
    reasons: list[ReasonOut] = Field(description=_WHY)
    explanation: ExplanationOut | None = Field(description=_HOW_SURE)
    candidate: CandidateOut = Field(description="The subject, and how similar it is.")
    scenario: ScenarioOut = Field(description=_APPLIED)
    calibration: str | None = Field(description=IN_FORCE, examples=["model"])
    probe: FaceQuality = Field(description="The face that was sent.")


class BatchLine(BaseModel):
    """What became of one subject of a batch."""

    index: int = Field(description="Place in the request, from 0.", examples=[0])
    subject_id: str | None = Field(description="As sent. null: there was none.", examples=["e-1"])
    status: Literal["created", "updated", "unchanged", "refused"] = Field(
        description="unchanged: all was there already; refused: nothing of it was done.",
        examples=["created"],
    )
    pictures: list[PictureOutcome] | None = Field(None, description="Unless refused.")
    evicted: list[int] | None = Field(
        None, description="Unless refused: templates that had to go for better ones."
    )
    near_duplicates: list[NearDuplicateOut] | None = Field(
        None, description="Unless refused: other subjects with nearly the same face."
    )
    code: str | None = Field(
        None, description="If refused: stable name of the reason.", examples=["face.none"]
    )
    detail: str | None = Field(None, description="If refused: the reason in words.")
    field: str | None = Field(
        None, description="If refused: the picture to blame.", examples=["images[1]"]
    )


class BatchSummary(BaseModel):
    """How a batch went."""

    received: int = Field(description="Subjects in the request.", examples=[200])
    created: int = Field(examples=[190])
    updated: int = Field(examples=[3])
    unchanged: int = Field(examples=[5])
    refused: int = Field(examples=[2])
    complete: bool = Field(
        description="false: the service failed under way; the subjects without a line were not "
        "touched, and code and detail say why.",
        examples=[True],
    )
    code: str | None = Field(None, description="If not complete.")
    detail: str | None = Field(None, description="If not complete.")


class BatchEnd(BaseModel):
    """The last line of a batch."""

    summary: BatchSummary
