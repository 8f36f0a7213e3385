"""What a server has in force, as it notes it in the data folder for other processes."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from ood_face.storage import file_errors, write_atomically

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ood_face.service import Policies

__all__ = ["PolicyChange", "PolicyCheck", "compare_policies", "note_policies"]

# in the data folder
FILE = "policies.json"


@dataclass(frozen=True, slots=True)
class PolicyChange:
    """One thing that a reload would change.

    Attributes
    ----------
    what : ``scenario gate same_above``, or ``calibration night``
    before, after : its value, or the sha256 of its file; None: it is not there, or not set
    """

    what: str
    before: object
    after: object


@dataclass(frozen=True, slots=True)
class PolicyCheck:
    """What a reload would do.

    Attributes
    ----------
    scenarios, calibrations : how many there would be, besides the model's own P(same)
    loaded_at : since when the server has what it has, ISO 8601, UTC; None: no server has noted
        in this data folder what it has
    changes : in which that differs
    """

    scenarios: int
    calibrations: int
    loaded_at: str | None
    changes: tuple[PolicyChange, ...]


def note_policies(data_dir: Path, policies: Policies) -> None:
    """Write down what is in force.

    Raises
    ------
    StorageError
        It cannot be written; what was there is as it was.
    """
    path = data_dir / FILE
    document = {"loaded_at": policies.loaded_at.isoformat(timespec="seconds"), **_table(policies)}
    with file_errors(path):
        data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    with write_atomically(path) as temporary:
        temporary.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


def compare_policies(data_dir: Path, policies: Policies) -> PolicyCheck:
    """Say in what policies differ from what a server has noted last."""
    noted, after = _noted(data_dir / FILE), _table(policies)
    loaded_at = None if noted is None else noted["loaded_at"]
    changes = () if noted is None else tuple(_changes(noted, after))
    return PolicyCheck(len(policies.scenarios), len(policies.calibrations), loaded_at, changes)


def _table(policies: Policies) -> dict[str, Any]:
    # as JSON gives it back: lists, no tuples
    scenarios = {name: asdict(one) for name, one in policies.scenarios.items()}
    found: dict[str, Any] = json.loads(json.dumps({"scenarios": scenarios}))
    return found | {"calibrations": {facts.name: facts.file_sha256 for facts in policies.facts}}


def _noted(path: Path) -> dict[str, Any] | None:
    # what is not readable says as much as what is not there
    try:
        noted = json.loads(path.read_text(encoding="utf-8"))
        tables = [*noted["scenarios"].values(), noted["calibrations"]]
        sound = isinstance(noted["loaded_at"], str) and all(isinstance(t, dict) for t in tables)
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return None
    return noted if sound else None


def _changes(before: dict[str, Any], after: dict[str, Any]) -> Iterator[PolicyChange]:
    old, new = before["scenarios"], after["scenarios"]
    for name in dict.fromkeys((*old, *new)):
        if name not in old or name not in new:
            yield PolicyChange(f"scenario {name}", _there(name, old), _there(name, new))
            continue
        for key in dict.fromkeys((*old[name], *new[name])):
            was, will = old[name].get(key), new[name].get(key)
            if was != will:
                yield PolicyChange(f"scenario {name} {key}", was, will)
    old, new = before["calibrations"], after["calibrations"]
    for name in dict.fromkeys((*old, *new)):
        if old.get(name) != new.get(name):
            yield PolicyChange(f"calibration {name}", old.get(name), new.get(name))


def _there(name: str, table: dict[str, Any]) -> bool | None:
    return True if name in table else None
