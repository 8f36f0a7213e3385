"""The P-Net on single windows in C says what oneDNN says, and what its definition says."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from ood_face.artifacts import Manifest
from ood_face.detection import open_mtcnn
from ood_face.detection.registers import RegisterNetwork
from ood_face.detection.windows import open_window_pnet
from tests.fakes.native import compiled, native_library_at
from tests.unit.detection.networks import (
    WEIGHTS,
    answers_of,
    has_avx512,
    made,
    noisy,
    plain,
    session,
    shipped,
)


def opened(layers):
    """Return the network; None where the processor cannot, and only there."""
    pnet = open_window_pnet(layers)
    assert (pnet is not None) == has_avx512()
    return pnet


@compiled
@pytest.mark.parametrize("count", [1, 7, 300])
def test_it_says_what_onednn_says(count):
    pixels = noisy(count, 12)
    if (pnet := opened(shipped("pnet"))) is None:
        return
    (expected,) = session("pnet").run({"image": pixels.transpose(0, 3, 1, 2)}).values()
    found = answers_of(pnet, pixels)
    assert found.shape == (count, 5)
    assert found.dtype == np.float32
    assert np.abs(found - expected.reshape(count, 5)).max() < 1e-4


@compiled
@pytest.mark.parametrize("seed", range(5))
def test_it_says_what_its_definition_says(seed):
    layers, pixels = made("pnet", seed), noisy(60, 12, seed)
    if (pnet := opened(layers)) is None:
        return
    expected = plain("pnet", layers, pixels).reshape(60, 5)
    assert np.ptp(expected, axis=0).min() > 1
    assert np.abs(answers_of(pnet, pixels) - expected).max() < 1e-5 * np.abs(expected).max()


@compiled
def test_each_window_is_seen_for_itself_by_however_many_threads():
    pixels = noisy(64, 12)
    if (pnet := opened(shipped("pnet"))) is None:
        return
    together = answers_of(pnet, pixels)
    with ThreadPoolExecutor(4) as pool:
        singly = list(pool.map(lambda at: answers_of(pnet, pixels[at : at + 1]), range(64)))
    assert np.concatenate(singly).tobytes() == together.tobytes()


@compiled
def test_no_window_no_answer():
    if (pnet := opened(shipped("pnet"))) is not None:
        assert answers_of(pnet, noisy(0, 12)).shape == (0, 5)


@compiled
@pytest.mark.parametrize(
    "image",
    [
        np.zeros((4, 12, 12, 3), np.float32),
        np.zeros((4, 3, 12, 12), np.float32),
        np.zeros((4, 12, 13, 3), np.float32).transpose(0, 3, 1, 2),
        np.zeros((8, 12, 12, 3), np.float32)[::2].transpose(0, 3, 1, 2),
        np.zeros((4, 12, 12, 3), np.float32).transpose(0, 3, 2, 1),
        np.zeros((4, 12, 12, 3), np.float64).transpose(0, 3, 1, 2),
    ],
    ids=["channels last", "planes", "too wide", "strided", "turned", "float64"],
)
def test_windows_that_lie_otherwise_are_refused(image):
    if (pnet := opened(shipped("pnet"))) is not None:
        with pytest.raises(ValueError, match=str(image.shape[-1])):
            pnet.run({"image": image})


@pytest.mark.parametrize("layer", range(4))
def test_layers_of_other_shapes_are_none_of_a_pnet(layer):
    layers = made("pnet", 0)
    weight, bias, slopes = layers[layer]
    layers[layer] = (np.concatenate([weight, weight[:1]]), bias, slopes)
    assert open_window_pnet(layers) is None


def test_a_network_bent_elsewhere_is_none():
    for layer in range(3):
        layers = made("pnet", 0)
        layers[layer] = (*layers[layer][:2], None)
        assert open_window_pnet(layers) is None
    layers = made("pnet", 0)
    layers[3] = (*layers[3][:2], np.ones(5, np.float32))
    assert open_window_pnet(layers) is None
    assert open_window_pnet(made("pnet", 0)[:3]) is None
    assert open_window_pnet([]) is None


def test_without_the_library_there_is_none(tmp_path, monkeypatch):
    with native_library_at(tmp_path / "_native.so", monkeypatch):
        assert open_window_pnet(shipped("pnet")) is None


@compiled
def test_the_detector_has_it_where_a_coarse_copy_looks_first():
    manifest = Manifest.load(WEIGHTS)
    pnet = open_mtcnn(manifest, precision="auto")._pnet
    assert isinstance(pnet.windows, RegisterNetwork) == (pnet.coarse is not None and has_avx512())
    assert open_mtcnn(manifest)._pnet.windows is None
    assert open_mtcnn(manifest, precision="auto", engine="paddle")._pnet.windows is None
