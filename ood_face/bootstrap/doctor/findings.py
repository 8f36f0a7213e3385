"""What a check has found: a state, a sentence, and what to do."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ood_face.errors import OodFaceError

__all__ = ["Finding", "State", "failed", "ok", "problem", "warning"]


class State(StrEnum):
    """How something stands.

    ``warning``: it works, and somebody should look; ``problem``: the server does not start, or
    loses something.
    """

    OK = "ok"
    WARNING = "warning"
    PROBLEM = "problem"


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check has found.

    Attributes
    ----------
    check : its name, such as ``weights``
    state : how it stands
    key : of the sentence; the one that says what to do has ``_todo`` after it, unless all is well
    values : what goes into both
    error : says what was found, in place of the sentence; None: nothing was raised
    """

    check: str
    state: State
    key: str
    values: Mapping[str, object] = field(default_factory=dict)
    error: OodFaceError | None = None

    @property
    def todo(self) -> str | None:
        """Key of what to do; None: nothing."""
        return None if self.state is State.OK else f"{self.key}_todo"


def ok(check: str, key: str, **values: object) -> Finding:
    """Return that all is well."""
    return Finding(check, State.OK, key, values)


def warning(check: str, key: str, **values: object) -> Finding:
    """Return what somebody should look at."""
    return Finding(check, State.WARNING, key, values)


def problem(check: str, key: str, **values: object) -> Finding:
    """Return what keeps the server from its work."""
    return Finding(check, State.PROBLEM, key, values)


def failed(
    check: str, key: str, error: OodFaceError, state: State = State.PROBLEM, **values: object
) -> Finding:
    """Return an error as what was found; only what to do has a sentence at the key."""
    return Finding(check, state, key, values, error)
