"""The R-Net on the matrix unit says what its definition says, as far as bfloat16 goes."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
import pytest

from ood_face.artifacts import Manifest
from ood_face.detection import open_mtcnn
from ood_face.detection.cascade import COARSE_MARGIN
from ood_face.detection.crop_rnet import CropRnet, open_crop_rnet
from ood_face.imaging import decode
from tests.benchmark.made_pictures import PICTURES
from tests.fakes.native import compiled, native_library_at
from tests.unit.detection.networks import (
    WEIGHTS,
    answers_of,
    has_matrix_unit,
    made,
    noisy,
    plain,
    session,
    shipped,
)


def opened(layers):
    """Return the network; None where the processor cannot, and only there."""
    rnet = open_crop_rnet(layers)
    assert (rnet is not None) == has_matrix_unit()
    return rnet


def cut_out(count):
    """Return crops from all over the pictures, of all sizes."""
    rng, crops = np.random.default_rng(0), []
    for path in sorted(PICTURES.glob("*.jpg")):
        image = decode(path.read_bytes())
        for _ in range(count):
            side = int(rng.integers(24, min(image.shape[:2])))
            top, left = (int(rng.integers(0, size - side + 1)) for size in image.shape[:2])
            part = image[top : top + side, left : left + side]
            crops.append(cv2.resize(part, (24, 24), interpolation=cv2.INTER_AREA))
    return np.stack(crops).astype(np.float32)


@compiled
@pytest.mark.parametrize("count", [1, 15, 16, 17, 50])
def test_it_says_what_its_definition_says(count):
    layers, crops = made("rnet", count), noisy(50, 24, count)
    if (rnet := opened(layers)) is None:
        return
    expected = plain("rnet", layers, crops).reshape(50, 5)
    found = answers_of(rnet, crops[:count])
    assert found.shape == (count, 5)
    # eight bits of each number are kept, and five layers add their errors up
    assert np.abs(found - expected[:count]).max() < 2.0**-5 * np.abs(expected).max()


@compiled
def test_on_pictures_it_errs_by_less_than_the_margin_of_the_first_look():
    crops = cut_out(40)
    if (rnet := opened(shipped("rnet"))) is None:
        return
    (expected,) = session("rnet").run({"image": crops.transpose(0, 3, 1, 2)}).values()
    errors = np.abs(answers_of(rnet, crops) - expected)
    assert errors[:, 0].max() < COARSE_MARGIN / 2
    assert errors[:, 1:].max() < 0.02


@compiled
def test_each_crop_is_seen_for_itself_by_however_many_threads():
    crops = noisy(40, 24)
    if (rnet := opened(shipped("rnet"))) is None:
        return
    together = answers_of(rnet, crops)
    with ThreadPoolExecutor(4) as pool:
        singly = list(pool.map(lambda at: answers_of(rnet, crops[at : at + 1]), range(40)))
    assert np.concatenate(singly).tobytes() == together.tobytes()


@compiled
def test_no_crop_no_answer():
    if (rnet := opened(shipped("rnet"))) is not None:
        assert answers_of(rnet, noisy(0, 24)).shape == (0, 5)


@compiled
@pytest.mark.parametrize(
    "image",
    [
        np.zeros((4, 24, 24, 3), np.float32),
        np.zeros((4, 3, 24, 24), np.float32),
        np.zeros((8, 24, 24, 3), np.float32)[::2].transpose(0, 3, 1, 2),
        np.zeros((4, 24, 25, 3), np.float32).transpose(0, 3, 1, 2),
        np.zeros((4, 24, 24, 3), np.float64).transpose(0, 3, 1, 2),
    ],
    ids=["channels last", "planes", "strided", "too wide", "float64"],
)
def test_crops_that_lie_otherwise_are_refused(image):
    if (rnet := opened(shipped("rnet"))) is not None:
        with pytest.raises(ValueError, match=str(image.shape[-1])):
            rnet.run({"image": image})


def test_other_layers_are_none_of_an_rnet():
    assert open_crop_rnet(made("rnet", 0)[:4]) is None
    assert open_crop_rnet(made("pnet", 0)) is None
    layers = made("rnet", 0)
    layers[2] = (*layers[2][:2], None)
    assert open_crop_rnet(layers) is None


def test_without_the_library_there_is_none(tmp_path, monkeypatch):
    with native_library_at(tmp_path / "_native.so", monkeypatch):
        assert open_crop_rnet(shipped("rnet")) is None


@compiled
def test_the_detector_looks_with_it_first_where_it_may_look_in_bfloat16():
    manifest = Manifest.load(WEIGHTS)
    looks = open_mtcnn(manifest, precision="auto")._rnet.coarse
    assert isinstance(looks, CropRnet) == has_matrix_unit()
    assert open_mtcnn(manifest)._rnet.coarse is None
