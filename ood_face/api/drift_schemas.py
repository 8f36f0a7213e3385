"""Body of the answer about drift."""

from __future__ import annotations

from pydantic import BaseModel, Field

from ood_face.monitoring.drift_windows import DriftState
from ood_face.types import Verdict

__all__ = ["DriftResponse", "LabelledOut", "SignalOut", "VerdictsOut"]

_STATE = (
    "learning: the reference is being taken; filling: too few numbers for a comparison; stable; "
    "drifted."
)
_FULL = "null: the window is not full yet."
_KNOWN = "null: there is no reference yet."


class SignalOut(BaseModel):
    """One kind of number against its reference."""

    name: str = Field(
        description="ood_score: of every picture; similarity: of two faces; top_similarity: of "
        "the first candidate of a search.",
        examples=["ood_score"],
    )
    state: DriftState = Field(description=_STATE)
    state_name: str = Field(description="The state in the caller's language.")
    psi: float | None = Field(ge=0, description=f"Population stability index. {_FULL}")
    ks: float | None = Field(
        ge=0, le=1, description=f"Two-sample Kolmogorov-Smirnov distance. {_FULL}"
    )
    psi_threshold: float | None = Field(description=f"From this on it has drifted. {_KNOWN}")
    ks_threshold: float | None = Field(description=f"From this on it has drifted. {_KNOWN}")
    window_count: int = Field(description="Numbers in the window.")
    reference_count: int = Field(description="Numbers in the reference so far.")
    reference_needed: int = Field(description="How many it is to have.")
    reference_source: str | None = Field(
        description=f"first: the first numbers that came; else the calibration's name. {_KNOWN}"
    )
    reference_taken_at: str | None = Field(description=f"ISO 8601, UTC. {_KNOWN}")
    long_psi: float | None = Field(ge=0, description=f"PSI of the long window. {_FULL}")
    long_ks: float | None = Field(ge=0, le=1, description=f"KS of the long window. {_FULL}")
    long_psi_threshold: float | None = Field(description=f"From this on it has drifted. {_KNOWN}")
    long_ks_threshold: float | None = Field(description=f"From this on it has drifted. {_KNOWN}")
    long_window_count: int = Field(description="Numbers in the long window.")


class VerdictsOut(BaseModel):
    """The shares of the verdicts against those of the reference."""

    state: DriftState = Field(description=_STATE)
    state_name: str = Field(description="The state in the caller's language.")
    psi: float | None = Field(ge=0, description=f"Population stability index. {_FULL}")
    long_psi: float | None = Field(ge=0, description=f"The same of the long window. {_FULL}")
    psi_threshold: float | None = Field(description=f"From this on they have drifted. {_KNOWN}")
    long_psi_threshold: float | None = Field(
        description=f"From this on they have drifted. {_KNOWN}"
    )
    count: int = Field(description="Verdicts since the reference, in the long window.")
    reference_count: int = Field(description="Verdicts in the reference so far.")
    reference_needed: int = Field(description="How many it is to have.")


class LabelledOut(BaseModel):
    """P(same) against what people said."""

    state: DriftState = Field(description=_STATE)
    state_name: str = Field(description="The state in the caller's language.")
    expected_calibration_error: float | None = Field(
        ge=0, le=1, description="null: too few labelled items."
    )
    alert_above: float = Field(description="Above this it has drifted.")
    items: int = Field(description="Labelled items in the window.")
    needed: int = Field(description="How many there must be.")


class DriftResponse(BaseModel):
    """How the drift watch stands."""

    model_id: str = Field(description="Whose numbers they are.", examples=["rts-r18@2"])
    at: str = Field(description="When, ISO 8601, UTC.")
    drifted: list[str] = Field(description="What has drifted, by name.")
    signals: list[SignalOut]
    calibration: LabelledOut
    verdicts: dict[Verdict, float] = Field(description="Share of each verdict in the window.")
    reference_verdicts: dict[Verdict, float] = Field(
        description="Share of each verdict in the reference."
    )
    verdict_count: int = Field(description="Verdicts in the window.")
    verdict_drift: VerdictsOut
    dropped: int = Field(description="Verdicts that came too fast to be watched.")
