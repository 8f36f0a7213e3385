"""From which PSI and which KS distance on a window has drifted, and how often that is wrong.

A window that slides is looked at a thousand times a day: a threshold for a single look would be
passed by chance every day. So these are thresholds for the largest value of a whole day, taken
from simulated days on which nothing drifts. The simulation allows for numbers that come in pairs of
equals, as if every person were photographed twice; runs of three and more raise false alarms.

There are two windows: the short one is quick to see a drift that is plain, the long one sees a
smaller one later.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ood_face.monitoring.drift_statistics import BINS, ks_distance, stability_index

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

__all__ = [
    "FALSE_ALARMS_PER_DAY",
    "FEWEST_IN_REFERENCE",
    "LONG_WINDOW",
    "PICTURES_PER_DAY",
    "STEP",
    "WINDOW",
    "Thresholds",
    "VerdictThresholds",
    "daily_maxima",
    "daily_verdict_maxima",
    "thresholds_for",
    "verdict_thresholds_for",
]

# numbers in each window, and after how many new ones they are looked at again
WINDOW = 200
LONG_WINDOW = 1000
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
    long_psi: float
    long_ks: float


# By size of the reference. Of 60,000 days that daily_maxima simulates, at most 0.07 % reach either
# threshold of the short window, 0.11 % one of the two, and 0.04 % one of the two of the long one:
# with three signals 0.4 % of the days, which leaves room for what 60,000 days cannot tell, and for
# the verdicts.
_TABLE = {
    500: Thresholds(psi=0.78, ks=0.2975, long_psi=0.27, long_ks=0.191),
    1000: Thresholds(psi=0.68, ks=0.2775, long_psi=0.182, long_ks=0.157),
    2000: Thresholds(psi=0.64, ks=0.2675, long_psi=0.138, long_ks=0.134),
    5000: Thresholds(psi=0.62, ks=0.2575, long_psi=0.12, long_ks=0.125),
}


@dataclass(frozen=True, slots=True)
class VerdictThresholds:
    """The shares of the verdicts have drifted where a window's PSI reaches one of these."""

    psi: float
    long_psi: float


# By size of the reference. What chance does to shares depends on the shares: of 23 sets of four,
# even and uneven, these are for those that reach the highest PSI. Of 10,000 simulated days of each
# of the four worst, at most 0.05 % reach either.
_OF_VERDICTS = {
    500: VerdictThresholds(psi=0.65, long_psi=0.22),
    1000: VerdictThresholds(psi=0.58, long_psi=0.165),
    2000: VerdictThresholds(psi=0.55, long_psi=0.14),
    5000: VerdictThresholds(psi=0.54, long_psi=0.12),
}


def thresholds_for(reference_count: int) -> Thresholds:
    """Return the thresholds for a reference of so many numbers.

    Parameters
    ----------
    reference_count : at least ``FEWEST_IN_REFERENCE``; between two sizes, the smaller one's
        thresholds hold, which are higher
    """
    return _TABLE[max(size for size in _TABLE if size <= reference_count)]


def verdict_thresholds_for(reference_count: int) -> VerdictThresholds:
    """Return the thresholds for a reference of so many verdicts; see :func:`thresholds_for`."""
    return _OF_VERDICTS[max(size for size in _OF_VERDICTS if size <= reference_count)]


def daily_maxima(
    rng: np.random.Generator,
    days: int,
    reference_count: int,
    per_day: int = PICTURES_PER_DAY,
    window: int = WINDOW,
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
    window : how many numbers are compared with the reference
    """
    reference = np.full(BINS, reference_count / BINS)
    found = []
    for count in _parts(days):
        # how much of what comes falls between the deciles of a reference: spacings of uniform
        # numbers
        shares = rng.dirichlet(np.full(BINS, reference_count / 2 / BINS), count)
        windows = _windows(rng, shares, per_day, window)
        psi, ks = stability_index(reference, windows), ks_distance(reference, windows)
        found.append((psi.max(axis=1), ks.max(axis=1)))
    psi, ks = (np.concatenate(parts) for parts in zip(*found, strict=True))
    return psi, ks


def daily_verdict_maxima(
    rng: np.random.Generator,
    days: int,
    reference_count: int,
    shares: Sequence[float],
    window: int = WINDOW,
) -> NDArray[np.float64]:
    """Simulate days on which each verdict keeps its share; return the largest PSI of each, (days,).

    Parameters
    ----------
    shares : (V,) of the verdicts; they sum to 1
    rng, days, reference_count, window : see :func:`daily_maxima`
    """
    found = []
    for count in _parts(days):
        reference = 2 * rng.multinomial(reference_count // 2, shares, count)
        windows = _windows(rng, np.tile(shares, (count, 1)), PICTURES_PER_DAY, window)
        found.append(stability_index(reference[:, None], windows).max(axis=1))
    return np.concatenate(found)


def _parts(days: int) -> list[int]:
    return [min(_DAYS_AT_ONCE, days - begin) for begin in range(0, days, _DAYS_AT_ONCE)]


def _windows(
    rng: np.random.Generator, shares: NDArray[np.float64], per_day: int, window: int
) -> NDArray[np.int64]:
    # (days, looks, bins): what is in the window at each look
    days, bins = shares.shape
    steps = (window + per_day) // STEP
    pairs = rng.multinomial(STEP // 2, shares[:, None, :], (days, steps))
    running = np.zeros((days, steps + 1, bins), np.int64)
    np.cumsum(2 * pairs, axis=1, out=running[:, 1:])
    width = window // STEP
    return running[:, width:] - running[:, :-width]
