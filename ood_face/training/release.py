"""Make a model folder from a checkpoint: program, calibration, training record, manifest entry."""

from __future__ import annotations

import argparse
import json
import logging
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from ood_face.artifacts import write_entry
from ood_face.calibration.score import fit_score_curve, write_calibration
from ood_face.evaluation.faces import load_faces
from ood_face.evaluation.samples import draw_probes, measure_all
from ood_face.training.export import export_head, export_network, load_network
from ood_face.training.network import count_macs, count_parameters, to_channels_last, to_input
from ood_face.training.rts import LOGIT_SCALE
from ood_face.training.validation import CfpValidation

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from ood_face.evaluation.faces import FaceSet
    from ood_face.training.network import StudentNetwork

__all__ = ["ReleaseConfig", "main", "release", "training_record"]

logger = logging.getLogger(__name__)
FMR = 1e-3
CURVE_KEYS = ("images", "cosine_distance", "cfp_ff", "cfp_fp", "auroc_blur4", "auroc_nonface")


def fit_subjects(labels: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the subjects that fit the curve: the even ones; the odd ones test it."""
    return np.unique(labels)[::2]


@dataclass(frozen=True, slots=True)
class ReleaseConfig:
    """What to release, and as what.

    Attributes
    ----------
    checkpoint : of the RTS stage
    runs : run folders in the order they ran, for the training record; the first is the
        distillation, the last an RTS stage
    faces_dir : folder with ``train-*.tar`` and ``cfp-00.tar``
    version : templates of another version are never compared with this one's
    note : what the model card should say of this training beside the figures
    """

    checkpoint: Path
    runs: list[Path]
    weights_dir: Path
    name: str
    faces_dir: Path
    version: str = "1"
    note: str = ""


def release(config: ReleaseConfig) -> None:
    """Export and calibrate a checkpoint, then enter it into the manifest as the default model."""
    runs, name, faces_dir = config.runs, config.name, config.faces_dir
    network = load_network(config.checkpoint)
    folder = config.weights_dir / name
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
    write_calibration(folder / "calibration.toml", name, config.version, knots, provenance)
    record = training_record(runs) | {
        "description": config.note,
        "parameters": count_parameters(network),
        "gmacs": count_macs(network) / 1e9,
        **stage_accuracy(runs, network, CfpValidation(faces_dir, cache)),
    }
    text = json.dumps(record, indent=1) + "\n"
    (folder / "training.json").write_text(text, encoding="utf-8")
    files = [f"{name}/{p.name}" for p in (program, params, head, folder / "calibration.toml")]
    keys = {
        "kind": "embedder",
        "version": config.version,
        "license": "Apache-2.0; see MODEL_CARD.md for the terms of the training data",
        "source": "trained by this project (make train)",
    }
    write_entry(config.weights_dir, name, files, keys, make_default=True)
    logger.info("%s: threshold %.4f, %s", folder, probes.threshold, provenance)


def identity_centres(network: StudentNetwork, faces: FaceSet) -> NDArray[np.float32]:
    """Return every training identity's mean feature: float32 (identities, 512), unit rows."""
    features = measure_all(_measure_with(network), faces.crops)[0]
    sums = np.zeros((int(faces.labels.max()) + 1, features.shape[1]), np.float32)
    np.add.at(sums, faces.labels, features)
    centres: NDArray[np.float32] = sums / np.linalg.norm(sums, axis=1, keepdims=True)
    return centres


def _measure_with(network: StudentNetwork) -> Any:  # noqa: ANN401  (a closure of type Measure)
    to_channels_last(network)

    @torch.no_grad()
    def measure(crops: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        with torch.autocast("cpu", torch.bfloat16):  # as the server computes where it can
            flat = network.flat(to_input(torch.from_numpy(crops))).float()
        feature, logvar = network.head.feature(flat), network.head.logvar(flat)
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


def stage_accuracy(
    runs: list[Path], released: StudentNetwork, validate: Callable[..., dict[str, float]]
) -> dict[str, dict[str, float]]:
    """Return the accuracy on all pairs before and after the last stage, and as released."""
    device = torch.device("cpu")
    found = {"released": validate(released, device)}
    for key, run in {"before_rts": runs[0], "after_rts": runs[-1]}.items():
        if (run / "last.pt").exists():
            found[key] = validate(load_network(run / "last.pt"), device)
    return found


def main(argv: list[str] | None = None) -> None:
    """Run ``python -m ood_face.training.release``."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("--runs", type=Path, nargs="+", required=True, help="folders with logs")
    parser.add_argument("--weights-dir", type=Path, required=True)
    parser.add_argument("--name", required=True, help="for instance rts-r14")
    parser.add_argument("--faces-dir", type=Path, required=True)
    parser.add_argument("--note", default="", help="a sentence for the model card")
    parser.add_argument("--version", default="1", help="raise it when the network changes")
    arguments = vars(parser.parse_args(argv))
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    release(ReleaseConfig(**arguments))


if __name__ == "__main__":
    main()
