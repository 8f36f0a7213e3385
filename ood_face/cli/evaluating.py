"""``ood-face evaluate``: measure a model and write its report and card."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np

from ood_face.bootstrap import open_rts_embedder, open_service
from ood_face.errors import InputError
from ood_face.evaluation.card import model_card
from ood_face.evaluation.faces import load_faces, load_objects, load_pairs
from ood_face.evaluation.samples import measure_all
from ood_face.evaluation.suite import (
    calibration_figures,
    discard_figures,
    non_faces,
    ood_figures,
    severity_figures,
    verification_figures,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from ood_face.config import Settings
    from ood_face.evaluation.faces import FaceSet

__all__ = ["evaluate_model"]

POLICY_THRESHOLDS = (0.45, 0.35)
SEVERITY_FACES = 200


def evaluate_model(settings: Settings, data: Path, cache: Path, say: Callable[[str], None]) -> Path:
    """Measure the configured model; return the path of its ``report.json``.

    Parameters
    ----------
    data : folder with ``faces/cfp-00.tar``, ``faces/cfp_*_pairs.csv``, ``ood/objects-00.tar``
    cache : folder for decoded pictures
    say : told what is being measured

    Raises
    ------
    InputError
        A file is missing from ``data``.
    """
    needed = [data / "faces" / "cfp-00.tar", data / "ood" / "objects-00.tar"]
    needed += [data / "faces" / f"{key}_pairs.csv" for key in ("cfp_ff", "cfp_fp")]
    for path in needed:
        if not path.is_file():
            raise InputError("evaluate.no_data", "the evaluation needs {path}", path=str(path))
    embedder = open_rts_embedder(settings)
    faces = load_faces(needed[:1], cache, identity_depth=1)
    pairs = {
        key: load_pairs(data / "faces" / f"{key}_pairs.csv", faces.names)
        for key in ("cfp_ff", "cfp_fp")
    }
    say("features of the verification set")
    features = measure_all(embedder.measure, faces.crops)[0]
    # a pair with a missing picture has the index -1: the zero row at the end
    features = np.concatenate([features, np.zeros((1, features.shape[1]), np.float32)])
    report: dict[str, Any] = {"model_id": embedder.model_id}
    report["verification"] = {
        key: verification_figures(features, p, POLICY_THRESHOLDS) for key, p in pairs.items()
    }
    clean = _clean_frontal(faces)
    say("scores under degradation")
    report["severity"] = severity_figures(embedder.measure, embedder.curve, clean)
    say("scores of pictures without faces")
    service = open_service(settings)
    objects = load_objects(needed[1], lambda image: bool(service.detect(image)))
    others = {"objects": objects, **non_faces(clean)}
    report["ood"] = ood_figures(embedder.measure, embedder.curve, clean, others)
    say("error versus discard")
    report["discard"] = discard_figures(embedder.measure, faces, pairs["cfp_fp"])
    say("calibration")
    tested = np.unique(faces.labels)[1::2]  # the even subjects fitted the curve
    report["calibration"] = calibration_figures(embedder.measure, embedder.curve, faces, tested)
    folder = settings.weights_dir / embedder.model_id.split("@", maxsplit=1)[0]
    training = json.loads((folder / "training.json").read_text(encoding="utf-8"))
    out = folder / "report.json"
    out.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    (folder / "MODEL_CARD.md").write_text(model_card(report, training), encoding="utf-8")
    return out


def _clean_frontal(faces: FaceSet) -> np.ndarray[Any, np.dtype[np.uint8]]:
    frontal = [i for i, name in enumerate(faces.names) if "/frontal/" in name]
    chosen = frontal[:: max(1, len(frontal) // SEVERITY_FACES)][:SEVERITY_FACES]
    return np.stack([np.asarray(faces.crops[i]) for i in chosen])
