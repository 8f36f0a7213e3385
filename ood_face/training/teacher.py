"""Teachers: an ONNX face network run for its feature and its stage activations.

Two engines give the same numbers: OpenVINO in bf16 (fast on CPUs with AMX) and a
small interpreter in PyTorch (any device, no package besides torch and onnx).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import onnx
import torch
import torch.nn.functional as F  # noqa: N812  (the name PyTorch's documentation uses)
from onnx import numpy_helper
from torch import Tensor

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["MBF_HINTS", "OpenVinoTeacher", "Teacher", "TorchTeacher", "open_teacher"]

# Stage outputs of MobileFaceNet MBF: (N,128,28,28), (N,256,14,14), (N,256,7,7).
MBF_HINTS = (
    "/layers.3/layers/layers.3/Add_output_0",
    "/layers.5/layers/layers.5/Add_output_0",
    "/layers.7/layers/layers.1/Add_output_0",
)


class Teacher(Protocol):
    """Anything that maps normalised crops to hints and a feature."""

    def __call__(self, x: Tensor) -> tuple[Tensor, ...]:
        """Return the hints, then the feature (N, 512), for (N, 3, 112, 112) input."""
        ...


class OpenVinoTeacher:
    """The teacher on OpenVINO's CPU plug-in, bf16 where the CPU has it."""

    def __init__(self, path: Path, hints: tuple[str, ...], threads: int = 0) -> None:
        import openvino  # noqa: PLC0415  (optional: the PyTorch engine needs none of it)

        model = onnx.load(path)
        for name in hints:
            model.graph.output.append(onnx.helper.make_empty_tensor_value_info(name))
        core = openvino.Core()
        options = {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_PRECISION_HINT": "bf16"}
        if threads:
            options["INFERENCE_NUM_THREADS"] = str(threads)
        compiled = core.compile_model(core.read_model(model.SerializeToString()), "CPU", options)
        self._request = compiled.create_infer_request()
        self._hints = len(hints)

    def __call__(self, x: Tensor) -> tuple[Tensor, ...]:
        """Return the hints, then the feature, as CPU tensors that the next call overwrites."""
        crops = np.ascontiguousarray(x.numpy())
        values = self._request.infer({0: crops}, share_inputs=True, share_outputs=True)
        tensors = [torch.from_numpy(value) for value in values.values()]
        return (*tensors[1:], tensors[0])


class TorchTeacher:
    """The teacher interpreted in PyTorch: convolutions, PReLU, additions and one Gemm."""

    def __init__(self, path: Path, hints: tuple[str, ...], device: torch.device) -> None:
        graph = onnx.load(path).graph
        self._nodes = list(graph.node)
        self._input = graph.input[0].name
        self._wanted = (*hints, graph.output[0].name)
        self._constants = {
            item.name: torch.from_numpy(numpy_helper.to_array(item).copy()).to(device)
            for item in graph.initializer
        }

    @torch.no_grad()
    def __call__(self, x: Tensor) -> tuple[Tensor, ...]:
        """Return the hints, then the feature, on the device of the input."""
        values = dict(self._constants)
        values[self._input] = x
        for node in self._nodes:
            inputs = [values[name] for name in node.input]
            values[node.output[0]] = _run_node(node, inputs)
        return tuple(values[name] for name in self._wanted)


def _run_node(node: onnx.NodeProto, inputs: list[Tensor]) -> Tensor:
    ints: dict[str, Any] = {a.name: (list(a.ints) or a.i) for a in node.attribute}
    if node.op_type == "Conv":
        pads = ints.get("pads", [0, 0, 0, 0])
        return F.conv2d(
            inputs[0],
            inputs[1],
            inputs[2],
            stride=ints.get("strides", [1, 1]),
            padding=pads[:2],
            groups=ints.get("group", 1),
        )
    if node.op_type == "PRelu":
        return torch.prelu(inputs[0], inputs[1].reshape(-1))
    if node.op_type == "Add":
        return inputs[0] + inputs[1]
    if node.op_type == "Flatten":
        return inputs[0].flatten(1)
    if node.op_type == "Gemm":
        weight = inputs[1] if ints.get("transB") else inputs[1].T
        return F.linear(inputs[0], weight, inputs[2])
    message = f"the teacher graph has an operator this engine does not know: {node.op_type}"
    raise ValueError(message)


def open_teacher(path: Path, hints: tuple[str, ...], device: torch.device) -> Teacher:
    """Choose the engine: OpenVINO on the CPU, PyTorch on anything else."""
    if device.type == "cpu":
        return OpenVinoTeacher(path, hints)
    return TorchTeacher(path, hints, device)
