"""The lock of what is measured beside us."""

from __future__ import annotations

import re
from pathlib import Path

from packaging.requirements import Requirement

LOCKS = Path(__file__).resolve().parents[3] / "deploy" / "locks"
LOCK = (LOCKS / "peers.lock").read_text(encoding="utf-8")


def asked(name: str) -> list[Requirement]:
    lines = (LOCKS / name).read_text(encoding="utf-8").splitlines()
    return [Requirement(line) for line in lines if line and not line.startswith("#")]


def test_the_lock_has_what_is_asked_for_and_neither_torch_nor_torchvision():
    versions = dict(re.findall(r"^([\w.-]+)==([\w.+!]+)", LOCK, re.MULTILINE))

    for requirement in asked("peers.in"):
        assert requirement.specifier.contains(versions[requirement.name])
    assert not {requirement.name for requirement in asked("peers-not-locked.in")} & set(versions)


def test_every_package_has_its_hashes_and_no_place_is_named():
    entries = re.findall(r"^[\w.-]+==[^\n]*\n(.*)$", LOCK, re.MULTILINE)

    assert entries
    assert all(line.startswith("    --hash=sha256:") for line in entries)
    assert "://" not in LOCK
