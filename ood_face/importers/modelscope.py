"""DAMO's released RTS network (ModelScope, ``pytorch_model.bin``) becomes a model folder."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np

from ood_face.errors import ArtifactError
from ood_face.importers.folder import new_model
from ood_face.importers.irse import DROPOUT, IR_SE_64, LOGVAR_LAYERS, check_state, fold_linear
from ood_face.importers.paddle_irse import export_trunk
from ood_face.importers.torch_state import read_state_dict

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from ood_face.importers.folder import Imported
    from ood_face.importers.irse import Architecture, State

__all__ = ["import_modelscope"]

# ModelScope's name of the file beside the weights
CONFIGURATION = "configuration.json"
# beyond these log-variances the uncalibrated score is 0 or 1 to four digits
_LOG_VARIANCES = np.linspace(-10, 10, 41)


def import_modelscope(
    file: Path,
    weights_dir: Path,
    name: str | None = None,
    plus: bool | None = None,
    architecture: Architecture = IR_SE_64,
) -> Imported:
    """Read the network, rebuild it in Paddle and add it to the weights folder.

    Nothing in the file is run. There is no data here to calibrate the score on: a higher variance
    gives a lower score, and its numbers mean no more than that.

    Parameters
    ----------
    file : state dict of PyTorch
    weights_dir : folder of the manifest
    name : in the manifest; None: one that says what it is
    plus : whether the variance is that of the plus form; None: as ``configuration.json`` beside
        the file says, else the form with 1 number, where the file has both
    architecture : sizes of the network

    Raises
    ------
    ArtifactError
        The file is no such network, or the name is taken; the weights folder is as it was.
    BackendError
        Paddle failed.
    """
    state = check_state(read_state_dict(file), architecture)
    form = _form(state, file, plus)
    if name is None:
        name = f"damo-{architecture.name.lower()}-rts" + ("-plus" if form else "")
    with new_model(weights_dir, name) as made:
        export_trunk(state, architecture, made.folder / "backbone")
        variances = _write_head(state, form, made.folder / "head.npz")
        calibration = _calibration(name)
        (made.folder / "calibration.toml").write_text(calibration, encoding="utf-8")
        details = {
            "engine": "paddle",
            "architecture": architecture.name,
            "form": "RTS plus" if form else "RTS",
            "variances": variances,
        }
        return made.finish(file, details)


def _form(state: Mapping[str, object], file: Path, plus: bool | None) -> bool:
    present = [form for form, layer in LOGVAR_LAYERS.items() if f"{layer}.0.weight" in state]
    wanted = _configured_form(file) if plus is None and len(present) > 1 else plus
    if wanted is None:
        return present[0]
    if wanted not in present:
        raise ArtifactError(
            "import.no_form",
            "{file} has no tensors {layer}, which the form asked for needs",
            file=str(file),
            layer=LOGVAR_LAYERS[wanted],
        )
    return wanted


def _configured_form(file: Path) -> bool | None:
    path = file.with_name(CONFIGURATION)
    if not path.is_file():
        return None
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as exc:
        raise ArtifactError(
            "import.bad_configuration",
            "{file} cannot be read, and {weights} does not say which form of the network is used: "
            "choose it with --plus or --no-plus",
            file=str(path),
            weights=file.name,
        ) from exc
    model = document.get("model") if isinstance(document, dict) else None
    form = model.get("rts_plus") if isinstance(model, dict) else None
    return form if isinstance(form, bool) else None


def _write_head(state: State, plus: bool, path: Path) -> int:
    feature_weight, feature_bias = fold_linear(state, "features_backbone")
    logvar_weight, logvar_bias = fold_linear(state, LOGVAR_LAYERS[plus])
    np.savez(
        path,
        feature_weight=feature_weight,
        feature_bias=feature_bias,
        logvar_weight=logvar_weight,
        logvar_bias=logvar_bias,
        dropout=np.float32(DROPOUT),
    )
    return len(logvar_bias)


def _calibration(name: str) -> str:
    scores = 1 / (1 + np.exp(_LOG_VARIANCES))
    return "\n".join(
        [
            "# Maps the RTS variance to ood_score. Not calibrated: the scores rank faces, a higher",
            "# variance gives a lower score, and the number itself has no measured meaning.",
            "format = 1",
            f'model = "{name}"',
            'version = "uncalibrated"',
            "",
            "[score_curve]",
            f"log_variances = [{', '.join(f'{value:.1f}' for value in _LOG_VARIANCES)}]",
            f"scores = [{', '.join(f'{value:.8f}' for value in scores)}]",
            "",
            "[fit]",
            'method = "none: a fixed falling map, score = 1 / (1 + variance)"',
            'data = "none"',
            "",
        ]
    )
