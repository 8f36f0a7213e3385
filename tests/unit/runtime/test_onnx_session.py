from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from ood_face.errors import BackendError
from ood_face.runtime import OnnxSession, open_onnx_session
from tests.fakes.onnx_network import WEIGHT, onnx_network


@pytest.fixture(scope="module")
def session(tmp_path_factory):
    path = tmp_path_factory.mktemp("onnx") / "net.onnx"
    path.write_bytes(onnx_network("N"))
    return open_onnx_session(path, workers=2, threads=1)


def pictures(count, value=1.0):
    return {"face": np.full((count, 3, 112, 112), value, np.float32)}


def test_it_says_what_it_takes_and_gives_the_networks_answer(session):
    spec = session.input_specs["face"]
    assert (spec.shape, spec.dtype) == ((-1, 3, 112, 112), "float32")
    found = session.run(pictures(2, 0.5))
    assert list(found) == ["feature"]
    np.testing.assert_allclose(
        found["feature"], np.tile(0.5 * WEIGHT.sum(axis=0), (2, 1)), rtol=1e-4, atol=1e-4
    )


@pytest.mark.parametrize(
    ("inputs", "key"),
    [
        ({}, "runtime.input_names"),
        ({"image": pictures(1)["face"]}, "runtime.input_names"),
        ({"face": pictures(1)["face"].astype(np.float64)}, "runtime.input_dtype"),
        ({"face": np.zeros((1, 3, 112, 113), np.float32)}, "runtime.input_shape"),
    ],
)
def test_inputs_that_do_not_fit_never_reach_the_engine(session, inputs, key):
    with pytest.raises(BackendError) as caught:
        session.run(inputs)
    assert caught.value.key == key


def test_threads_get_their_own_answers(session):
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda i: session.run(pictures(1, i))["feature"], range(24)))
    for i, feature in enumerate(found):
        np.testing.assert_allclose(feature[0], i * WEIGHT.sum(axis=0), rtol=1e-3, atol=1e-2)


class FakeEngine:
    """ONNX Runtime's session, failing."""

    class Item:
        name, shape, type = "face", ["N", 3, 112, 112], "tensor(float)"

    def __init__(self, error):
        self.error = error

    def get_inputs(self):
        return [self.Item()]

    get_outputs = get_inputs

    def run(self, names, feed):  # noqa: ARG002 - the engine's arguments
        raise self.error


def test_an_engines_error_becomes_ours_and_the_place_comes_free():
    class FailedError(Exception):
        pass

    session = OnnxSession(
        FakeEngine(FailedError("\n[Fail] : bad node\n frames")), (FailedError,), 1
    )
    for _ in range(2):
        with pytest.raises(BackendError, match=r"ONNX Runtime failed: \[Fail\] : bad node$"):
            session.run(pictures(1))


def test_a_network_that_cannot_be_loaded(tmp_path):
    (tmp_path / "bad.onnx").write_bytes(b"no network")
    for name in ("bad.onnx", "gone.onnx"):
        with pytest.raises(BackendError, match="ONNX Runtime failed"):
            open_onnx_session(tmp_path / name, workers=1, threads=1)
    with pytest.raises(BackendError, match="at least 1 worker"):
        open_onnx_session(tmp_path / "bad.onnx", workers=0, threads=1)


def test_an_engine_that_is_not_installed(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(BackendError, match="ONNX Runtime cannot be loaded"):
        open_onnx_session(tmp_path / "net.onnx", workers=1, threads=1)
