"""Whether the networks work: both run once on a fixed pattern."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ood_face.errors import BackendError
from ood_face.imaging.arrays import colour_ramps

if TYPE_CHECKING:
    from ood_face.ports import Detector, Embedder

__all__ = ["run_self_test"]


def run_self_test(detector: Detector, embedder: Embedder) -> None:
    """Run both networks on one crop and check what comes out.

    Raises
    ------
    BackendError
        A network failed, or its output is not what it must be.
    """
    crop = colour_ramps()
    detector.detect(crop)
    embedded = embedder.embed(crop[None])
    norms = np.linalg.norm(embedded.features, axis=1)
    scores = [embedded.score(i) for i in range(len(norms))]
    # the negated comparisons also catch NaN
    score_works = scores[0] is None or 0.0 <= scores[0] <= 1.0
    if len(norms) != 1 or not abs(norms[0] - 1.0) < 1e-3 or not score_works:
        raise BackendError(
            "service.self_test",
            "the model does not work: norms {norms} and scores {scores} for one face",
            norms=norms.tolist(),
            scores=scores,
        )
