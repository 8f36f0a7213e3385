"""Parts of answers that say why, and how sure that is."""

from __future__ import annotations

from pydantic import BaseModel, Field

from ood_face.types import UncertaintyLevel, UncertaintySource

__all__ = [
    "ExplanationOut",
    "ModelSpreadOut",
    "ReasonOut",
    "UncertaintyOut",
    "UncertaintyPartOut",
]

_NO_IDENTITIES = "null: the model ships no identities."
_NO_PROBABILITY = "null: there is no P(same)."


class ReasonOut(BaseModel):
    """One reason of a verdict."""

    key: str = Field(description="Stable name.", examples=["similarity.above"])
    sentence: str = Field(
        description="The reason in the caller's language.",
        examples=["The similarity 0.62 is above 0.45."],
    )
    values: dict[str, float | str] = Field(
        description="The numbers in the sentence.",
        examples=[{"similarity": 0.62, "threshold": 0.45}],
    )


class UncertaintyOut(BaseModel):
    """How sure the model is of a face; the same picture gives the same numbers."""

    rts_variance: float = Field(
        ge=0,
        description="Mean RTS variance, which ood_score is made of; no unit, lower is better.",
        examples=[1.31],
    )
    passes: int = Field(description="How many Monte Carlo passes were run.", examples=[20])
    score_mean: float = Field(
        ge=0, le=1, description="Mean ood_score over the passes.", examples=[0.81]
    )
    score_spread: float = Field(
        ge=0,
        le=0.5,
        description="Standard deviation of the ood_score over the passes.",
        examples=[0.021],
    )
    feature_spread: float = Field(
        ge=0,
        le=1,
        description="What the model does not know (epistemic): mean of 1 - cosine between the "
        "passes' features and their mean direction; 0: all the same.",
        examples=[0.012],
    )
    entropy: float | None = Field(
        ge=0,
        le=1,
        description="How ambiguous the face is (aleatoric): entropy of the probabilities over "
        f"the training identities, as a share of the largest possible. {_NO_IDENTITIES}",
        examples=[0.37],
    )
    one_minus_max_probability: float | None = Field(
        ge=0,
        le=1,
        description="How ambiguous the face is (aleatoric): 1 - the largest probability over "
        f"the training identities. {_NO_IDENTITIES}",
        examples=[0.22],
    )


class UncertaintyPartOut(BaseModel):
    """One part of a decision's uncertainty."""

    source: UncertaintySource = Field(
        description="picture: what the pictures show; model: what the network does not know "
        "(scenarios with dropout_passes); gallery: how close the next subject comes (searches); "
        "calibration: what the data that P(same) was fitted to can carry.",
        examples=["picture"],
    )
    source_name: str = Field(
        description="The source in the caller's language.", examples=["pictures"]
    )
    level: UncertaintyLevel = Field(
        description="low, moderate, high, or unknown: nothing measures it here.",
        examples=["moderate"],
    )
    level_name: str = Field(
        description="The level in the caller's language.", examples=["moderate"]
    )
    amount: float | None = Field(
        ge=0,
        le=1,
        description="Higher is less sure; not on one scale for all sources. picture: 1 - the "
        "lower ood_score. model, calibration: width of the 95 % range of P(same). gallery: "
        "needed / (needed + margin). null: unknown.",
        examples=[0.45],
    )
    reason: ReasonOut = Field(description="The same in words.")


class ModelSpreadOut(BaseModel):
    """How far a decision's numbers lie apart over the passes of Monte Carlo dropout."""

    passes: int = Field(description="How many there were.", examples=[20])
    similarity_spread: float = Field(
        ge=0, description="Standard deviation of the similarity.", examples=[0.028]
    )
    probability_range: tuple[float, float] | None = Field(
        description=f"What holds at least 95 % of the passes' P(same). {_NO_PROBABILITY}",
        examples=[[0.91, 0.98]],
    )
    total_bits: float | None = Field(
        ge=0,
        le=1,
        description=f"Entropy of the passes' mean P(same). {_NO_PROBABILITY}",
        examples=[0.31],
    )
    expected_bits: float | None = Field(
        ge=0,
        le=1,
        description="Mean entropy of the passes' P(same): doubt that every pass shares. "
        f"{_NO_PROBABILITY}",
        examples=[0.29],
    )
    unknown_bits: float | None = Field(
        ge=0,
        le=1,
        description="Their difference, the mutual information: what the model does not know. "
        f"{_NO_PROBABILITY}",
        examples=[0.02],
    )


class ExplanationOut(BaseModel):
    """How far a decision can be trusted, and what stands in the way."""

    probability_of_error: float | None = Field(
        ge=0,
        le=0.5,
        description="1 - max(p, 1 - p) of P(same): how probable it is that the likelier answer is "
        f"wrong; in a search, of the first candidate. {_NO_PROBABILITY}",
        examples=[0.007],
    )
    entropy_bits: float | None = Field(
        ge=0,
        le=1,
        description=f"Entropy of P(same): 0 is certain, 1 a coin toss. {_NO_PROBABILITY}",
        examples=[0.06],
    )
    main: UncertaintySource | None = Field(
        description="Source of the part that matters most. null: all are low.",
        examples=["picture"],
    )
    parts: list[UncertaintyPartOut] = Field(description="One for each source that has a part.")
    model: ModelSpreadOut | None = Field(
        description="What Monte Carlo dropout gave. null: the scenario asks for none."
    )
