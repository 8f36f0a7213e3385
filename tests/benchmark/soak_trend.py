"""Whether what a process holds stays the same while it works."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["SETTLED_SHARE", "Held", "Trend", "trend_of"]

# of the requests, after which nothing may grow any more
SETTLED_SHARE = 0.1


@dataclass(frozen=True, slots=True)
class Held:
    """What a process holds after so many requests, with none under way.

    Attributes
    ----------
    resident_mb : memory, 10^6 bytes
    descriptors : open files and sockets
    """

    requests: int
    resident_mb: float
    descriptors: int
    threads: int


@dataclass(frozen=True, slots=True)
class Trend:
    """How one number went from a tenth of the requests to the last.

    Attributes
    ----------
    at_first : of the least-squares line at a tenth
    growth : of that line from there to the end
    largest : of all numbers from there on
    highest : of the means over so many numbers in a row as ``trend_of`` was told
    """

    at_first: float
    growth: float
    largest: float
    highest: float

    def is_flat(self, share: float, spare: float = 0.0) -> bool:
        """Return whether neither the line's end nor any mean lies too far above its beginning.

        Parameters
        ----------
        share : that may be added
        spare : that may be added beside it, in the number's unit
        """
        limit = self.at_first * share + spare
        return self.growth <= limit and self.highest - self.at_first <= limit


def trend_of(requests: Sequence[int], numbers: Sequence[float], together: int = 1) -> Trend:
    """Return the trend of some numbers over the requests they were taken after.

    Parameters
    ----------
    requests, numbers : as many
    together : means over so many numbers in a row are looked at, of all where there are fewer:
        what goes up and down by itself must not stay up

    Raises
    ------
    ValueError
        Fewer than two were taken after a tenth of the requests.
    """
    at = np.asarray(requests, dtype=np.float64)
    values = np.asarray(numbers, dtype=np.float64)
    settled = at >= SETTLED_SHARE * at[-1]
    if settled.sum() < 2:
        problem = f"a trend needs two numbers, {settled.sum()} were taken late enough"
        raise ValueError(problem)
    at, values = at[settled], values[settled]
    slope, offset = np.polyfit(at, values, 1)
    together = min(together, len(values))
    means = np.convolve(values, np.full(together, 1 / together), "valid")
    return Trend(
        at_first=float(offset + slope * at[0]),
        growth=float(slope * (at[-1] - at[0])),
        largest=float(values.max()),
        highest=float(means.max()),
    )
