"""How a task behind the page is doing, and how it learns that nobody wants it any more."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ood_face.errors import OodFaceError

__all__ = ["JobCancelled", "JobState", "JobView", "Progress", "Step"]


class JobCancelled(Exception):  # noqa: N818 - no error: the visitor wanted it
    """Ends work that was cancelled and has nothing to show for it."""


class JobState(StrEnum):
    """Where a job is; ``cancelled`` may have a result: what was done until then."""

    WAITING = "waiting"
    WORKING = "working"
    DONE = "done"
    CANCELLED = "cancelled"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Step:
    """How far work has come.

    Attributes
    ----------
    done, total : of whatever is counted; total 0: nobody knows yet
    what : what it is at, such as a file name
    """

    done: int = 0
    total: int = 0
    what: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class JobView:
    """A job as it was when it was looked at.

    Attributes
    ----------
    state : where it is
    step : how far it has come
    ahead : so many jobs begin before it; 0 unless it waits
    result : what the work returned; None: nothing, or it is not finished
    error : why it failed; None: it did not
    """

    state: JobState
    step: Step
    ahead: int = 0
    result: Any = None
    error: OodFaceError | None = None

    @property
    def ended(self) -> bool:
        """Whether nothing more will come."""
        return self.state not in (JobState.WAITING, JobState.WORKING)


class Progress:
    """What work says of itself, and how it learns that nobody wants it any more."""

    def __init__(self) -> None:
        self.step = Step()
        self._unwanted = threading.Event()

    def tell(self, done: int, total: int, what: str = "") -> None:
        """Say how far the work has come."""
        self.step = Step(done, total, what)

    @property
    def cancelled(self) -> bool:
        """Whether the work should end soon, with what it has."""
        return self._unwanted.is_set()

    def check(self) -> None:
        """Raise JobCancelled if the work was cancelled: for work with nothing to show for it."""
        if self.cancelled:
            raise JobCancelled

    def cancel(self) -> None:
        """Ask the work to end."""
        self._unwanted.set()
