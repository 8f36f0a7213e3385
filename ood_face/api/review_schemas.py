"""Bodies of the answers about the review queue."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel, Field

from ood_face.api.explanation_schemas import ReasonOut
from ood_face.types import ReviewKind, ReviewLabel

__all__ = ["ReviewItemOut", "ReviewPageOut"]

_WHEN = datetime.fromisoformat("2026-11-02T08:15:30.123456+00:00")
_SCORE = "Quality of the face, 0..1, higher is better. null: the model gives no quality score."


class ReviewItemOut(BaseModel):
    """A verdict that a person should look at."""

    id: int = Field(description="Later ones are greater.", examples=[1762071330123456])
    at: datetime = Field(description="When the verdict was given, UTC.", examples=[_WHEN])
    kind: ReviewKind = Field(description="What was asked.", examples=["verify"])
    verdict: str = Field(description="What was answered.", examples=["review"])
    verdict_name: str = Field(
        description="The verdict in the caller's language.", examples=["needs a look"]
    )
    reasons: list[ReasonOut] = Field(description="Why, most important first.")
    scenario: str = Field(description="The thresholds that were applied.", examples=["gate"])
    model_id: str = Field(description="The model that made the numbers.", examples=["rts-1"])
    similarity: float = Field(
        description="Cosine of the two faces; of a search: with the first candidate.",
        examples=[0.41],
    )
    ood_score_a: float | None = Field(description=f"Of the picture sent. {_SCORE}", examples=[0.5])
    ood_score_b: float | None = Field(
        description=f"Of the second or the enrolled picture. {_SCORE}", examples=[0.83]
    )
    probability: float | None = Field(
        description="P(same). null: the model had no such calibration.", examples=[0.62]
    )
    ambiguity: float = Field(
        ge=0, le=1, description="1: the numbers say nothing either way.", examples=[0.76]
    )
    gallery: str | None = Field(description="null: two pictures were compared.", examples=["staff"])
    subject_id: str | None = Field(description="Whom it was compared with.", examples=["e-1024"])
    template_id: int | None = Field(
        description="Of that subject, the most similar.", examples=[1760000000000017]
    )
    crops: int = Field(
        ge=0, le=2, description="So many aligned faces are kept: crops/0, crops/1.", examples=[1]
    )
    label: ReviewLabel | None = Field(
        description="What a person said last. null: nobody has yet.", examples=["same"]
    )
    labelled_by: str | None = Field(description="Name of that person's key.", examples=["desk"])
    labelled_at: datetime | None = Field(description="UTC.", examples=[_WHEN])


class ReviewPageOut(BaseModel):
    """Some items of the review queue."""

    items: list[ReviewItemOut]
    next: str | None = Field(
        description="Goes into `after` for the next page in the same order, also as a Link "
        "header; null: this is the last one.",
        examples=["1762071330123456"],
    )
