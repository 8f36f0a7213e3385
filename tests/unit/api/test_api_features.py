"""Features as numbers of JSON: exact, and short."""

from __future__ import annotations

import json

import numpy as np
import pytest

from ood_face.api.answers import feature_of
from tests.fakes import fake_service, picture


class Featured:
    """A template as far as its feature goes."""

    def __init__(self, feature):
        self.feature = feature


@pytest.mark.parametrize("seed", range(5))
def test_every_number_comes_back_as_it_was(seed):
    rng = np.random.default_rng(seed)
    feature = rng.normal(size=512).astype(np.float32)
    # from those that need the most digits to those that have none
    feature[:200] *= (10.0 ** rng.uniform(-30, 0, 200)).astype(np.float32)
    feature[200:203] = (0, -0.0, 1)
    feature /= np.linalg.norm(feature)
    told = json.loads(json.dumps(feature_of(Featured(feature))))
    assert np.array(told, np.float32).tobytes() == feature.tobytes()


def test_a_feature_is_told_in_half_the_digits_of_its_floats():
    (template,) = fake_service().extract(picture(40))
    rng = np.random.default_rng(0)
    feature = rng.normal(size=512).astype(np.float32)
    feature /= np.linalg.norm(feature)
    told, plain = json.dumps(feature_of(Featured(feature))), json.dumps(feature.tolist())
    assert len(told) < 0.7 * len(plain)
    assert np.float32(feature_of(template)).tobytes() == template.feature.tobytes()
