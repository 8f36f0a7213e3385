"""Small ONNX networks: the mean colours of 4x4 fields of a picture, times a fixed matrix."""

from __future__ import annotations

import numpy as np
from onnx import TensorProto, helper, numpy_helper

WEIGHT = np.random.default_rng(5).normal(size=(48, 512)).astype(np.float32)


def onnx_network(
    count: int | str,
    *,
    shape: tuple[int, ...] = (3, 112, 112),
    dtype: int = TensorProto.FLOAT,
    dim: int = 512,
    inputs: int = 1,
    outputs: int = 1,
    mix: bool = False,
    weight: np.ndarray = WEIGHT,
) -> bytes:
    """Return a network as the bytes of its file.

    Parameters
    ----------
    count : pictures in a run; a name: any number
    mix : subtract the mean over the pictures of a run, as a network must not
    """
    fits = shape == (3, 112, 112) and dtype == TensorProto.FLOAT
    taken = [helper.make_tensor_value_info("face", dtype, [count, *shape])]
    if inputs > 1:
        taken.append(helper.make_tensor_value_info("more", dtype, [count, *shape]))
    nodes = []
    if fits:
        nodes.append(
            helper.make_node(
                "AveragePool", ["face"], ["p"], kernel_shape=[28, 28], strides=[28, 28]
            )
        )
        nodes.append(helper.make_node("Flatten", ["p"], ["f"]))
        if mix:
            nodes.append(helper.make_node("ReduceMean", ["f"], ["m"], axes=[0], keepdims=1))
            nodes.append(helper.make_node("Sub", ["f", "m"], ["d"]))
            nodes.append(helper.make_node("Add", ["d", "bias"], ["f2"]))
        nodes.append(helper.make_node("MatMul", ["f2" if mix else "f", "weight"], ["feature"]))
    else:
        nodes.append(helper.make_node("Identity", ["face"], ["feature"]))
    out_shape = [count, dim] if fits else [count, *shape]
    given = [helper.make_tensor_value_info("feature", dtype, out_shape)]
    if outputs > 1:
        nodes.append(helper.make_node("Neg", ["feature"], ["again"]))
        given.append(helper.make_tensor_value_info("again", dtype, out_shape))
    initial = [numpy_helper.from_array(np.ascontiguousarray(weight[:, :dim]), "weight")]
    if mix:
        initial.append(numpy_helper.from_array(np.full((1, 48), 0.01, np.float32), "bias"))
    graph = helper.make_graph(nodes, "small", taken, given, initial if fits else [])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    return bytes(model.SerializeToString())
