"""Bodies of the answers about policies: scenarios and calibrations in force."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel, Field

from ood_face.api.schemas import ScenarioOut

__all__ = ["CalibrationOut", "PoliciesResponse"]

_WHEN = datetime.fromisoformat("2026-11-02T08:15:30+00:00")
_UNSAID = "null: its file does not say."


class CalibrationOut(BaseModel):
    """A calibration in force, or the model's own P(same)."""

    name: str = Field(
        description="As scenarios and requests name it; model: the model's own.",
        examples=["gate-2026"],
    )
    method: str = Field(
        description="temperature, vector or isotonic; evidence: of the similarity and both scores.",
        examples=["vector"],
    )
    model_id: str = Field(description="Whose similarities it is for.", examples=["rts-1"])
    made: str | None = Field(
        description=f"When it was fitted, ISO 8601. {_UNSAID}",
        examples=["2026-11-02T08:15:30+00:00"],
    )
    error_before: float | None = Field(
        ge=0,
        le=1,
        description="Expected calibration error without it, on people that it was not fitted to, "
        f"lower is better. {_UNSAID}",
        examples=[0.292],
    )
    error_after: float | None = Field(
        ge=0, le=1, description=f"The same with it. {_UNSAID}", examples=[0.009]
    )
    counts: dict[str, int] = Field(
        description="How much data it was fitted to and tested on, as far as its file says.",
        examples=[{"people": 500, "fit_rows": 18750, "test_rows": 18799}],
    )
    data_fingerprint: str | None = Field(
        description=f"Of the data that it was fitted to. {_UNSAID}", examples=[None]
    )
    file_sha256: str = Field(
        description="Of its file, in hex.",
        examples=["9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"],
    )


class PoliciesResponse(BaseModel):
    """What is in force, and since when."""

    loaded_at: datetime = Field(description="When the files were read, UTC.", examples=[_WHEN])
    scenarios: list[ScenarioOut]
    calibrations: list[CalibrationOut] = Field(
        description="The model's own P(same), if it has one, and all that scenarios name."
    )
