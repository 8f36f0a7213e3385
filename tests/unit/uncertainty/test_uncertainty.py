"""The values of one face and of many: their shapes, their limits, their table."""

from dataclasses import fields, replace

import numpy as np
import pytest

from ood_face.errors import InputError
from ood_face.uncertainty import (
    MAX_PASSES,
    MIN_PASSES,
    Uncertainties,
    Uncertainty,
    check_passes,
    uncertainty_columns,
    wanted_passes,
)

RAMP = np.array([0.1, 0.2, 0.3])
MANY = Uncertainties(RAMP, 5, RAMP + 0.1, RAMP + 0.2, RAMP + 0.3, RAMP + 0.4, RAMP + 0.5)


def test_one_of_many_has_its_own_numbers() -> None:
    assert len(MANY) == 3
    one = MANY.of(1)
    found = [getattr(one, field.name) for field in fields(Uncertainty)]
    assert found == pytest.approx([0.2, 5, 0.3, 0.4, 0.5, 0.6, 0.7])
    none = replace(MANY, entropy=None, one_minus_max_probability=None).of(2)
    assert (none.entropy, none.one_minus_max_probability) == (None, None)


def test_the_arrays_are_private_and_of_one_length() -> None:
    given = RAMP.copy()
    kept = replace(MANY, feature_spread=given)
    given[:] = 9
    assert kept.feature_spread == pytest.approx(RAMP)
    with pytest.raises(ValueError, match="read-only"):
        kept.feature_spread[0] = 1
    for field in fields(Uncertainties):
        if field.name != "passes":
            with pytest.raises(InputError, match="expected an array"):
                replace(MANY, **{field.name: RAMP[:2]})


@pytest.mark.parametrize("passes", [MIN_PASSES, 20, MAX_PASSES])
def test_passes_within_the_limits(passes: int) -> None:
    check_passes(passes)
    assert wanted_passes("mc", passes) == passes
    assert wanted_passes(None, 10**6) is None


@pytest.mark.parametrize("passes", [MIN_PASSES - 1, MAX_PASSES + 1, 2.0, "20", None])
def test_passes_outside_the_limits(passes: object) -> None:
    with pytest.raises(InputError, match="from 2 to 200"):
        wanted_passes("mc", passes)  # type: ignore[arg-type]


def test_a_table_holds_nan_where_a_number_is_missing() -> None:
    unsure = replace(MANY.of(0), entropy=None)
    columns = uncertainty_columns([MANY.of(0), unsure, None])
    assert list(columns) == [field.name for field in fields(Uncertainty)]
    assert np.isnan(columns["entropy"]).tolist() == [False, True, True]
    assert np.isnan(columns["feature_spread"]).tolist() == [False, False, True]
    assert columns["passes"].tolist()[:2] == [5, 5]
    assert uncertainty_columns([None, None]) == uncertainty_columns([]) == {}
