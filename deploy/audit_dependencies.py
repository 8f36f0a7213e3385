"""Hold the locked packages against known advisories: online where possible, else by our own list.

``python deploy/audit_dependencies.py`` runs pip-audit over ``deploy/locks/serve.lock``. Where its
service does not answer, the versions are held against ``deploy/locks/advisories.toml``, and the
output says so. Exit code 0: one of the two was done and found nothing. 1: something was found.
2: neither could be done.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

__all__ = ["Advisory", "AuditError", "audit", "found_in", "locked", "main", "online", "read_list"]

LOCKS = Path(__file__).parent / "locks"
LOCK = LOCKS / "serve.lock"
LIST = LOCKS / "advisories.toml"

# for one answer; the first that does not come ends the online audit
_ANSWER_S = 5
_WHOLE_S = 180
_PIN = re.compile(r"^([A-Za-z0-9_.-]+)==([^\s;\\]+)", re.MULTILINE)


class AuditError(Exception):
    """A file of the audit cannot be used."""


@dataclass(frozen=True, slots=True)
class Advisory:
    """What is known of a package.

    Attributes
    ----------
    package : canonical name
    id : of the advisory
    affected_from : first version that has it; None: every one before ``fixed_in``
    fixed_in : first version without it
    about : what it is
    """

    package: str
    id: str
    affected_from: Version | None
    fixed_in: Version
    about: str

    def affects(self, version: Version) -> bool:
        """Return whether a version has it."""
        since = self.affected_from is None or version >= self.affected_from
        return since and version < self.fixed_in


def locked(text: str) -> dict[str, Version]:
    """Return package -> version of a lock file's text.

    Raises
    ------
    AuditError
        It pins nothing, or a version cannot be read.
    """
    try:
        pins: dict[str, Version] = {
            canonicalize_name(name): Version(version) for name, version in _PIN.findall(text)
        }
    except InvalidVersion as exc:
        raise AuditError(str(exc)) from exc
    if not pins:
        message = "the lock file pins no package"
        raise AuditError(message)
    return pins


def read_list(text: str) -> tuple[list[Advisory], str]:
    """Return the advisories of our own list, and the day of its last review.

    Raises
    ------
    AuditError
        It is no list of advisories, or it is empty.
    """
    try:
        document = tomllib.loads(text)
        advisories = [_advisory(entry) for entry in document["advisory"]]
        reviewed = str(document["reviewed"])
    except (tomllib.TOMLDecodeError, InvalidVersion, KeyError, TypeError) as exc:
        message = f"the list of advisories cannot be read: {exc}"
        raise AuditError(message) from exc
    if not advisories:
        message = "the list of advisories is empty"
        raise AuditError(message)
    return advisories, reviewed


def found_in(pins: Mapping[str, Version], advisories: Sequence[Advisory]) -> list[str]:
    """Return a line for each advisory that a locked version has."""
    return [
        f"{one.package} {pins[one.package]}: {one.id}, fixed in {one.fixed_in}: {one.about}"
        for one in advisories
        if one.package in pins and one.affects(pins[one.package])
    ]


def online(lock: Path) -> list[str] | None:
    """Return a line for each advisory that pip-audit finds; None: its service did not answer."""
    command = [sys.executable, "-m", "pip_audit", "--requirement", str(lock), "--disable-pip"]
    command += ["--vulnerability-service", "osv", "--timeout", str(_ANSWER_S)]
    command += ["--progress-spinner", "off", "--format", "json", "--desc", "off"]
    try:
        # our own interpreter with arguments of ours
        ended = subprocess.run(  # noqa: S603
            command, capture_output=True, text=True, timeout=_WHOLE_S, check=False
        )
        return _lines(json.loads(ended.stdout))
    except (OSError, subprocess.TimeoutExpired, ValueError, KeyError, TypeError):
        # it writes a report only where it could ask for every package
        return None


def audit(
    lock: Path, own_list: Path, ask: Callable[[Path], list[str] | None], say: Callable[[str], None]
) -> int:
    """Do the audit and return the exit code; see the module.

    Parameters
    ----------
    lock : the lock file
    own_list : what is used where nobody answers
    ask : the online audit
    say : takes each line of the output
    """
    try:
        pins = locked(lock.read_text(encoding="utf-8"))
        found = ask(lock)
        if found is None:
            advisories, reviewed = read_list(own_list.read_text(encoding="utf-8"))
            known = {one.package for one in advisories} & set(pins)
            say(f"dependencies: the online audit COULD NOT BE DONE: no answer; {own_list.name} of")
            say(f"  {reviewed} is used: {len(advisories)} advisories about {len(known)} of the")
            say(f"  {len(pins)} packages in {lock.name}. It knows nothing that came out later.")
            found = found_in(pins, advisories)
        else:
            say(f"dependencies: audited online: {len(pins)} packages in {lock.name}")
    except (OSError, AuditError) as exc:
        say(f"dependencies: NOT AUDITED: {exc}")
        return 2
    for line in found:
        say(f"  {line}")
    say(f"dependencies: {len(found) or 'no'} known advisories affect the locked versions")
    return 1 if found else 0


def main() -> int:
    """Audit the lock file for serving; return the exit code."""
    return audit(LOCK, LIST, online, _say)


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")


def _advisory(entry: Mapping[str, str]) -> Advisory:
    since = entry.get("affected_from")
    return Advisory(
        canonicalize_name(entry["package"]),
        entry["id"],
        None if since is None else Version(since),
        Version(entry["fixed_in"]),
        entry["about"],
    )


def _lines(report: Mapping[str, Any]) -> list[str]:
    found = []
    for package in report["dependencies"]:
        for one in package.get("vulns", ()):
            fixed = ", ".join(one["fix_versions"]) or "no version yet"
            found.append(f"{package['name']} {package['version']}: {one['id']}, fixed in {fixed}")
    return found


if __name__ == "__main__":
    sys.exit(main())
