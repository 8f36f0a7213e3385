"""Programs of Paddle, read as convolutions with what follows them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from ood_face.errors import BackendError
from ood_face.runtime.graph import Convolution, MaxPool
from ood_face.runtime.graph_reader import UnsupportedProgramError, read_graph

WEIGHTS = Path(__file__).resolve().parents[3] / "weights"


def graph(name):
    return read_graph(WEIGHTS / f"{name}.json", WEIGHTS / f"{name}.pdiparams")


def changed(tmp_path, change):
    """Read the P-Net's program after a change of its operations."""
    document = json.loads((WEIGHTS / "mtcnn" / "pnet.json").read_text(encoding="utf-8"))
    change(document["program"]["regions"][0]["blocks"][0]["ops"])
    path = tmp_path / "net.json"
    path.write_text(json.dumps(document), encoding="utf-8")
    return read_graph(path, WEIGHTS / "mtcnn" / "pnet.pdiparams")


def operation(operations, name):
    return next(item for item in operations if item["#"] == name)


def attribute(item, name):
    return next(entry for entry in item["A"] if entry["N"] == name)["AT"]


def test_activations_and_biases_belong_to_their_convolution():
    steps = graph("mtcnn/pnet").steps
    assert [type(step) for step in steps] == [Convolution, MaxPool, *3 * [Convolution]]
    assert [step.slopes is not None for step in steps if isinstance(step, Convolution)] == [
        *3 * [True],
        False,
    ]
    assert [len(step.bias) for step in steps if isinstance(step, Convolution)] == [10, 16, 32, 5]
    assert all(np.any(step.bias) for step in steps if isinstance(step, Convolution))


def test_sums_belong_to_the_later_convolution():
    found = graph("rts-r18/backbone")
    added = [step for step in found.steps if isinstance(step, Convolution) and step.residual]
    known = {found.source} | {step.target for step in found.steps}
    assert len(added) == 8
    assert all(step.residual in known for step in added)
    done = {found.source}
    for step in found.steps:
        assert step.sources <= done
        done.add(step.target)


def test_a_flat_output_is_said_to_be_flat():
    assert graph("rts-r18/backbone").flat
    assert graph("mtcnn/onet").flat
    assert not graph("mtcnn/pnet").flat


def test_sides_are_rounded_as_paddle_rounds_them():
    convolution, pool = graph("mtcnn/pnet").steps[:2]
    assert convolution.size_of(13, 12) == (11, 10)
    assert pool.size_of(11, 10) == (6, 5)


def test_an_unknown_operation_is_named(tmp_path):
    def swish(operations):
        operation(operations, "1.prelu")["#"] = "1.swish"

    with pytest.raises(UnsupportedProgramError, match="swish"):
        changed(tmp_path, swish)


@pytest.mark.parametrize(
    ("name", "key", "value"),
    [
        ("1.conv2d", "groups", 2),
        ("1.conv2d", "padding_algorithm", "SAME"),
        ("1.pool2d", "pooling_type", "avg"),
        ("1.pool2d", "ceil_mode", False),
        ("1.prelu", "mode", "element"),
    ],
)
def test_what_would_be_computed_otherwise_is_refused(tmp_path, name, key, value):
    def set_it(operations):
        attribute(operation(operations, name), key)["D"] = value

    with pytest.raises(UnsupportedProgramError):
        changed(tmp_path, set_it)


def constants_first(operations):
    added = operation(operations, "1.add")
    added["I"].reverse()


def not_reshaped(operations):
    # (filters,): added along the columns
    operation(operations, "1.add")["I"][1] = operation(operations, "1.reshape")["I"][0]


def along_the_columns(operations):
    sides = attribute(operation(operations, "1.full_int_array"), "value")["D"]
    sides[1]["D"], sides[3]["D"] = 1, -1


def of_another_convolution(operations):
    reshapes = [item for item in operations if item["#"] == "1.reshape"]
    operation(operations, "1.add")["I"][1] = reshapes[0]["O"][0]
    reshapes[0]["I"][0] = reshapes[1]["I"][0]


@pytest.mark.parametrize(
    "change", [constants_first, not_reshaped, along_the_columns, of_another_convolution]
)
def test_a_constant_that_is_no_bias_of_its_convolution_is_refused(tmp_path, change):
    with pytest.raises(UnsupportedProgramError, match=r"bias"):
        changed(tmp_path, change)


def test_weights_of_another_program_are_refused(tmp_path):
    with pytest.raises(BackendError, match="no readable Paddle program"):
        read_graph(WEIGHTS / "mtcnn" / "pnet.json", WEIGHTS / "mtcnn" / "rnet.pdiparams")
    longer = tmp_path / "pnet.pdiparams"
    longer.write_bytes((WEIGHTS / "mtcnn" / "pnet.pdiparams").read_bytes() + b"\0")
    with pytest.raises(BackendError, match="bytes, the program wants"):
        read_graph(WEIGHTS / "mtcnn" / "pnet.json", longer)


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"program": {"regions": []}}'])
def test_what_is_no_program_is_refused(tmp_path, content):
    path = tmp_path / "net.json"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(BackendError, match="no readable Paddle program"):
        read_graph(path, WEIGHTS / "mtcnn" / "pnet.pdiparams")
