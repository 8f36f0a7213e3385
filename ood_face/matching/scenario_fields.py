"""What may stand in each field of a scenario."""

from __future__ import annotations

import re
from dataclasses import fields

from ood_face.errors import ConfigError
from ood_face.types import MODEL_CALIBRATION, NO_CALIBRATION, Policy, Scenario
from ood_face.uncertainty import MAX_DECISION_PASSES, MIN_DECISION_PASSES

__all__ = ["FIELDS", "NAME", "check_together", "checked_field", "shown"]

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
# of a scenario, and of a calibration
NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
FIELDS = tuple(field.name for field in fields(Scenario) if field.name != "name")


def checked_field(
    where: dict[str, str], key: str, value: object
) -> bool | float | str | tuple[str, ...] | None:
    """Return the value of a field as :class:`~ood_face.types.Scenario` takes it.

    Parameters
    ----------
    where : the file and the scenario, for the error messages
    key : one of ``FIELDS``
    value : as TOML gave it

    Raises
    ------
    ConfigError
        It is not what the field takes; names file, scenario, field and the limits.
    """
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
            value=shown(value),
        )
    # a TOML boolean is a Python int as well, and is no threshold
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ConfigError(
            "scenarios.not_number",
            "{file}: scenario {scenario}: {field} must be a number, not {value}",
            **where,
            field=key,
            value=shown(value),
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
            value=shown(value),
        )
    return float(value)


def check_together(where: dict[str, str], scenario: Scenario) -> None:
    """Raise ConfigError where fields that are right by themselves contradict each other."""
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


def shown(value: object) -> str:
    """Return a wrong value for an error message, at most 100 characters of it."""
    # one wrong value fills no log
    try:
        text = repr(value)
    except ValueError:  # Python writes no integer of more than 4300 digits
        return "a number of thousands of digits"
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."


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
        value=shown(value),
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
            value=shown(value),
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
            value=shown(value),
        )
    return tuple(names)


def _names_calibration(value: object) -> bool:
    return isinstance(value, str) and NAME.fullmatch(value) is not None


def _policy(where: dict[str, str], value: object) -> Policy:
    if not isinstance(value, str) or value not in list(Policy):
        raise ConfigError(
            "scenarios.policy",
            "{file}: scenario {scenario}: policy must be one of {known}, not {value}",
            **where,
            known=", ".join(Policy),
            value=shown(value),
        )
    return Policy(value)
