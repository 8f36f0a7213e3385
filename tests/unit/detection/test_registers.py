"""Networks in registers say what oneDNN says, and what their definition says."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from ood_face.artifacts import Manifest
from ood_face.detection import open_mtcnn
from ood_face.detection.exact_rnet import open_exact_rnet
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

# side of what it sees, and what opens it
NETWORKS = {"pnet": (12, open_window_pnet), "rnet": (24, open_exact_rnet)}
each = pytest.mark.parametrize("name", NETWORKS)


def opened(name, layers):
    """Return the network; None where the processor cannot, and only there."""
    network = NETWORKS[name][1](layers)
    assert (network is not None) == has_avx512()
    return network


@compiled
@each
@pytest.mark.parametrize("count", [1, 2, 3, 4, 7, 50, 300])
def test_it_says_what_onednn_says(name, count):
    pixels = noisy(count, NETWORKS[name][0])
    if (network := opened(name, shipped(name))) is None:
        return
    found = answers_of(network, pixels)
    assert found.shape == (count, 5)
    assert found.dtype == np.float32
    assert np.abs(found - answers_of(session(name), pixels).reshape(count, 5)).max() < 1e-4


@compiled
@each
@pytest.mark.parametrize("seed", range(5))
def test_it_says_what_its_definition_says(name, seed):
    layers, pixels = made(name, seed), noisy(30, NETWORKS[name][0], seed)
    if (network := opened(name, layers)) is None:
        return
    expected = plain(name, layers, pixels).reshape(30, 5)
    assert np.ptp(expected, axis=0).min() > 1
    assert np.abs(answers_of(network, pixels) - expected).max() < 1e-5 * np.abs(expected).max()


@compiled
@each
def test_each_is_seen_for_itself_by_however_many_threads(name):
    pixels = noisy(64, NETWORKS[name][0])
    if (network := opened(name, shipped(name))) is None:
        return
    together = answers_of(network, pixels)
    with ThreadPoolExecutor(4) as pool:
        singly = list(pool.map(lambda at: answers_of(network, pixels[at : at + 1]), range(64)))
    assert np.concatenate(singly).tobytes() == together.tobytes()


@compiled
@each
def test_nothing_seen_no_answer(name):
    if (network := opened(name, shipped(name))) is not None:
        assert answers_of(network, noisy(0, NETWORKS[name][0])).shape == (0, 5)


@compiled
@each
@pytest.mark.parametrize("lies", ["channels last", "planes", "too wide", "strided", "float64"])
def test_pixels_that_lie_otherwise_are_refused(name, lies):
    side = NETWORKS[name][0]
    images = {
        "channels last": np.zeros((4, side, side, 3), np.float32),
        "planes": np.zeros((4, 3, side, side), np.float32),
        "too wide": np.zeros((4, side, side + 1, 3), np.float32).transpose(0, 3, 1, 2),
        "strided": np.zeros((8, side, side, 3), np.float32)[::2].transpose(0, 3, 1, 2),
        "float64": np.zeros((4, side, side, 3)).transpose(0, 3, 1, 2),
    }
    if (network := opened(name, shipped(name))) is not None:
        with pytest.raises(ValueError, match=str(images[lies].shape[-1])):
            network.run({"image": images[lies]})


@each
def test_layers_of_other_shapes_are_none_of_it(name):
    for layer in range(len(made(name, 0))):
        layers = made(name, 0)
        weight, bias, slopes = layers[layer]
        layers[layer] = (np.concatenate([weight, weight[:1]]), bias, slopes)
        assert NETWORKS[name][1](layers) is None


@each
def test_a_network_bent_elsewhere_is_none(name):
    last = len(made(name, 0)) - 1
    for layer in range(last):
        layers = made(name, 0)
        layers[layer] = (*layers[layer][:2], None)
        assert NETWORKS[name][1](layers) is None
    layers = made(name, 0)
    layers[last] = (*layers[last][:2], np.ones(5, np.float32))
    assert NETWORKS[name][1](layers) is None
    assert NETWORKS[name][1](made(name, 0)[:last]) is None
    assert NETWORKS[name][1]([]) is None


@each
def test_without_the_library_there_is_none(name, tmp_path, monkeypatch):
    with native_library_at(tmp_path / "_native.so", monkeypatch):
        assert NETWORKS[name][1](shipped(name)) is None


@compiled
def test_the_detector_has_them_where_a_coarse_copy_looks_first():
    manifest = Manifest.load(WEIGHTS)
    looks_twice = open_mtcnn(manifest, precision="auto")
    for network in (looks_twice._pnet.windows, looks_twice._rnet.exact):
        assert isinstance(network, RegisterNetwork) == (
            looks_twice._pnet.coarse is not None and has_avx512()
        )
    for plainly in (
        open_mtcnn(manifest),
        open_mtcnn(manifest, precision="auto", engine="paddle"),
    ):
        assert plainly._pnet.windows is None
        assert not isinstance(plainly._rnet.exact, RegisterNetwork)
