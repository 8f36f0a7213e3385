"""Arrays inside frozen values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ood_face.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["RgbImage", "check_norm", "frozen_array"]

# uint8 array of shape (H, W, 3), RGB
RgbImage = np.ndarray[Any, np.dtype[np.uint8]]


def frozen_array(
    array: NDArray[Any], dtype: type[np.generic], shape: tuple[int, ...]
) -> NDArray[Any]:
    """Return a private, read-only copy: nothing outside can change a domain value afterwards.

    Raises
    ------
    InputError
        The array has another shape.
    """
    copied = np.array(array, dtype=dtype)
    if copied.shape != shape:
        raise InputError(
            "array.shape",
            "expected an array of shape {expected}, got {got}",
            expected=shape,
            got=copied.shape,
        )
    copied.flags.writeable = False
    return copied


def check_norm(feature: NDArray[np.float32]) -> None:
    """Raise InputError unless a feature has norm 1."""
    norm = float(np.linalg.norm(feature))
    if not abs(norm - 1.0) < 1e-3:
        raise InputError(
            "feature.norm", "a feature must have norm 1, this one has {norm:.4f}", norm=norm
        )
