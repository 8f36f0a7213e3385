"""Scenarios: named thresholds, read from TOML files and added to them."""

from __future__ import annotations

import json
import tomllib
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from ood_face.errors import ConfigError
from ood_face.matching.scenario_fields import (
    FIELDS,
    NAME,
    check_together,
    checked_field,
    shown,
)
from ood_face.storage import write_atomically
from ood_face.types import Scenario

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["add_scenario", "check_new_scenario", "load_scenarios"]

_BUILT_IN = Path(__file__).with_name("scenarios.toml")


def load_scenarios(*extra: Path) -> Mapping[str, Scenario]:
    """Return the built-in scenarios and those of files, by name.

    Parameters
    ----------
    extra : TOML files with one table per scenario, one after the other; they add to the built-in
        ones. A table with the name of one that is known changes what it names: the rest stays

    Raises
    ------
    ConfigError
        The file can't be read, or a scenario in it is wrong; names file, scenario and field.
    """
    scenarios = _read(_BUILT_IN, {})
    for path in extra:
        scenarios |= _read(path, scenarios)
    return MappingProxyType(scenarios)


def check_new_scenario(path: Path, name: str) -> None:
    """Refuse a scenario that :func:`add_scenario` could not add, before the work for it is done.

    Raises
    ------
    ConfigError
        The file, if it is there, has a scenario of this name or is wrong, the name is none, or it
        is that of a built-in scenario, which would change.
    """
    if not NAME.fullmatch(name):
        raise ConfigError(
            "scenarios.name",
            "{name} cannot name a scenario: small letters, digits, . _ -, at most 64",
            name=shown(name),
        )
    if name in _read(_BUILT_IN, {}):
        raise ConfigError(
            "scenarios.built_in",
            "{scenario} is a built-in scenario, which would change: choose another name",
            scenario=name,
        )
    if path.exists() and name in _read(path, {}):
        raise ConfigError(
            "scenarios.present",
            "{file} has a scenario {scenario} already: choose another name, or take it out",
            file=str(path),
            scenario=name,
        )


def add_scenario(path: Path, scenario: Scenario) -> None:
    """Add a scenario at the end of a file, which may not be there yet; nothing else changes.

    Raises
    ------
    ConfigError
        See :func:`check_new_scenario`.
    StorageError
        The file can't be written; it is as it was.
    """
    check_new_scenario(path, scenario.name)
    lines = [f'["{scenario.name}"]']
    for key in FIELDS:
        value = getattr(scenario, key)
        if value is not None and value != ():
            lines.append(f"{key} = {json.dumps(value)}")
    path = path.resolve()  # a link stays one
    before, mode = "", 0o644
    if path.exists():
        before, mode = path.read_text(encoding="utf-8").rstrip("\n"), path.stat().st_mode & 0o777
    with write_atomically(path) as temporary:
        text = "\n".join(([before, ""] if before else []) + lines) + "\n"
        temporary.write_text(text, encoding="utf-8")
        temporary.chmod(mode)
        _read(temporary, {})


def _read(path: Path, known: Mapping[str, Scenario]) -> dict[str, Scenario]:
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as exc:
        raise ConfigError(
            "scenarios.unreadable",
            "the scenario file {file} cannot be read: {problem}",
            file=str(path),
            problem=exc.strerror or type(exc).__name__,
        ) from exc
    except (ValueError, RecursionError) as exc:  # no TOML, no UTF-8, or nested too deeply
        raise ConfigError(
            "scenarios.not_toml",
            "the scenario file {file} is not valid TOML: {problem}",
            file=str(path),
            problem=str(exc),
        ) from exc
    return {
        name: _scenario(path, known.get(name, Scenario(name)), table)
        for name, table in tables.items()
    }


def _scenario(path: Path, base: Scenario, table: object) -> Scenario:
    where = {"file": str(path), "scenario": base.name}
    if not isinstance(table, dict):
        raise ConfigError(
            "scenarios.not_table",
            "{file}: {scenario} must be a table of thresholds, [{scenario}]",
            **where,
        )
    values: dict[str, Any] = {}
    for key, value in table.items():
        if key not in FIELDS:
            raise ConfigError(
                "scenarios.unknown_field",
                "{file}: scenario {scenario} has an unknown field {field}; known: {known}",
                **where,
                field=key,
                known=", ".join(FIELDS),
            )
        values[key] = checked_field(where, key, value)
    scenario = replace(base, **values)
    check_together(where, scenario)
    return scenario
