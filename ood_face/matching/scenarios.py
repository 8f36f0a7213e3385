"""Scenarios: named thresholds, read from TOML and checked."""

from __future__ import annotations

import json
import re
import tomllib
from dataclasses import fields, replace
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from ood_face.errors import ConfigError
from ood_face.storage import write_atomically
from ood_face.types import MODEL_CALIBRATION, NO_CALIBRATION, Policy, Scenario
from ood_face.uncertainty import MAX_DECISION_PASSES, MIN_DECISION_PASSES

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["add_scenario", "check_new_scenario", "load_scenarios"]

_BUILT_IN = Path(__file__).with_name("scenarios.toml")

# field -> (lowest, highest): similarities are cosines, scores lie in 0..1
_RANGES: dict[str, tuple[float, float]] = {
    "same_above": (-1.0, 1.0),
    "different_below": (-1.0, 1.0),
    "recapture_below": (0.0, 1.0),
    "same_needs_score_above": (0.0, 1.0),
    "enroll_needs_score_above": (0.0, 1.0),
    "identify_needs_margin_above": (0.0, 2.0),
    "same_probability_above": (0.0, 1.0),
    "different_probability_below": (0.0, 1.0),
    "same_prior": (1e-9, 1 - 1e-9),
}
_SHOWN = 100  # characters of a wrong value
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_FIELDS = tuple(field.name for field in fields(Scenario) if field.name != "name")


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
    if not _NAME.fullmatch(name):
        raise ConfigError(
            "scenarios.name",
            "{name} cannot name a scenario: small letters, digits, . _ -, at most 64",
            name=_shown(name),
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
    for key in _FIELDS:
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
        if key not in _FIELDS:
            raise ConfigError(
                "scenarios.unknown_field",
                "{file}: scenario {scenario} has an unknown field {field}; known: {known}",
                **where,
                field=key,
                known=", ".join(_FIELDS),
            )
        values[key] = _checked(where, key, value)
    scenario = replace(base, **values)
    _check_together(where, scenario)
    return scenario


def _checked(
    where: dict[str, str], key: str, value: object
) -> bool | float | str | tuple[str, ...] | None:
    if key == "calibration_configs":
        return _calibrations(where, value)
    if key == "dropout_passes":
        return _dropout_passes(where, value)
    if key == "calibration":
        return _calibration(where, value)
    if key == "policy":
        return _policy(where, value)
    if key not in _RANGES:
        if isinstance(value, bool):
            return value
        raise ConfigError(
            "scenarios.not_boolean",
            "{file}: scenario {scenario}: {field} must be true or false, not {value}",
            **where,
            field=key,
            value=_shown(value),
        )
    # a TOML boolean is a Python int as well, and is no threshold
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ConfigError(
            "scenarios.not_number",
            "{file}: scenario {scenario}: {field} must be a number, not {value}",
            **where,
            field=key,
            value=_shown(value),
        )
    low, high = _RANGES[key]
    if not low <= value <= high:  # also where it is NaN
        raise ConfigError(
            "scenarios.out_of_range",
            "{file}: scenario {scenario}: {field} must lie in {low}..{high}, not {value}",
            **where,
            field=key,
            low=low,
            high=high,
            value=_shown(value),
        )
    return float(value)


def _dropout_passes(where: dict[str, str], value: object) -> int:
    # a TOML boolean is a Python int as well
    whole = value if isinstance(value, int) and not isinstance(value, bool) else -1
    if whole == 0 or MIN_DECISION_PASSES <= whole <= MAX_DECISION_PASSES:
        return whole
    raise ConfigError(
        "scenarios.dropout_passes",
        "{file}: scenario {scenario}: dropout_passes must be 0 (off) or an integer from {low} to "
        "{high}, not {value}",
        **where,
        low=MIN_DECISION_PASSES,
        high=MAX_DECISION_PASSES,
        value=_shown(value),
    )


def _calibration(where: dict[str, str], value: object) -> str | None:
    if not _names_calibration(value):
        raise ConfigError(
            "scenarios.calibration",
            "{file}: scenario {scenario}: calibration must be the name of a calibration (small "
            "letters, digits, . _ -, at most 64), {model} or {none}; this is {value}",
            **where,
            model=MODEL_CALIBRATION,
            none=NO_CALIBRATION,
            value=_shown(value),
        )
    return None if value == MODEL_CALIBRATION else str(value)


def _calibrations(where: dict[str, str], value: object) -> tuple[str, ...]:
    names = value if isinstance(value, list) else [None]
    if not all(_names_calibration(name) for name in names) or len(set(names)) < len(names):
        raise ConfigError(
            "scenarios.calibration_configs",
            "{file}: scenario {scenario}: calibration_configs must be a list of different names of "
            "calibrations, {model} or {none}; this is {value}",
            **where,
            model=MODEL_CALIBRATION,
            none=NO_CALIBRATION,
            value=_shown(value),
        )
    return tuple(names)


def _names_calibration(value: object) -> bool:
    return isinstance(value, str) and _NAME.fullmatch(value) is not None


def _policy(where: dict[str, str], value: object) -> Policy:
    if not isinstance(value, str) or value not in list(Policy):
        raise ConfigError(
            "scenarios.policy",
            "{file}: scenario {scenario}: policy must be one of {known}, not {value}",
            **where,
            known=", ".join(Policy),
            value=_shown(value),
        )
    return Policy(value)


def _shown(value: object) -> str:
    # one wrong value fills no log
    try:
        text = repr(value)
    except ValueError:  # Python writes no integer of more than 4300 digits
        return "a number of thousands of digits"
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."


def _check_together(where: dict[str, str], scenario: Scenario) -> None:
    if scenario.different_below > scenario.same_above:
        raise ConfigError(
            "scenarios.crossed",
            "{file}: scenario {scenario}: {field} ({low}) must not exceed same_above ({high})",
            **where,
            field="different_below",
            low=scenario.different_below,
            high=scenario.same_above,
        )
    if scenario.different_probability_below > scenario.same_probability_above:
        raise ConfigError(
            "scenarios.probabilities_crossed",
            "{file}: scenario {scenario}: {field} ({low}) must not exceed "
            "same_probability_above ({high})",
            **where,
            field="different_probability_below",
            low=scenario.different_probability_below,
            high=scenario.same_probability_above,
        )
    if scenario.similarity_alone and scenario.same_needs_score_above is not None:
        raise ConfigError(
            "scenarios.contradiction",
            "{file}: scenario {scenario}: {field} contradicts similarity_alone = true; "
            "leave one of them out",
            **where,
            field="same_needs_score_above",
        )
