"""The R-Net in registers says what oneDNN says, and what its definition says."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from ood_face.artifacts import Manifest
from ood_face.detection import open_mtcnn
from ood_face.detection.exact_rnet import open_exact_rnet
from ood_face.detection.registers import RegisterNetwork
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
    rnet = open_exact_rnet(layers)
    assert (rnet is not None) == has_avx512()
    return rnet


@compiled
@pytest.mark.parametrize("count", [1, 2, 3, 4, 50])
def test_it_says_what_onednn_says(count):
    crops = noisy(count, 24)
    if (rnet := opened(shipped("rnet"))) is None:
        return
    found = answers_of(rnet, crops)
    assert found.shape == (count, 5)
    assert found.dtype == np.float32
    assert np.abs(found - answers_of(session("rnet"), crops)).max() < 1e-4


@compiled
@pytest.mark.parametrize("seed", range(5))
def test_it_says_what_its_definition_says(seed):
    layers, crops = made("rnet", seed), noisy(20, 24, seed)
    if (rnet := opened(layers)) is None:
        return
    expected = plain("rnet", layers, crops).reshape(20, 5)
    assert np.ptp(expected, axis=0).min() > 1
    assert np.abs(answers_of(rnet, crops) - expected).max() < 1e-5 * np.abs(expected).max()


@compiled
def test_each_crop_is_seen_for_itself_by_however_many_threads():
    crops = noisy(32, 24)
    if (rnet := opened(shipped("rnet"))) is None:
        return
    together = answers_of(rnet, crops)
    with ThreadPoolExecutor(4) as pool:
        singly = list(pool.map(lambda at: answers_of(rnet, crops[at : at + 1]), range(32)))
    assert np.concatenate(singly).tobytes() == together.tobytes()


@compiled
def test_no_crop_no_answer():
    if (rnet := opened(shipped("rnet"))) is not None:
        assert answers_of(rnet, noisy(0, 24)).shape == (0, 5)


def test_other_layers_are_none_of_an_rnet():
    assert open_exact_rnet(made("rnet", 0)[:4]) is None
    assert open_exact_rnet(made("pnet", 0)) is None


def test_without_the_library_there_is_none(tmp_path, monkeypatch):
    with native_library_at(tmp_path / "_native.so", monkeypatch):
        assert open_exact_rnet(shipped("rnet")) is None


@compiled
def test_the_detector_decides_with_it_where_a_coarse_copy_looks_first():
    manifest = Manifest.load(WEIGHTS)
    rnet = open_mtcnn(manifest, precision="auto")._rnet
    assert isinstance(rnet.exact, RegisterNetwork) == (rnet.coarse is not None and has_avx512())
    assert not isinstance(open_mtcnn(manifest)._rnet.exact, RegisterNetwork)
