"""Logits or scores with labels, from an ``.npz`` file."""

from __future__ import annotations

import zipfile
import zlib
from typing import TYPE_CHECKING, Any

import numpy as np

from ood_face.calibration.arrays import checked_labels, checked_logits
from ood_face.calibration.labelled import LabelledData, fingerprint
from ood_face.calibration.pairs import quantiles
from ood_face.calibration.values import LogitInput
from ood_face.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

__all__ = ["read_labelled_logits"]

# what np.load raises on a file that is none, was cut off, or holds Python objects
_UNREADABLE = (OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile, zlib.error)


def read_labelled_logits(path: Path, how: LogitInput, prior: float | None) -> LabelledData:
    """Read the arrays ``labels`` (N,), and ``scores`` (N,) or ``logits`` (N, C) or (N,).

    ``scores`` are similarities, -1..1, with the labels 1 (one person) and 0. A further array
    ``groups`` says whom a row comes from: (N,), or (N, 2) where it is a pair of two people.
    Without it every row counts as a person of its own; rows that are equal, as one.

    Parameters
    ----------
    how : how similarities become logits
    prior : share of label 1 that probabilities are to assume; None: 1/2 for scores, that of the
        data for logits

    Raises
    ------
    InputError
        The file can't be read, an array is missing, or has another shape or wrong values.
    """
    arrays = _arrays(path)
    given = [name for name in ("scores", "logits") if name in arrays]
    if len(given) != 1 or "labels" not in arrays:
        raise InputError(
            "calibrate.arrays",
            "{file} must have the array labels, and either scores or logits; it has: {found}",
            file=str(path),
            found=", ".join(sorted(arrays)) or "-",
        )
    values = checked_logits(arrays[given[0]])
    classes = 2 if values.ndim == 1 else values.shape[1]
    labels = checked_labels(arrays["labels"], values)
    if given == ["logits"]:
        how = LogitInput("logits", classes)
    elif prior is None:
        prior = 0.5
    how.logits(values)  # refuses scores that are no similarities
    rows = [values[i].tobytes() + labels[i].tobytes() for i in range(len(values))]
    first, second = _groups(path, arrays.get("groups"), rows)
    reference: dict[str, Any] = {}
    if how.kind == "similarity":
        reference["similarity_of_one_person"] = quantiles(values[labels == 1])
        reference["similarity_of_two_people"] = quantiles(values[labels == 0])
    about = {
        "people": len(np.union1d(first, second)),
        "rows": len(rows),
        "groups_given": "groups" in arrays,
        "fingerprint": fingerprint(rows),
    }
    return LabelledData(how, values, labels, first, second, prior, about, reference)


def _arrays(path: Path) -> dict[str, NDArray[Any]]:
    try:
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as archive:
            return {name: archive[name] for name in archive.files}
    # a lone .npy is no archive; what a file says its arrays hold may be more than there is memory
    except (*_UNREADABLE, AttributeError, MemoryError, TypeError) as exc:
        raise InputError(
            "calibrate.bad_npz",
            "{file} cannot be read as an .npz file: {reason}",
            file=str(path),
            reason=getattr(exc, "strerror", None) or str(exc),
        ) from exc


def _groups(
    path: Path, given: NDArray[Any] | None, rows: list[bytes]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    if given is None:
        known: dict[bytes, int] = {}
        own = np.array([known.setdefault(row, len(known)) for row in rows], np.int64)
        return own, own
    if given.shape not in {(len(rows),), (len(rows), 2)} or given.dtype.kind not in "biuSU":
        raise InputError(
            "calibrate.groups",
            "{file}: groups must be whole numbers or texts of shape ({rows},) or ({rows}, 2), "
            "not {dtype} {got}",
            file=str(path),
            rows=len(rows),
            dtype=str(given.dtype),
            got=given.shape,
        )
    _, flat = np.unique(given, return_inverse=True)
    numbers = flat.reshape(len(rows), -1).astype(np.int64)
    return numbers[:, 0], numbers[:, -1]
