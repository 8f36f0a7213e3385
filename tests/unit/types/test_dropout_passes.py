from __future__ import annotations

import numpy as np
import pytest

from ood_face.errors import InputError
from ood_face.types import DropoutPasses


def test_passes_are_private_and_as_many_as_their_scores():
    features, scores = np.ones((3, 512)), np.full(3, 0.5)
    kept = DropoutPasses(features, scores)
    features[:] = 7
    assert (len(kept), kept.features.max(), kept.ood_scores.dtype) == (3, 1, np.float32)
    with pytest.raises(ValueError, match="read-only"):
        kept.ood_scores[0] = 1
    with pytest.raises(InputError, match=r"shape \(3,\), got \(2,\)"):
        DropoutPasses(features, scores[:2])
    with pytest.raises(InputError, match=r"shape \(3, 512\)"):
        DropoutPasses(features[:, :5], scores)
