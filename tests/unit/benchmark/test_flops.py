"""Operations of networks, against numbers worked out by hand."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ood_face.artifacts import Manifest
from tests.benchmark.flops import UnknownOperationError, count_flop

WEIGHTS = Path(__file__).resolve().parents[3] / "weights"
# each layer: 2 * positions * filters * kernel * input channels
RNET = 2 * (
    22 * 22 * 28 * 9 * 3 + 9 * 9 * 48 * 9 * 28 + 3 * 3 * 64 * 4 * 48 + 128 * 9 * 64 + 5 * 128
)
ONET = 2 * (
    46 * 46 * 32 * 9 * 3
    + 21 * 21 * 64 * 9 * 32
    + 8 * 8 * 64 * 9 * 64
    + 3 * 3 * 128 * 4 * 64
    + 256 * 9 * 128
    + 15 * 256
)


def pnet(first: int) -> int:
    """Return the work on a square picture whose first answer has that side (even)."""
    half = first // 2
    return 2 * (
        first**2 * 10 * 9 * 3
        + (half - 2) ** 2 * 16 * 9 * 10
        + (half - 4) ** 2 * 32 * 9 * 16
        + (half - 4) ** 2 * 5 * 32
    )


@pytest.mark.parametrize(
    ("name", "shape", "expected"),
    [
        ("rnet", (1, 3, 24, 24), RNET),
        ("rnet", (64, 3, 24, 24), 64 * RNET),
        ("onet", (16, 3, 48, 48), 16 * ONET),
        ("pnet", (1, 3, 12, 12), pnet(10)),
        ("pnet", (2, 3, 192, 192), 2 * pnet(190)),
    ],
)
def test_the_detectors_networks_do_what_was_worked_out(name, shape, expected):
    assert count_flop(WEIGHTS / "mtcnn" / f"{name}.json", shape) == expected


def test_the_backbone_does_more_than_a_billion_operations_for_each_face():
    program = WEIGHTS / Manifest.load(WEIGHTS).chosen(None).name / "backbone.json"

    one, eight = (count_flop(program, (faces, 3, 112, 112)) for faces in (1, 8))

    assert one > 1e9
    assert eight == 8 * one


def value(number, shape):
    return {"%": number, "TT": {"#": "t", "D": [{"#": "f"}, list(shape), "NCHW", [], 0]}}


def listed(name, numbers):
    return {"N": name, "AT": {"#": "array", "D": [{"#": "i", "D": n} for n in numbers]}}


def single(name, content):
    return {"N": name, "AT": {"#": "one", "D": content}}


def program(tmp_path, *operations):
    """Write a program whose input is value 1, and whose weights come as ``(2, shape)``."""
    document = {"program": {"regions": [{"blocks": [{"ops": list(operations)}]}]}}
    path = tmp_path / "program.json"
    path.write_text(json.dumps(document), encoding="utf-8")
    return path


def data(shape):
    return {"#": "1.data", "A": [], "I": [], "O": [value(1, shape)]}


def weight(shape):
    return {"#": "p", "A": [0], "O": value(2, shape), "I": []}


def operation(name, attributes, inputs=(1, 2), made=(-1,)):
    return {
        "#": f"1.{name}",
        "A": attributes,
        "I": [{"%": number} for number in inputs],
        "O": [value(3, made)],
    }


def convolution(name="conv2d", paddings=(0, 0), strides=(1, 1), dilations=(1, 1)):
    return operation(
        name,
        [
            listed("paddings", paddings),
            listed("strides", strides),
            listed("dilations", dilations),
        ],
    )


def test_a_matrix_product_is_two_operations_for_each_multiplication(tmp_path):
    path = program(
        tmp_path,
        data((-1, 256)),
        weight((100, 256)),
        operation("matmul", [single("transpose_x", False), single("transpose_y", True)]),
    )

    assert count_flop(path, (4, 256)) == 2 * 4 * 256 * 100


@pytest.mark.parametrize(
    ("made", "side"),
    [
        (convolution(), 6),
        (convolution(paddings=(1, 1)), 8),
        (convolution(paddings=(0, 1, 0, 1)), 7),
        (convolution(strides=(2, 2)), 3),
        (convolution(dilations=(2, 2)), 4),
    ],
)
def test_a_convolution_knows_padding_stride_and_dilation(tmp_path, made, side):
    path = program(tmp_path, data((-1, 5, -1, -1)), weight((7, 5, 3, 3)), made)

    assert count_flop(path, (1, 5, 8, 8)) == 2 * side * side * 7 * 5 * 9


def test_a_depthwise_convolution_looks_at_one_channel(tmp_path):
    path = program(
        tmp_path, data((-1, 6, 8, 8)), weight((6, 1, 3, 3)), convolution("depthwise_conv2d")
    )

    assert count_flop(path, (1, 6, 8, 8)) == 2 * 6 * 6 * 6 * 9


def test_what_is_not_known_is_refused_by_name(tmp_path):
    path = program(tmp_path, data((-1, 3)), weight((3,)), operation("einsum", []))

    with pytest.raises(UnknownOperationError, match=r"program\.json.*einsum"):
        count_flop(path, (1, 3))


def test_a_shape_that_the_program_does_not_take_is_refused():
    with pytest.raises(ValueError, match=r"takes \(-1, 3, 24, 24\), not \(1, 3, 25, 24\)"):
        count_flop(WEIGHTS / "mtcnn" / "rnet.json", (1, 3, 25, 24))
