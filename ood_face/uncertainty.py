"""How sure a model is of its features: values of one face, and of many.

Three questions, three kinds of number. The RTS variance says how far a picture is from a good
face. Monte Carlo dropout asks the head several times, each time with other inputs left out: how
far its answers lie apart is what the model does not know (epistemic). The class probabilities
over the identities of the training set say how ambiguous the face is (aleatoric).
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Literal

import numpy as np

from ood_face.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

__all__ = [
    "DEFAULT_PASSES",
    "MAX_DECISION_PASSES",
    "MAX_PASSES",
    "MIN_DECISION_PASSES",
    "MIN_PASSES",
    "Uncertainties",
    "Uncertainty",
    "UncertaintyMethod",
    "check_passes",
    "no_dropout",
    "uncertainty_columns",
    "wanted_passes",
]

# how to estimate: Monte Carlo dropout
UncertaintyMethod = Literal["mc"]

# A spread takes two numbers; past 200 passes its own error, which falls with the square root of
# their number, is below 5 %.
MIN_PASSES = 2
MAX_PASSES = 200
DEFAULT_PASSES = 20
# In a decision: fewer than 10 passes say little of where 95 % of them lie; each takes its time.
MIN_DECISION_PASSES = 10
MAX_DECISION_PASSES = 30


def check_passes(passes: int) -> None:
    """Refuse a number of Monte Carlo passes outside 2..200.

    Raises
    ------
    InputError
        It is no such integer; names the limits.
    """
    if not isinstance(passes, int) or not MIN_PASSES <= passes <= MAX_PASSES:
        raise InputError(
            "uncertainty.passes",
            "passes must be an integer from {low} to {high}, this is {got}",
            low=MIN_PASSES,
            high=MAX_PASSES,
            got=repr(passes)[:64],
        )


def wanted_passes(uncertainty: UncertaintyMethod | None, passes: int) -> int | None:
    """Return how many passes a request asks for; None: no uncertainty is wanted.

    Raises
    ------
    InputError
        There is no such method, or ``passes`` is out of range.
    """
    if uncertainty is None:
        return None
    if uncertainty != "mc":
        raise InputError(
            "uncertainty.method",
            "uncertainty must be mc or left out, this is {got}",
            got=repr(uncertainty)[:64],
        )
    check_passes(passes)
    return passes


def no_dropout(model_id: str) -> InputError:
    """Return the error of a model that was trained without dropout."""
    return InputError(
        "uncertainty.no_dropout",
        "the model {model} cannot estimate its uncertainty: it was trained without dropout",
        model=model_id,
    )


@dataclass(frozen=True, slots=True)
class Uncertainty:
    """How sure the model is of one face. No field has a unit; higher is less sure.

    Attributes
    ----------
    rts_variance : mean RTS variance, > 0; what ``ood_score`` is made of
    passes : how many times the head was run with dropout
    score_mean : mean ``ood_score`` of the passes, 0..1; the one number where higher is better
    score_spread : standard deviation of the ``ood_score`` over the passes, 0..0.5
    feature_spread : mean of 1 - cosine between the passes' features and their mean
        direction, 0..1 (epistemic)
    entropy : entropy of the probabilities over the training identities, divided by its largest
        possible value, 0..1 (aleatoric); None: the model ships no identities
    one_minus_max_probability : 1 - the largest of these probabilities, 0..1 (aleatoric); None:
        the model ships no identities
    """

    rts_variance: float
    passes: int
    score_mean: float
    score_spread: float
    feature_spread: float
    entropy: float | None
    one_minus_max_probability: float | None


@dataclass(frozen=True, slots=True, eq=False)
class Uncertainties:
    """:class:`Uncertainty` of N faces: ``passes``, and else float32 arrays of shape (N,)."""

    rts_variance: NDArray[np.float32]
    passes: int
    score_mean: NDArray[np.float32]
    score_spread: NDArray[np.float32]
    feature_spread: NDArray[np.float32]
    entropy: NDArray[np.float32] | None
    one_minus_max_probability: NDArray[np.float32] | None

    def __post_init__(self) -> None:
        count = len(self.rts_variance)
        for name in ("rts_variance", "score_mean", "score_spread", "feature_spread"):
            object.__setattr__(self, name, _frozen(getattr(self, name), count))
        for name in ("entropy", "one_minus_max_probability"):
            values = getattr(self, name)
            if values is not None:
                object.__setattr__(self, name, _frozen(values, count))

    def __len__(self) -> int:
        return len(self.rts_variance)

    def of(self, index: int) -> Uncertainty:
        """Return the values of one face."""
        entropy, doubt = self.entropy, self.one_minus_max_probability
        return Uncertainty(
            rts_variance=float(self.rts_variance[index]),
            passes=self.passes,
            score_mean=float(self.score_mean[index]),
            score_spread=float(self.score_spread[index]),
            feature_spread=float(self.feature_spread[index]),
            entropy=None if entropy is None else float(entropy[index]),
            one_minus_max_probability=None if doubt is None else float(doubt[index]),
        )


def uncertainty_columns(
    found: Sequence[Uncertainty | None],
) -> dict[str, NDArray[np.float32]]:
    """Return float32 arrays (N,) by name for a table; NaN where a number is missing.

    Empty where nobody asked for any.
    """
    if all(one is None for one in found):
        return {}
    return {
        field.name: np.array(
            [np.nan if one is None else getattr(one, field.name) for one in found], np.float32
        )
        for field in fields(Uncertainty)
    }


def _frozen(array: NDArray[np.floating], count: int) -> NDArray[np.float32]:
    copied = np.array(array, dtype=np.float32)
    if copied.shape != (count,):
        raise InputError(
            "array.shape",
            "expected an array of shape {expected}, got {got}",
            expected=(count,),
            got=copied.shape,
        )
    copied.flags.writeable = False
    return copied
