"""Convert facenet-pytorch's three MTCNN networks to Paddle inference programs.

``python -m ood_face.detection.convert FACENET_WHEEL_OR_DIR WEIGHTS_DIR``

The first argument is the wheel of facenet-pytorch 2.6.0 or a folder with ``pnet.pt``, ``rnet.pt``
and ``onet.pt``. What changes on the way, without changing what is computed:

- the normalisation ``(pixel - 127.5) / 128`` moves into the first convolution, so the programs
  take raw pixel values 0..255;
- the dense layers become convolutions over the whole of what is left of the picture;
- the heads become one: channel 0 is the logit of "face" (face minus no face: its sigmoid is the
  softmax's probability), then the four box offsets, then for the O-Net ten landmark values.
"""

from __future__ import annotations

import sys
import tempfile
import warnings
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ood_face.artifacts import write_entry
from ood_face.detection.torch_file import read_state_dict
from ood_face.errors import ArtifactError, OodFaceError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

__all__ = ["convert", "main"]

NETWORKS = ("pnet", "rnet", "onet")
# facenet-pytorch's own normalisation of pixels
PIXEL_MEAN = 127.5
PIXEL_SCALE = 0.0078125

_State = dict[str, "NDArray[np.float32]"]


def convert(source: Path, weights_dir: Path) -> None:
    """Write ``mtcnn/*.json`` and ``*.pdiparams`` and their manifest entry.

    Parameters
    ----------
    source : wheel of facenet-pytorch, or a folder with the three ``.pt`` files
    weights_dir : folder of the manifest

    Raises
    ------
    ArtifactError
        The source does not hold the three networks.
    """
    states = _states(source)
    target = weights_dir / "mtcnn"
    target.mkdir(parents=True, exist_ok=True)
    for name, layers in (("pnet", _pnet), ("rnet", _rnet), ("onet", _onet)):
        try:
            _export(layers(states[name]), target / name)
        except KeyError as exc:
            raise ArtifactError(
                "detection.missing_tensor",
                "{network} of {file} has no tensor {tensor}",
                network=name,
                file=str(source),
                tensor=str(exc),
            ) from exc
    write_entry(
        weights_dir,
        "mtcnn",
        [f"mtcnn/{name}{end}" for name in NETWORKS for end in (".json", ".pdiparams")],
        {
            "kind": "detector",
            "version": "1",
            "license": "MIT",
            "source": "facenet-pytorch 2.6.0 (pnet.pt, rnet.pt, onet.pt), "
            "Copyright (c) 2019 Timothy Esler; converted by ood_face.detection.convert",
            "paper": "Zhang et al. 2016, Joint Face Detection and Alignment Using Multitask "
            "Cascaded Convolutional Networks",
        },
    )


def _states(source: Path) -> dict[str, _State]:
    if source.is_dir():
        return {name: read_state_dict(source / f"{name}.pt") for name in NETWORKS}
    try:
        with zipfile.ZipFile(source) as wheel, tempfile.TemporaryDirectory() as folder:
            states = {}
            for name in NETWORKS:
                path = Path(folder) / f"{name}.pt"
                path.write_bytes(wheel.read(f"facenet_pytorch/data/{name}.pt"))
                states[name] = read_state_dict(path)
            return states
    except (OSError, zipfile.BadZipFile, KeyError) as exc:
        raise ArtifactError(
            "detection.bad_wheel",
            "{file} is neither a folder with pnet.pt, rnet.pt and onet.pt nor the wheel that "
            "holds them: {reason}",
            file=str(source),
            reason=str(exc),
        ) from exc


def _pnet(state: _State) -> list[Any]:
    return [
        _first_convolution(state),
        _prelu(state, "prelu1"),
        _max_pool(2),
        _convolution(state["conv2.weight"], state["conv2.bias"]),
        _prelu(state, "prelu2"),
        _convolution(state["conv3.weight"], state["conv3.bias"]),
        _prelu(state, "prelu3"),
        _heads(state, "conv4_1", ["conv4_2"]),
    ]


