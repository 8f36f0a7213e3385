"""The file that P(same) is kept in, beside the model or wherever an operator wants it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ood_face.artifacts import PROBABILITY_FILE, Manifest, verified_path, write_entry, write_toml
from ood_face.types import EVIDENCE_TERMS

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from ood_face.evaluation.comparisons import Comparisons
    from ood_face.types import SameModel

__all__ = ["FORMAT", "fit_facts", "ship_same_model", "write_same_model"]

FORMAT = 1  # what ood_face.matching.probability reads


def write_same_model(path: Path, model: SameModel, fit: Mapping[str, Any]) -> None:
    """Write a model in one step; a file that lies there is replaced.

    Parameters
    ----------
    fit : on what it was fitted, for people to read
    """
    weights = zip(EVIDENCE_TERMS, (float(value) for value in model.weights), strict=True)
    document = {
        "format": FORMAT,
        "model_id": model.model_id,
        "same": {
            **dict(weights),
            "covariance": model.covariance.tolist(),
            "limits": list(model.limits),
        },
        "fit": dict(fit),
    }
    write_toml(path, document)


def fit_facts(comparisons: Comparisons, data: str) -> dict[str, Any]:
    """Return what the file says of its fit.

    Parameters
    ----------
    data : names the data
    """
    mated = int(comparisons.same.sum())
    return {
        "data": data,
        "sets": list(comparisons.kinds),
        "people": len(np.unique([comparisons.person_a, comparisons.person_b])),
        "mated_pairs": mated,
        "impostor_pairs": len(comparisons) - mated,
    }


def ship_same_model(weights_dir: Path, name: str, model: SameModel, fit: Mapping[str, Any]) -> Path:
    """Write a model beside its network, list it in the manifest, and return its path.

    Parameters
    ----------
    name : of the network in the manifest
    fit : on what it was fitted

    Raises
    ------
    ArtifactError
        A file of the network is missing, or differs from what the manifest says; nothing was
        written.
    """
    entry = Manifest.load(weights_dir).model(name)
    own = f"{name}/{PROBABILITY_FILE}"
    for other in entry.files:
        if other != own:  # all are hashed anew below, and none may get in by that
            verified_path(entry, other)
    write_same_model(weights_dir / own, model, fit)
    keys = {"kind": entry.kind, "version": entry.version, "license": entry.license}
    keys |= {"source": entry.source, **entry.extra}
    write_entry(weights_dir, name, {*entry.files, own}, keys)
    return weights_dir / own
