"""How full a service is."""

from __future__ import annotations

from dataclasses import dataclass, field

__all__ = ["AdmissionLoad"]


@dataclass(frozen=True, slots=True)
class AdmissionLoad:
    """Who is inside, who waits, and who was refused.

    Attributes
    ----------
    at_work : requests inside right now
    waiting : requests that wait for a place
    workers : requests that may be inside at once
    queue_size : requests that may wait
    refused_full : so many found the queue full, since the start
    refused_late : so many waited as long as one may, since the start
    longest_s : seconds that the one inside for longest has been there; 0: nobody is inside
    """

    at_work: int = 0
    waiting: int = 0
    workers: int = 0
    queue_size: int = 0
    refused_full: int = 0
    refused_late: int = 0
    longest_s: float = field(default=0.0, compare=False)
