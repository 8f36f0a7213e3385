"""The R-Net's first looks, on the matrix unit and in integers, say what its definition says.

As far as bfloat16 and integers go.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
import pytest

from ood_face.artifacts import Manifest
from ood_face.detection import open_mtcnn
from ood_face.detection.cascade import COARSE_MARGIN
from ood_face.detection.crop_rnet import CropRnet, open_crop_rnet
from ood_face.detection.rnet_dots import DotsRnet, open_rnet_dots, rounded_rnet
from ood_face.imaging import decode
from tests.benchmark.made_pictures import PICTURES
from tests.fakes.native import compiled, native_library_at
from tests.unit.detection.networks import (
    WEIGHTS,
    answers_of,
    has_dots,
    has_matrix_unit,
    integers,
    made,
    noisy,
    of_integers,
    opened,
    plain,
    session,
    shipped,
)

# what opens it, whether the processor can, and by what share of the largest answer it may be off:
# eight bits of each number are kept, and five layers add their errors up; what an integer of eight
# bits stands for was chosen for all pictures
LOOKS = {
    "matrix": (open_crop_rnet, has_matrix_unit, 2.0**-5),
    "integers": (open_rnet_dots, has_dots, 2.0**-3),
}
each = pytest.mark.parametrize("look", LOOKS)


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
@each
@pytest.mark.parametrize("count", [1, 2, 3, 4, 15, 16, 17, 50])
def test_it_says_what_its_definition_says(look, count):
    layers, crops = made("rnet", count), noisy(50, 24, count)
    if (rnet := opened(LOOKS[look], layers)) is None:
        return
    expected = plain("rnet", layers, crops).reshape(50, 5)
    found = answers_of(rnet, crops[:count])
    assert found.shape == (count, 5)
    assert np.abs(found - expected[:count]).max() < LOOKS[look][2] * np.abs(expected).max()


@compiled
@pytest.mark.parametrize("made_of", ["shipped", 0, 1, 2])
def test_in_integers_it_says_what_the_rounded_layers_say(made_of):
    layers = shipped("rnet") if made_of == "shipped" else made("rnet", made_of)
    crops = noisy(20, 24)
    if (rnet := opened(LOOKS["integers"], layers)) is None:
        return
    (first, second, third, fourth), between = rounded_rnet(layers)
    values = integers(64 * crops.transpose(0, 3, 1, 2), 16)
    values = integers(of_integers(first, values, 3), 8, between[0].zero)
    values = integers(of_integers(second, values, 3), 8, between[1].zero)
    values = integers(of_integers(third, values), 16)
    weight, bias, _ = layers[4]
    expected = of_integers(fourth, values)[:, :, 0, 0] @ weight[:, :, 0, 0].T + bias
    # a number in the middle between two integers may go to either
    assert np.abs(answers_of(rnet, crops) - expected).max() < 5e-3 * np.abs(expected).max()


@compiled
@each
def test_on_pictures_it_errs_by_less_than_the_margin_of_the_first_look(look):
    crops, least = cut_out(40), np.log(0.7 / 0.3)
    if (rnet := opened(LOOKS[look], shipped("rnet"))) is None:
        return
    (expected,) = session("rnet").run({"image": crops.transpose(0, 3, 1, 2)}).values()
    found = answers_of(rnet, crops)
    # below the threshold it may err by more; above, it must not refuse what passes
    missed = (least - found[:, 0])[expected[:, 0] > least]
    assert missed.max(initial=0) < COARSE_MARGIN / 2
    assert np.abs(found - expected)[:, 0].max() < 2 * COARSE_MARGIN
    assert np.abs(found - expected)[:, 1:].max() < 0.05


@compiled
@each
def test_each_crop_is_seen_for_itself_by_however_many_threads(look):
    crops = noisy(40, 24)
    if (rnet := opened(LOOKS[look], shipped("rnet"))) is None:
        return
    together = answers_of(rnet, crops)
    with ThreadPoolExecutor(4) as pool:
        singly = list(pool.map(lambda at: answers_of(rnet, crops[at : at + 1]), range(40)))
    assert np.concatenate(singly).tobytes() == together.tobytes()


@compiled
@each
def test_no_crop_no_answer(look):
    if (rnet := opened(LOOKS[look], shipped("rnet"))) is not None:
        assert answers_of(rnet, noisy(0, 24)).shape == (0, 5)


@compiled
@each
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
def test_crops_that_lie_otherwise_are_refused(look, image):
    if (rnet := opened(LOOKS[look], shipped("rnet"))) is not None:
        with pytest.raises(ValueError, match=str(image.shape[-1])):
            rnet.run({"image": image})


@each
def test_other_layers_are_none_of_an_rnet(look):
    opens = LOOKS[look][0]
    assert opens(made("rnet", 0)[:4]) is None
    assert opens(made("pnet", 0)) is None
    layers = made("rnet", 0)
    layers[2] = (*layers[2][:2], None)
    assert opens(layers) is None


@each
def test_without_the_library_there_is_none(look, tmp_path, monkeypatch):
    with native_library_at(tmp_path / "_native.so", monkeypatch):
        assert LOOKS[look][0](shipped("rnet")) is None


@compiled
def test_the_detector_looks_with_it_first_where_it_may_look_in_bfloat16():
    manifest = Manifest.load(WEIGHTS)
    looks = open_mtcnn(manifest, precision="auto")._rnet.coarse
    assert isinstance(looks, CropRnet) == has_matrix_unit()
    assert isinstance(looks, DotsRnet) == (has_dots() and not has_matrix_unit())
    assert open_mtcnn(manifest)._rnet.coarse is None
