from __future__ import annotations

import json

import pytest

from ood_face.errors import BackendError
from ood_face.runtime import open_session
from ood_face.runtime.program import InputSpec, read_input_specs


def program(*inputs):
    operations = [
        {
            "#": "1.data",
            "A": [
                {"N": "name", "AT": {"#": "0.a_str", "D": name}},
                {"N": "shape", "AT": {"#": "1.a_intarray", "D": shape}},
                {"N": "dtype", "AT": {"#": "1.a_dtype", "D": "float32"}},
            ],
        }
        for name, shape in inputs
    ]
    operations.append({"#": "1.conv2d", "A": []})
    return {"program": {"regions": [{"blocks": [{"ops": operations}]}]}}


def test_the_inputs_are_read(tmp_path):
    path = tmp_path / "net.json"
    path.write_text(json.dumps(program(("image", [-1, 3, 24, 24]), ("scale", [1]))))
    assert read_input_specs(path) == {
        "image": InputSpec("image", (-1, 3, 24, 24), "float32"),
        "scale": InputSpec("scale", (1,), "float32"),
    }


@pytest.mark.parametrize(
    ("shape", "fits"),
    [
        ((5, 3, 24), True),
        ((1, 3, 24), True),
        ((0, 3, 24), False),
        ((5, 1, 24), False),
        ((5, 3), False),
        ((5, 3, 24, 1), False),
    ],
)
def test_minus_one_stands_for_any_size(shape, fits):
    assert InputSpec("x", (-1, 3, 24), "float32").accepts(shape) is fits


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{",
        "[]",
        "{}",
        '{"program": 3}',
        '{"program": {"regions": [{"blocks": [{"ops": [{"#": "1.data", "A": []}]}]}]}}',
        "\x00\xff",
    ],
)
def test_what_is_no_program_is_a_backend_error(tmp_path, content):
    path = tmp_path / "net.json"
    path.write_text(content, encoding="latin-1")
    with pytest.raises(BackendError, match=r"net\.json is no readable Paddle program"):
        read_input_specs(path)


def test_missing_files_are_named(tmp_path):
    path = tmp_path / "net.json"
    with pytest.raises(BackendError, match=r"net\.json"):
        open_session(path, tmp_path / "net.pdiparams", workers=1, threads=1)
    path.write_text(json.dumps(program(("image", [-1]))))
    with pytest.raises(BackendError, match=r"net\.pdiparams does not exist"):
        open_session(path, tmp_path / "net.pdiparams", workers=1, threads=1)
