from __future__ import annotations

import pytest

from ood_face.errors import InputError
from ood_face.types import (
    Explanation,
    Reason,
    UncertaintyLevel,
    UncertaintyPart,
    UncertaintySource,
)

WHY = Reason("explanation.picture_unknown")
PICTURE, MODEL = UncertaintySource.PICTURE, UncertaintySource.MODEL


@pytest.mark.parametrize("amount", [-0.01, 1.01, float("nan"), None])
def test_an_amount_lies_in_0_to_1(amount):
    with pytest.raises(InputError, match=r"picture is low, so its amount must lie in 0\.\.1"):
        UncertaintyPart(PICTURE, UncertaintyLevel.LOW, amount, WHY)


def test_what_is_unknown_has_no_amount():
    assert UncertaintyPart(PICTURE, UncertaintyLevel.UNKNOWN, None, WHY).amount is None
    with pytest.raises(InputError, match=r"missing where the level is unknown; it is 0\.5"):
        UncertaintyPart(PICTURE, UncertaintyLevel.UNKNOWN, 0.5, WHY)


def test_a_part_is_found_by_its_source():
    part = UncertaintyPart(PICTURE, UncertaintyLevel.LOW, 0.1, WHY)
    explanation = Explanation(0.1, 0.47, (part,), None)
    assert explanation.part(PICTURE) is part
    assert explanation.part(MODEL) is None
