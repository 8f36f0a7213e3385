"""Whether the service works: both networks run once on a fixed pattern, and no request is stuck."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ood_face.errors import BackendError
from ood_face.imaging.arrays import colour_ramps

if TYPE_CHECKING:
    from ood_face.ports import Detector, Embedder
    from ood_face.types import AdmissionLoad

__all__ = ["STUCK_S", "check_not_stuck", "run_self_test"]

# 200 passes of Monte Carlo dropout over a hundred faces take two minutes on two cores
STUCK_S = 600.0


def check_not_stuck(load: AdmissionLoad) -> None:
    """Raise BackendError if a request has been at work for longer than any can need.

    What hangs in a network's code ends with the process alone, and keeps its place until then.
    """
    if load.longest_s > STUCK_S:
        raise BackendError(
            "service.stuck",
            "a request has been at work for {seconds:.0f} s, and none can need more than "
            "{limit_s:.0f} s: the server is to be restarted",
            seconds=load.longest_s,
            limit_s=STUCK_S,
        )


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
