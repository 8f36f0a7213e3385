"""What all scalings take, refuse, save and load."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from ood_face.calibration.files import METHODS
from ood_face.errors import CalibrationMissingError, ChecksumError, InputError
from tests.unit.calibration.drawn import drawn

EVERY = pytest.mark.parametrize("scaling", METHODS.values(), ids=METHODS)
ODDS = np.array([-2.0, -1.0, 0.5, 1.0, 2.0, -0.5])
LABELS = np.array([0, 0, 1, 0, 1, 1])


class Tensor:
    """What a Paddle tensor offers, and nothing that NumPy could use by itself."""

    def __init__(self, values) -> None:
        self._values = np.asarray(values)

    def numpy(self):
        return self._values


@EVERY
def test_tensors_are_taken_like_arrays(scaling):
    logits, labels = drawn(3, 2.0, 300)
    expected = scaling().fit(logits, labels).transform(logits)
    found = scaling().fit(Tensor(logits), Tensor(labels)).transform(Tensor(logits))
    assert type(found) is np.ndarray
    assert (found == expected).all()


@EVERY
def test_a_paddle_tensor_of_float32_is_taken(scaling):
    import paddle  # noqa: PLC0415 - a second, and only here

    logits, labels = drawn(3, 2.0, 300)
    tensor = paddle.to_tensor(logits.astype(np.float32))
    found = scaling().fit(tensor, paddle.to_tensor(labels)).transform(tensor)
    expected = scaling().fit(logits.astype(np.float32), labels).transform(tensor.numpy())
    assert (found == expected).all()


@EVERY
@pytest.mark.parametrize(
    ("logits", "labels", "key", "words"),
    [
        (ODDS, np.ones(6, int), "scaling.one_class", ["6", "class 1"]),
        (np.full(6, 0.3), LABELS, "scaling.all_equal", ["6"]),
        (np.full((6, 3), 0.3), LABELS, "scaling.all_equal", ["6"]),
        (np.arange(6.0)[:, None] + np.zeros(3), LABELS, "scaling.all_equal", []),
        (np.where(ODDS == 0.5, np.nan, ODDS), LABELS, "scaling.not_finite", ["1", "row 2"]),
        (np.where(ODDS > 0.7, np.inf, ODDS), LABELS, "scaling.not_finite", ["2", "row 3"]),
        (np.where(ODDS > 0.7, 1e200, ODDS), LABELS, "scaling.not_finite", ["1e+100"]),
        (ODDS[:, None, None], LABELS, "scaling.logits_shape", ["(6, 1, 1)"]),
        (ODDS[:, None], LABELS, "scaling.logits_shape", ["(6, 1)"]),
        (np.empty(0), np.empty(0, int), "scaling.logits_shape", ["(0,)"]),
        (np.array(["a", "b"]), LABELS[:2], "scaling.not_numbers", ["<U1"]),
        (ODDS, LABELS[:5], "scaling.labels_shape", ["6", "(5,)"]),
        (ODDS, LABELS[:, None], "scaling.labels_shape", ["(6, 1)"]),
        (ODDS, LABELS + 0.5, "scaling.labels_kind", ["float64"]),
        (ODDS, LABELS + 1, "scaling.label_range", ["0..1", "row 2", "2"]),
        (np.eye(6)[:, :3], LABELS - 1, "scaling.label_range", ["0..2", "row 0", "-1"]),
    ],
)
def test_data_that_cannot_be_fitted_is_named(scaling, logits, labels, key, words):
    with pytest.raises(InputError) as caught:
        scaling().fit(logits, labels)
    assert caught.value.key == key
    assert all(word in str(caught.value) for word in words)


@EVERY
@pytest.mark.parametrize("weights", [[1.0] * 5, [0.0] * 6, [-1.0] * 6, [np.nan] * 6])
def test_weights_that_are_none_are_refused(scaling, weights):
    with pytest.raises(InputError, match="weights must be 6 numbers"):
        scaling().fit(ODDS, LABELS, weights)


@EVERY
def test_nothing_is_transformed_before_the_fit(scaling):
    with pytest.raises(InputError, match="not fitted"):
        scaling().transform(ODDS)


@pytest.mark.parametrize("method", ["vector", "isotonic"])
def test_other_classes_than_fitted_are_refused(method):
    logits, labels = drawn(3, 2.0, 300)
    with pytest.raises(InputError, match="3 classes, the logits have 4"):
        METHODS[method]().fit(logits, labels).transform(np.ones((2, 4)))


@EVERY
@pytest.mark.parametrize("classes", [2, 3])
def test_what_is_saved_is_loaded(scaling, classes, tmp_path):
    logits, labels = drawn(classes, 2.0, 300)
    logits = logits if classes > 2 else logits[:, 1] - logits[:, 0]
    fitted = scaling().fit(logits, labels)
    fitted.save(tmp_path / "it.toml")
    assert (scaling.load(tmp_path / "it.toml").transform(logits) == fitted.transform(logits)).all()


@EVERY
def test_a_saved_scaling_that_was_edited_is_refused(scaling, tmp_path):
    path = tmp_path / "it.toml"
    scaling().fit(ODDS, LABELS).save(path)
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("format = 1", "format = 2"), encoding="utf-8")
    with pytest.raises(ChecksumError) as caught:
        scaling.load(path)
    assert caught.value.key == "scaling.edited"


def test_a_scaling_of_another_method_is_refused(tmp_path):
    METHODS["vector"]().fit(ODDS, LABELS).save(tmp_path / "it.toml")
    with pytest.raises(CalibrationMissingError, match="holds no isotonic scaling"):
        METHODS["isotonic"].load(tmp_path / "it.toml")


def test_applying_needs_neither_scipy_nor_scikit_learn_nor_any_figures():
    code = (
        "import sys; sys.modules.update(scipy=None, sklearn=None, paddle=None)\n"
        "from ood_face.calibration.files import METHODS\n"
        "t = METHODS['isotonic'].from_parameters(dict(log_odds=[[0, 1]], probabilities=[[0, 1]]))\n"
        "print(t.transform([0.25])[0], 'ood_face.evaluation' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.stdout.strip(), done.stderr) == ("0.25 False", "")
