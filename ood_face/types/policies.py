"""What is known of a calibration that is in force."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["CalibrationFacts"]


@dataclass(frozen=True, slots=True)
class CalibrationFacts:
    """Where a calibration comes from, and how well it holds.

    Attributes
    ----------
    name : as scenarios and requests name it; ``model``: the model's own P(same)
    method : ``temperature``, ``vector`` or ``isotonic``; of P(same) of the model: ``evidence``
    model_id : whose similarities it is for
    file_sha256 : of the file, in hex: it tells whether the file has changed since
    made : when it was fitted, ISO 8601; None: the file does not say
    error_before, error_after : expected calibration error (ECE) on people it was not fitted to,
        0..1, lower is better; None: the file does not say
    counts : how much data it was fitted to and tested on, such as ``people``
    data_fingerprint : of the data it was fitted to; None: the file does not say
    """

    name: str
    method: str
    model_id: str
    file_sha256: str
    made: str | None = None
    error_before: float | None = None
    error_after: float | None = None
    counts: Mapping[str, int] = field(default_factory=dict)
    data_fingerprint: str | None = None
