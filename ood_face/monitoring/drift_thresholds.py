"""From which PSI and which KS distance on a window has drifted, and how often that is wrong.

A window that slides is looked at a thousand times a day: a threshold for a single look would be
passed by chance every day. So these are thresholds for the largest value of a whole day, taken
from simulated days on which nothing drifts. The simulation assumes the worst of what cameras do to
independence: that numbers come in pairs of equals, as if every person were photographed twice.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ood_face.monitoring.drift_statistics import BINS, ks_distance, stability_index

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = [
    "FALSE_ALARMS_PER_DAY",
    "FEWEST_IN_REFERENCE",
    "PICTURES_PER_DAY",
    "STEP",
    "WINDOW",
    "Thresholds",
    "daily_maxima",
    "thresholds_for",
]

# numbers in a window, and after how many new ones it is looked at again
WINDOW = 200
STEP = 10
# all signals together, at this rate of each; fewer pictures give fewer false alarms
FALSE_ALARMS_PER_DAY = 0.01
PICTURES_PER_DAY = 10_000
FEWEST_IN_REFERENCE = 500

# days drawn at once: a few ten megabytes
_DAYS_AT_ONCE = 50


@dataclass(frozen=True, slots=True)
class Thresholds:
    """A window has drifted where its PSI or its KS distance reaches one of these."""

    psi: float
    ks: float


# By size of the reference. Of 60,000 days that daily_maxima(default_rng(size), ...) simulates, at
# most 0.07 % reach either threshold and 0.11 % one of the two: with three signals 0.3 % of the
# days, which leaves room for what 60,000 days cannot tell.
_TABLE = {
    500: Thresholds(psi=0.78, ks=0.2975),
    1000: Thresholds(psi=0.68, ks=0.2775),
    2000: Thresholds(psi=0.64, ks=0.2675),
    5000: Thresholds(psi=0.62, ks=0.2575),
}


def thresholds_for(reference_count: int) -> Thresholds:
    """Return the thresholds for a reference of so many numbers.

    Parameters
    ----------
    reference_count : at least ``FEWEST_IN_REFERENCE``; between two sizes, the smaller one's
        thresholds hold, which are higher
    """
    return _TABLE[max(size for size in _TABLE if size <= reference_count)]


def daily_maxima(
    rng: np.random.Generator, days: int, reference_count: int, per_day: int = PICTURES_PER_DAY
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Simulate days without drift; return the largest PSI and KS distance of each, (days,).

    Every day has a reference of its own: it is part of what chance decides. Numbers come in pairs
    of equals, in the reference and on the day.

    Parameters
    ----------
    rng : seeded by the caller
    days : how many
    reference_count : numbers in the reference
    per_day : numbers of a day
    """
    found = [
        _maxima(rng, min(_DAYS_AT_ONCE, days - begin), reference_count, per_day)
        for begin in range(0, days, _DAYS_AT_ONCE)
    ]
    psi, ks = (np.concatenate(parts) for parts in zip(*found, strict=True))
    return psi, ks


def _maxima(
    rng: np.random.Generator, days: int, reference_count: int, per_day: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    # how much of what comes falls between the deciles of a reference: spacings of uniform numbers
    probabilities = rng.dirichlet(np.full(BINS, reference_count / 2 / BINS), days)
    steps = (WINDOW + per_day) // STEP
    pairs = rng.multinomial(STEP // 2, probabilities[:, None, :], (days, steps))
    running = np.cumsum(2 * pairs, axis=1)
    windows = running[:, WINDOW // STEP :] - running[:, : -(WINDOW // STEP)]
    reference = np.full(BINS, reference_count / BINS)
    psi, ks = stability_index(reference, windows), ks_distance(reference, windows)
    return psi.max(axis=1), ks.max(axis=1)
