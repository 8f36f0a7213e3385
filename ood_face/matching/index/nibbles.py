"""Features in four bits a dimension."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ood_face.types.faces import FEATURE_DIM

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["CODE_BYTES", "encode", "products"]

_HALF = FEATURE_DIM // 2
CODE_BYTES = _HALF
# levels -7.5 .. 7.5
_MIDDLE = 7.5


def encode(features: NDArray[np.float32]) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """Return codes and the scales they are to be multiplied by.

    Parameters
    ----------
    features : float32 array of shape (N, 512)

    Returns
    -------
    codes : uint8 array of shape (N, 256); dimension i is in the low half of byte i, dimension
        256 + i in its high half
    scales : float32 array of shape (N,)
    """
    scales = np.abs(features).max(axis=1) / np.float32(_MIDDLE)
    scales = np.maximum(scales, np.finfo(np.float32).tiny)
    levels = np.rint(features / scales[:, None] + np.float32(_MIDDLE)).astype(np.uint8)
    return levels[:, :_HALF] | (levels[:, _HALF:] << 4), scales


def products(
    codes: NDArray[np.uint8], scales: NDArray[np.float32], feature: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Return the scalar products of encoded features with one feature; shape (N,)."""
    # einsum and no product: see ood_face.matching.index.cores
    low = np.einsum("ij,j->i", (codes & 15).astype(np.float32), feature[:_HALF])
    high = np.einsum("ij,j->i", (codes >> 4).astype(np.float32), feature[_HALF:])
    result: NDArray[np.float32] = scales * (low + high - np.float32(_MIDDLE) * feature.sum())
    return result
