"""The file that P(same) is kept in, beside the model or wherever an operator wants it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ood_face.artifacts import Manifest, write_entry, write_toml
from ood_face.types import EVIDENCE_TERMS

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from ood_face.evaluation.comparisons import Comparisons
    from ood_face.types import SameModel

__all__ = ["FORMAT", "add_to_manifest", "fit_facts", "write_same_model"]

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


def add_to_manifest(weights_dir: Path, name: str, filename: str) -> None:
    """List a file beside a model, or its new sha256.

    Parameters
    ----------
    name : of the model
    filename : relative to the folder
    """
    manifest = Manifest.load(weights_dir)
    entry = manifest.model(name)
    keys = {"kind": entry.kind, "version": entry.version, "license": entry.license}
    keys |= {"source": entry.source, **entry.extra}
    write_entry(weights_dir, name, {*entry.files, filename}, keys)
