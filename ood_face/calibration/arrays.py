"""What calibration takes: logits, labels and weights, checked and as NumPy arrays.

Logits come in two forms. Shape (N, C): one column per class, as before a softmax. Shape (N,): the
log-odds of class 1 against class 0, as before a logistic function; in verification, class 1 is
"the same person". Probabilities come back in the form the logits came in.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ood_face.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

__all__ = [
    "as_columns",
    "as_numpy",
    "as_targets",
    "checked_labels",
    "checked_logits",
    "checked_weights",
    "like",
    "log_softmax",
    "refuse_hopeless",
]

_LARGEST = 1e100  # sums and differences of such logits stay finite


def as_numpy(values: ArrayLike | Any) -> NDArray[Any]:  # noqa: ANN401 - any library's tensor
    """Return an array; a tensor with a method ``numpy()`` (Paddle's) is asked for its own."""
    own = getattr(values, "numpy", None)
    return np.asarray(own() if callable(own) else values)


def checked_logits(values: ArrayLike | Any, classes: int | None = None) -> NDArray[np.float64]:  # noqa: ANN401
    """Return logits as float64 of shape (N,) or (N, C).

    Parameters
    ----------
    values : array or tensor
    classes : how many there must be; shape (N,) counts as 2; None: any number

    Raises
    ------
    InputError
        No numbers, another shape, another number of classes, or NaN or infinity.
    """
    found = as_numpy(values)
    if found.dtype.kind not in "fi":
        raise InputError(
            "scaling.not_numbers",
            "logits must be numbers, this array holds {dtype}",
            dtype=str(found.dtype),
        )
    if found.ndim not in {1, 2} or not found.size or (found.ndim == 2 and found.shape[1] < 2):
        raise InputError(
            "scaling.logits_shape",
            "logits must have the shape (N,) or (N, C) with at least 1 row and 2 classes, "
            "these have {got}",
            got=found.shape,
        )
    count = 2 if found.ndim == 1 else found.shape[1]
    if classes is not None and count != classes:
        raise InputError(
            "scaling.classes",
            "the calibration is for {expected} classes, the logits have {got}",
            expected=classes,
            got=count,
        )
    numbers = np.asarray(found, np.float64)
    bad = ~(np.abs(numbers) <= _LARGEST)
    if bad.any():
        raise InputError(
            "scaling.not_finite",
            "{count} of the logits are NaN, infinite or beyond {limit:g}, the first in row {row}",
            count=int(bad.sum()),
            limit=_LARGEST,
            row=int(np.argwhere(bad)[0][0]),
        )
    return numbers


def checked_labels(values: ArrayLike | Any, logits: NDArray[np.float64]) -> NDArray[np.int64]:  # noqa: ANN401
    """Return labels as int64 of shape (N,), each in 0..C-1.

    Raises
    ------
    InputError
        No whole numbers, another length than the logits, or one out of range.
    """
    found = as_numpy(values)
    if found.dtype.kind not in "biu":
        raise InputError(
            "scaling.labels_kind",
            "labels must be whole numbers, this array holds {dtype}",
            dtype=str(found.dtype),
        )
    if found.shape != (len(logits),):
        raise InputError(
            "scaling.labels_shape",
            "there are {expected} rows of logits, so labels must have the shape ({expected},), "
            "not {got}",
            expected=len(logits),
            got=found.shape,
        )
    highest = 1 if logits.ndim == 1 else logits.shape[1] - 1
    bad = (found < 0) | (found > highest)
    if bad.any():
        row = int(np.flatnonzero(bad)[0])
        raise InputError(
            "scaling.label_range",
            "labels must lie in 0..{highest}; row {row} has {label}",
            highest=highest,
            row=row,
            label=int(found[row]),
        )
    return np.asarray(found, np.int64)


def checked_weights(values: ArrayLike | None, labels: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return weights as float64 of shape (N,) with the mean 1; None: all alike.

    Raises
    ------
    InputError
        Another length than the labels, or one that is negative or not finite, or all are 0.
    """
    if values is None:
        return np.ones(len(labels))
    found = np.asarray(values, np.float64)
    good = found.shape == labels.shape and np.isfinite(found).all() and (found >= 0).all()
    if not (good and found.sum() > 0):
        raise InputError(
            "scaling.weights",
            "weights must be {expected} numbers of at least 0, and not all 0",
            expected=len(labels),
        )
    return np.asarray(found / found.mean())


def refuse_hopeless(logits: NDArray[np.float64], labels: NDArray[np.int64]) -> None:
    """Refuse what nothing can be fitted to.

    Raises
    ------
    InputError
        All labels are of one class, or all rows have the same logits.
    """
    present = np.unique(labels)
    if len(present) < 2:
        raise InputError(
            "scaling.one_class",
            "all {count} labels are of class {label}; a calibration needs at least 2 classes",
            count=len(labels),
            label=int(present[0]),
        )
    columns = as_columns(logits)
    apart = columns - columns[:, :1]  # what is common to all classes of a row says nothing
    if np.ptp(apart, axis=0).max() == 0:
        raise InputError(
            "scaling.all_equal",
            "all {count} rows have the same logits: they tell no two cases apart",
            count=len(labels),
        )


def as_columns(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return logits (N, C) also of log-odds (N,)."""
    return logits if logits.ndim == 2 else np.stack([np.zeros_like(logits), logits], axis=1)


def like(logits: NDArray[np.float64], columns: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return probabilities (N, C) in the form of the logits: (N,) of class 1 for log-odds."""
    return columns if logits.ndim == 2 else columns[:, 1]


def log_softmax(columns: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the logarithms of the probabilities (N, C)."""
    shifted = columns - columns.max(axis=1, keepdims=True)
    return np.asarray(shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True)))


def as_targets(labels: NDArray[np.int64], classes: int, *, smoothed: bool) -> NDArray[np.float64]:
    """Return the probabilities (N, C) to fit to: 1 for the label, or Platt's a little below it.

    Smoothed, a class seen n times has the target (n + 1) / (n + 2), and the rest is shared by
    the others: the parameters stay finite where the data separates the classes perfectly.

    References
    ----------
    Platt 1999, Probabilistic Outputs for Support Vector Machines, section 2.1.
    """
    exact = np.eye(classes)[labels]
    if not smoothed:
        return exact
    counts = np.bincount(labels, minlength=classes)
    kept = ((counts + 1) / (counts + 2))[labels][:, None]
    return np.asarray(exact * kept + (1 - exact) * (1 - kept) / (classes - 1))