def _rnet(state: _State) -> list[Any]:
    return [
        _first_convolution(state),
        _prelu(state, "prelu1"),
        _max_pool(3),
        _convolution(state["conv2.weight"], state["conv2.bias"]),
        _prelu(state, "prelu2"),
        _max_pool(3),
        _convolution(state["conv3.weight"], state["conv3.bias"]),
        _prelu(state, "prelu3"),
        _dense_over(state, "dense4", side=3),
        _prelu(state, "prelu4"),
        _heads(state, "dense5_1", ["dense5_2"]),
        _flatten(),
    ]


def _onet(state: _State) -> list[Any]:
    return [
        _first_convolution(state),
        _prelu(state, "prelu1"),
        _max_pool(3),
        _convolution(state["conv2.weight"], state["conv2.bias"]),
        _prelu(state, "prelu2"),
        _max_pool(3),
        _convolution(state["conv3.weight"], state["conv3.bias"]),
        _prelu(state, "prelu3"),
        _max_pool(2),
        _convolution(state["conv4.weight"], state["conv4.bias"]),
        _prelu(state, "prelu4"),
        _dense_over(state, "dense5", side=3),
        _prelu(state, "prelu5"),
        _heads(state, "dense6_1", ["dense6_2", "dense6_3"]),
        _flatten(),
    ]


def _nn() -> Any:  # noqa: ANN401  (paddle has no type information)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="No ccache found")
        from paddle import nn  # noqa: PLC0415  (a second of import, only for the conversion)
    return nn


def _convolution(weight: NDArray[Any], bias: NDArray[Any]) -> Any:  # noqa: ANN401
    filters, channels, *kernel = weight.shape
    layer = _nn().Conv2D(channels, filters, kernel)
    layer.weight.set_value(weight.astype(np.float32))
    layer.bias.set_value(bias.astype(np.float32))
    return layer


def _first_convolution(state: _State) -> Any:  # noqa: ANN401
    weight = state["conv1.weight"].astype(np.float64)
    bias = state["conv1.bias"] - PIXEL_MEAN * PIXEL_SCALE * weight.sum(axis=(1, 2, 3))
    return _convolution(weight * PIXEL_SCALE, bias)


def _dense_over(state: _State, name: str, side: int) -> Any:  # noqa: ANN401
    # facenet-pytorch flattens in the order (width, height, channel)
    weight = state[f"{name}.weight"]
    return _convolution(
        weight.reshape(len(weight), side, side, -1).transpose(0, 3, 2, 1), state[f"{name}.bias"]
    )


def _heads(state: _State, face: str, others: Iterable[str]) -> Any:  # noqa: ANN401
    parts = {}
    for kind in ("weight", "bias"):
        no_face, is_face = state[f"{face}.{kind}"].astype(np.float64)
        rest = [state[f"{other}.{kind}"] for other in others]
        parts[kind] = np.concatenate([(is_face - no_face)[None], *rest])
    return _convolution(parts["weight"].reshape(*parts["weight"].shape[:2], 1, 1), parts["bias"])


def _prelu(state: _State, name: str) -> Any:  # noqa: ANN401
    slopes = state[f"{name}.weight"]
    layer = _nn().PReLU(len(slopes))
    layer.parameters()[0].set_value(slopes)
    return layer


def _max_pool(side: int) -> Any:  # noqa: ANN401
    return _nn().MaxPool2D(side, 2, ceil_mode=True)


def _flatten() -> Any:  # noqa: ANN401
    return _nn().Flatten()


def _export(layers: list[Any], target: Path) -> None:
    nn = _nn()
    import paddle  # noqa: PLC0415

    network = nn.Sequential(*layers)
    network.eval()
    side = {"pnet": None, "rnet": 24, "onet": 48}[target.name]
    spec = paddle.static.InputSpec([None, 3, side, side], "float32", "image")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # paddle's own notes on its converter
        paddle.jit.save(network, str(target), input_spec=[spec])


def main(arguments: list[str]) -> int:
    """Run the conversion; returns the exit code."""
    if len(arguments) != 2:
        sys.stderr.write("usage: python -m ood_face.detection.convert WHEEL_OR_DIR WEIGHTS_DIR\n")
        return 2
    try:
        convert(Path(arguments[0]), Path(arguments[1]))
    except OodFaceError as exc:
        sys.stderr.write(f"{exc}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
