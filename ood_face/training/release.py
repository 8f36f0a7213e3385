"""Make a model folder from a checkpoint: program, calibration, training record, manifest entry."""

from __future__ import annotations

import argparse
import json
import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from ood_face.artifacts import write_entry
from ood_face.calibration.score import fit_score_curve, write_calibration
from ood_face.evaluation.faces import load_faces
from ood_face.evaluation.samples import draw_probes, measure_all
from ood_face.training.export import export_head, export_network, load_network
from ood_face.training.network import count_parameters, to_input

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ood_face.evaluation.faces import FaceSet
    from ood_face.training.network import StudentNetwork

__all__ = ["main", "release", "training_record"]

logger = logging.getLogger(__name__)
FMR = 1e-3
LOGIT_SCALE = 24.0  # of the RTS stage (ood_face.training.rts)
CURVE_KEYS = ("images", "cosine_distance", "cfp_ff", "cfp_fp", "auroc_blur4", "auroc_nonface")


def fit_subjects(labels: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the subjects that fit the curve: the even ones; the odd ones test it."""
    return np.unique(labels)[::2]


def release(
    checkpoint: Path,
    runs: list[Path],
    weights_dir: Path,
    name: str,
    faces_dir: Path,
    version: str = "1",
) -> None:
    """Export and calibrate a checkpoint, then enter it into the manifest as the default model.

    Parameters
    ----------
    checkpoint : of the RTS stage
    runs : run folders in the order they ran, for the training record
    faces_dir : folder with ``train-*.tar`` and ``cfp-00.tar``
    version : templates of another version are never compared with this one's
    """
    network = load_network(checkpoint)
    folder = weights_dir / name
    program, params = export_network(network, folder / "backbone")
    cache = runs[0].parent / "cache"
    trained = load_faces(sorted(faces_dir.glob("train-*.tar")), cache)
    head = export_head(
        network, folder / "head.npz", identity_centres(network, trained), LOGIT_SCALE
    )
    faces = load_faces([faces_dir / "cfp-00.tar"], cache, identity_depth=1)
    subjects = fit_subjects(faces.labels)
    probes = draw_probes(_measure_with(network), faces, subjects, FMR, seed=3)
    knots = fit_score_curve(probes.variances, probes.matched)
    provenance: dict[str, str | float | int] = {
        "data": "CFP, every second subject, clean and degraded pictures",
        "subjects": len(subjects),
        "probes": len(probes.matched),
        "match_rate": round(float(probes.matched.mean()), 4),
        "false_match_rate": FMR,
        "threshold": round(probes.threshold, 4),
        "impostor_pairs": probes.impostor_pairs,
    }
    write_calibration(folder / "calibration.toml", name, version, knots, provenance)
    record = training_record(runs) | {"parameters": count_parameters(network)}
    text = json.dumps(record, indent=1) + "\n"
    (folder / "training.json").write_text(text, encoding="utf-8")
    files = [f"{name}/{p.name}" for p in (program, params, head, folder / "calibration.toml")]
    keys = {
        "kind": "embedder",
        "version": version,
        "license": "Apache-2.0; see MODEL_CARD.md for the terms of the training data",
        "source": "trained by this project (make train)",
    }
    write_entry(weights_dir, name, files, keys, make_default=True)
    logger.info("%s: threshold %.4f, %s", folder, probes.threshold, provenance)


def identity_centres(network: StudentNetwork, faces: FaceSet) -> NDArray[np.float32]:
    """Return every training identity's mean feature: float32 (identities, 512), unit rows."""
    features = measure_all(_measure_with(network), faces.crops)[0]
    sums = np.zeros((int(faces.labels.max()) + 1, features.shape[1]), np.float32)
    np.add.at(sums, faces.labels, features)
    centres: NDArray[np.float32] = sums / np.linalg.norm(sums, axis=1, keepdims=True)
    return centres


def _measure_with(network: StudentNetwork) -> Any:  # noqa: ANN401  (a closure of type Measure)
    @torch.no_grad()
    def measure(crops: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        feature, logvar = network(to_input(torch.from_numpy(crops)))
        return feature.numpy(), logvar.exp().mean(1).numpy()

    return measure


def training_record(runs: list[Path]) -> dict[str, Any]:
    """Collect the validated points of each run's log: the curve of accuracy against images."""
    stages = []
    for run in runs:
        lines = (run / "log.jsonl").read_text(encoding="utf-8").splitlines()
        records = [json.loads(line) for line in lines]
        curve = [{k: r[k] for k in CURVE_KEYS if k in r} for r in records if "cfp_ff" in r]
        stages.append({"stage": run.name, "images": records[-1]["images"], "curve": curve})
    return {"stages": stages}


def main(argv: list[str] | None = None) -> None:
    """Run ``python -m ood_face.training.release``."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("--runs", type=Path, nargs="+", required=True, help="folders with logs")
    parser.add_argument("--weights-dir", type=Path, required=True)
    parser.add_argument("--name", required=True, help="for instance rts-r14")
    parser.add_argument("--faces-dir", type=Path, required=True)
    parser.add_argument("--version", default="1", help="raise it when the network changes")
    arguments = vars(parser.parse_args(argv))
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    release(**arguments)


if __name__ == "__main__":
    main()
