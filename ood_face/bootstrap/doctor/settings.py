"""The settings: readable, valid, and none misspelt."""

from __future__ import annotations

import difflib
import stat
from typing import TYPE_CHECKING, Any

from ood_face.bootstrap.doctor.findings import failed, ok, problem, warning
from ood_face.bootstrap.reading import read_settings
from ood_face.config import PROJECT_ROOT, Settings, given
from ood_face.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ood_face.bootstrap.doctor.findings import Finding
    from ood_face.config import Given

__all__ = ["check_settings", "settings_or_defaults"]

_PREFIX = "OOD_FACE_"
_SECRET = {"OOD_FACE_MILVUS_TOKEN"}


def settings_or_defaults() -> tuple[Settings, list[ConfigError]]:
    """Return the settings, with the default in place of each one that is wrong, and the errors."""
    fields = Settings.model_fields
    errors: list[ConfigError] = []
    defaults: dict[str, Any] = {}
    while True:
        try:
            return read_settings(**defaults), errors
        except ConfigError as exc:
            name = str(exc.values["name"]).lower()
            if name not in fields or name in defaults:
                raise  # of no single setting
            errors.append(exc)
            defaults[name] = fields[name].get_default(call_default_factory=True)


def check_settings(errors: list[ConfigError]) -> Iterator[Finding]:
    """Say what is wrong with the settings, or that nothing is.

    Parameters
    ----------
    errors : what :func:`settings_or_defaults` met
    """
    found = given()
    findings = [failed("settings", "settings_wrong", error) for error in errors]
    findings += _unknown(found)
    findings += _file(found)
    yield from findings
    if not findings:
        count = len(found.names)
        if found.file is None:
            yield ok("settings", "settings_no_file", count=count)
        else:
            yield ok("settings", "settings_sound", count=count, file=str(found.file))


def _unknown(found: Given) -> Iterator[Finding]:
    known = [name.upper() for name in Settings.model_fields]
    for name, where in sorted(found.names.items()):
        own = name.removeprefix(_PREFIX)
        if own in known:
            continue
        near = difflib.get_close_matches(own, known, n=1)
        if near:
            meant = f"{_PREFIX}{near[0]}"
            yield warning("settings", "settings_misspelt", name=name, where=where, near=meant)
        else:
            yield warning("settings", "settings_unknown", name=name, where=where)


def _file(found: Given) -> Iterator[Finding]:
    if found.problem:
        yield problem("settings", "settings_unreadable", file=str(found.file), reason=found.problem)
    elif found.file is None:
        usual = PROJECT_ROOT / ".env"
        if usual.is_file():
            yield warning("settings", "settings_elsewhere", file=str(usual))
    elif _is_open(found.file) and any(found.names.get(name) == str(found.file) for name in _SECRET):
        yield warning("settings", "settings_open", file=str(found.file))


def _is_open(file: Path) -> bool:
    return bool(stat.S_IMODE(file.stat().st_mode) & (stat.S_IRGRP | stat.S_IROTH))
