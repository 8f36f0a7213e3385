"""The head: from the trunk's activations to feature, log-variance and class probabilities.

Its file ``head.npz`` holds float32 arrays, D activations long:

``feature_weight`` (512, D), ``feature_bias`` (512,)
    the feature, BatchNorm folded in
``logvar_weight`` (dof, D), ``logvar_bias`` (dof,)
    the RTS log-variance
``dropout`` ()
    the rate on the activations in training; 0: none
``identity_weight`` (classes, 512), ``logit_scale`` (); both or neither
    unit centres of the training identities, and the factor on the cosine to them
"""

from __future__ import annotations

import zipfile
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ood_face.errors import ArtifactError
from ood_face.types import FEATURE_DIM

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

__all__ = ["Head", "Identities", "load_head"]

# what np.load raises on a file that is damaged or no archive
NPZ_ERRORS = (OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile, zlib.error)
_REQUIRED = ("feature_weight", "feature_bias", "logvar_weight", "logvar_bias", "dropout")
_OPTIONAL = ("identity_weight", "logit_scale")
# float32 rows normalised by another library
_NORM_TOLERANCE = 1e-3


@dataclass(frozen=True, slots=True, eq=False)
class Identities:
    """The identities of the training set as the head knows them.

    Attributes
    ----------
    centres : float32 array of shape (classes, 512), unit rows
    logit_scale : factor on the cosine; class logits are their product
    """

    centres: NDArray[np.float32]
    logit_scale: float

    def doubts(
        self, features: NDArray[np.float32]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return entropy (0..1) and 1 - max probability of unit features (N, 512), each (N,)."""
        logits = self.logit_scale * _products(features, self.centres).astype(np.float64)
        logits -= logits.max(axis=1, keepdims=True)
        weights = np.exp(logits)
        totals = weights.sum(axis=1)
        # -sum(p log p) with log p = logit - log(total)
        entropy = np.log(totals) - (weights * logits).sum(axis=1) / totals
        # the largest weight is exp(0); the others' share keeps its digits where 1 - p would not
        doubt = (totals - 1) / totals
        relative = entropy / np.log(len(self.centres))
        return np.clip(relative, 0, 1).astype(np.float32), np.clip(doubt, 0, 1).astype(np.float32)


@dataclass(frozen=True, slots=True, eq=False)
class Head:
    """Two linear layers on the activations, held as one so that one product gives both.

    Attributes
    ----------
    weight : float32 array of shape (512 + dof, D): the feature's rows, then the log-variance's
    bias : float32 array of shape (512 + dof,)
    dropout : rate on the activations in training, 0 <= rate < 1
    identities : None: not shipped
    """

    weight: NDArray[np.float32]
    bias: NDArray[np.float32]
    dropout: float
    identities: Identities | None = None

    @property
    def width(self) -> int:
        """D, the number of activations it reads."""
        return int(self.weight.shape[1])

    def __call__(
        self, flat: NDArray[np.float32]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return features (N, 512), not normalised, and mean variances (N,) of (N, D)."""
        both = _products(flat, self.weight)
        both += self.bias
        with np.errstate(over="ignore"):  # an infinite variance is refused by the embedder
            variances = np.exp(both[:, FEATURE_DIM:]).mean(axis=1)
        return both[:, :FEATURE_DIM], variances


def load_head(path: Path) -> Head:
    """Read and check a head.

    Raises
    ------
    ArtifactError
        The file can't be read, or an array is missing, of another shape or type, or not finite.
    """
    arrays = _read(path)
    width = arrays["feature_weight"].shape[-1] if arrays["feature_weight"].ndim else 0
    dof = len(arrays["logvar_bias"]) if arrays["logvar_bias"].ndim else 0
    expected: dict[str, tuple[int, ...]] = {
        "feature_weight": (FEATURE_DIM, width),
        "feature_bias": (FEATURE_DIM,),
        "logvar_weight": (dof, width),
        "logvar_bias": (dof,),
        "dropout": (),
    }
    if "identity_weight" in arrays:
        classes = len(arrays["identity_weight"]) if arrays["identity_weight"].ndim else 0
        expected |= {"identity_weight": (classes, FEATURE_DIM), "logit_scale": ()}
    for name, shape in expected.items():
        array = arrays[name]
        if array.shape != shape or array.size == 0:
            raise _bad(path, f"{name} has the shape {array.shape}, not {shape}")
        if array.dtype != np.float32 or not np.isfinite(array).all():
            raise _bad(path, f"{name} must hold finite float32 numbers")
    rate = float(arrays["dropout"])
    if not 0 <= rate < 1:
        raise _bad(path, f"dropout must lie in 0 <= rate < 1, this is {rate:g}")
    return Head(
        weight=np.concatenate([arrays["feature_weight"], arrays["logvar_weight"]]),
        bias=np.concatenate([arrays["feature_bias"], arrays["logvar_bias"]]),
        dropout=rate,
        identities=_identities(path, arrays),
    )


def _products(rows: NDArray[np.float32], others: NDArray[np.float32]) -> NDArray[np.float32]:
    # rows @ others.T by NumPy's own loops. OpenBLAS would start threads beside those of the
    # predictors, which spin after each product: on two busy cores 15.8 ms of CPU time a face,
    # against 1.8. Each row is also summed in the same order in every batch.
    products: NDArray[np.float32] = np.einsum("nd,fd->nf", rows, others)
    return products


def _read(path: Path) -> dict[str, NDArray[np.float32]]:
    try:
        # opened here: on a damaged archive, np.load would leave the file open
        with path.open("rb") as stream:
            archive = np.load(stream, allow_pickle=False)
            if not isinstance(archive, np.lib.npyio.NpzFile):
                raise _bad(path, "it holds one array, not an archive of arrays")
            arrays = {name: archive[name] for name in _REQUIRED + _OPTIONAL if name in archive}
    except NPZ_ERRORS as exc:
        raise _bad(path, str(exc) or type(exc).__name__) from exc
    wanted = _REQUIRED + (_OPTIONAL if arrays.keys() & set(_OPTIONAL) else ())
    missing = [name for name in wanted if name not in arrays]
    if missing:
        raise _bad(path, f"it has no {', '.join(missing)}")
    return arrays


def _identities(path: Path, arrays: dict[str, NDArray[np.float32]]) -> Identities | None:
    if "identity_weight" not in arrays:
        return None
    centres, scale = arrays["identity_weight"], float(arrays["logit_scale"])
    norms = np.linalg.norm(centres, axis=1)
    if len(centres) < 2 or scale <= 0 or np.abs(norms - 1).max() > _NORM_TOLERANCE:
        raise _bad(path, "identities need two or more unit rows and a logit_scale above 0")
    return Identities(np.ascontiguousarray(centres), scale)


def _bad(path: Path, reason: str) -> ArtifactError:
    return ArtifactError(
        "embedding.bad_head", "{file} is no valid head: {reason}", file=str(path), reason=reason
    )
