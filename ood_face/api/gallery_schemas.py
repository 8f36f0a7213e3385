"""Bodies of the answers about galleries: who is enrolled, and by which templates."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel, Field

from ood_face.api.explanation_schemas import ReasonOut
from ood_face.types import EnrolmentStatus, QualityLevel

__all__ = [
    "EnrolmentResponse",
    "GalleriesPage",
    "GalleryOut",
    "NearDuplicateOut",
    "PictureOutcome",
    "SubjectOut",
    "SubjectsPage",
    "TemplateOut",
    "TemplatesResponse",
]

_WHEN = datetime.fromisoformat("2026-11-02T08:15:30.123456+00:00")
_VERSION = "Greater after every change; in quotes it goes into If-Match."
_SCORE = "Quality of its face, 0..1, higher is better. null: the model gives no quality score."
_LEVEL = "excellent >= 0.8, good >= 0.6, fair >= 0.4, poor below. null: no score."
_NEXT = "Goes into `after` for the next page, also as a Link header; null: this is the last one."
_TEMPLATE_ID = 1760000000000017


class GalleryOut(BaseModel):
    """One gallery."""

    name: str = Field(description="Unique; stays as it is.", examples=["staff"])
    model_id: str = Field(
        description="The model of all its templates; another model's do not compare.",
        examples=["rts-1"],
    )
    scenario: str = Field(
        description="Thresholds that apply where a request names none.", examples=["gate"]
    )
    calibration: str | None = Field(
        description="Calibration that applies where a request names none. null: the scenario's.",
        examples=[None],
    )
    max_templates: int = Field(
        ge=1, le=20, description="The best so many templates of a subject are kept.", examples=[5]
    )
    keep_crops: bool = Field(
        description="Aligned faces are kept, so that another model can embed them again.",
        examples=[False],
    )
    created_at: datetime = Field(description="UTC.", examples=[_WHEN])
    version: int = Field(
        description=f"{_VERSION} It follows these fields, not the subjects.",
        examples=[1760000000000000],
    )
    subjects: int = Field(ge=0, description="How many are enrolled.", examples=[812])
    templates: int = Field(ge=0, description="How many they have together.", examples=[2240])


class GalleriesPage(BaseModel):
    """Some galleries, by name."""

    galleries: list[GalleryOut]
    next: str | None = Field(description=_NEXT, examples=["staff"])


class TemplateOut(BaseModel):
    """One template; its feature never leaves the service."""

    template_id: int = Field(description="Never used again.", examples=[_TEMPLATE_ID])
    ood_score: float | None = Field(ge=0, le=1, description=_SCORE, examples=[0.83])
    quality_level: QualityLevel | None = Field(description=_LEVEL, examples=["excellent"])
    model_id: str = Field(description="The model that made it.", examples=["rts-1"])
    source_hash: str = Field(
        description="sha256 of the picture's bytes as sent, in hex.",
        examples=["9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"],
    )
    created_at: datetime = Field(description="UTC.", examples=[_WHEN])
    has_crop: bool = Field(description="The aligned face is kept.", examples=[False])


class SubjectOut(BaseModel):
    """One enrolled person."""

    subject_id: str = Field(description="Unique in its gallery.", examples=["e-1024"])
    name: str | None = Field(description="For people to read.", examples=["Li Wei"])
    metadata: dict[str, object] = Field(
        description="Whatever the caller keeps here; the service never looks inside.",
        examples=[{"department": "laboratory"}],
    )
    created_at: datetime = Field(description="UTC.", examples=[_WHEN])
    version: int = Field(
        description=f"{_VERSION} It follows the subject and its templates.",
        examples=[1760000000000021],
    )
    templates: list[TemplateOut] = Field(
        description="Oldest first; without any the subject is never found."
    )


class SubjectsPage(BaseModel):
    """Some subjects of a gallery, by id."""

    subjects: list[SubjectOut]
    next: str | None = Field(description=_NEXT, examples=["e-1024"])


class TemplatesResponse(BaseModel):
    """All templates of a subject, oldest first."""

    templates: list[TemplateOut]


class PictureOutcome(BaseModel):
    """What became of one picture."""

    status: EnrolmentStatus = Field(
        description="enrolled; unchanged: it was enrolled before; not_kept: the subject has enough "
        "better templates.",
        examples=["enrolled"],
    )
    ood_score: float | None = Field(ge=0, le=1, description=_SCORE, examples=[0.83])
    quality_level: QualityLevel | None = Field(description=_LEVEL, examples=["excellent"])
    template_id: int | None = Field(
        description="The template made of it. null: not_kept.", examples=[_TEMPLATE_ID]
    )
    reasons: list[ReasonOut] = Field(description="What an operator should know.")


class NearDuplicateOut(BaseModel):
    """Another subject with nearly the same face."""

    subject_id: str = Field(examples=["e-0007"])
    similarity: float = Field(ge=-1, le=1, description="Highest cosine.", examples=[0.71])


class EnrolmentResponse(BaseModel):
    """What an enrolment did."""

    subject: SubjectOut = Field(description="As it is now.")
    created: bool = Field(description="The subject is new.", examples=[True])
    pictures: list[PictureOutcome] = Field(
        description="What became of each, in the order they were sent."
    )
    evicted: list[int] = Field(
        description="Templates that had to go for better ones.", examples=[[]]
    )
    near_duplicates: list[NearDuplicateOut] = Field(
        description="Other subjects with nearly the same face, enrolled all the same because "
        "`force` was true."
    )
