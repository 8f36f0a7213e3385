"""Small random heads, as arrays of a ``head.npz`` and as what is read from it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ood_face.embedding.head import Head, Identities

if TYPE_CHECKING:
    from numpy.typing import NDArray

DOF = 16


def head_arrays(
    width: int = 48, dropout: float = 0.1, classes: int | None = None
) -> dict[str, NDArray[np.float32]]:
    """Return the arrays of a head file for activations of shape (N, width)."""
    rng = np.random.default_rng(11)
    arrays = {
        "feature_weight": rng.normal(size=(512, width)) / np.sqrt(width),
        "feature_bias": 0.1 * rng.normal(size=512),
        "logvar_weight": rng.normal(size=(DOF, width)) / np.sqrt(width),
        "logvar_bias": 0.1 * rng.normal(size=DOF),
        "dropout": np.array(dropout),
    }
    if classes is not None:
        centres = rng.normal(size=(classes, 512))
        arrays["identity_weight"] = centres / np.linalg.norm(centres, axis=1, keepdims=True)
        arrays["logit_scale"] = np.array(32.0)
    return {name: np.asarray(array, np.float32) for name, array in arrays.items()}


def random_head(width: int = 48, dropout: float = 0.1, classes: int | None = None) -> Head:
    """Return the head of :func:`head_arrays`."""
    arrays = head_arrays(width, dropout, classes)
    identities = None
    if classes is not None:
        identities = Identities(arrays["identity_weight"], float(arrays["logit_scale"]))
    return Head(
        weight=np.concatenate([arrays["feature_weight"], arrays["logvar_weight"]]),
        bias=np.concatenate([arrays["feature_bias"], arrays["logvar_bias"]]),
        dropout=dropout,
        identities=identities,
    )
