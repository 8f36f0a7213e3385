"""From a network's raw features to unit ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ood_face.errors import BackendError

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["not_finite", "unit_features"]


def unit_features(raw: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return features (N, 512) of unit norm.

    Raises
    ------
    BackendError
        A feature is zero, or holds a number that is not finite.
    """
    norms = np.linalg.norm(raw, axis=1, keepdims=True)
    if not (np.all(np.isfinite(norms)) and np.all(norms)):
        raise not_finite()
    return np.asarray(raw / norms)


def not_finite() -> BackendError:
    """Return the error of a network whose numbers mean nothing."""
    return BackendError("embedding.not_finite", "the network gave numbers that are not finite")
