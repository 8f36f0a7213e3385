"""The P-Net's first looks, on the matrix unit and in integers, say what its definition says.

As far as bfloat16 and integers go.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from ood_face.artifacts import Manifest
from ood_face.crew import Crew
from ood_face.detection import mtcnn as mtcnn_module
from ood_face.detection import open_mtcnn
from ood_face.detection.cascade import COARSE_MARGIN
from ood_face.detection.compiled import CompiledLoops
from ood_face.detection.pnet_dots import DotsPnet, open_pnet_dots, rounded_pnet
from ood_face.detection.pyramid import TILE_SIDES_PX, WIDEST_STRIP_PX, layout, strips
from ood_face.detection.rnet_dots import DotsRnet
from ood_face.detection.scanning import Scene, scan
from ood_face.detection.tile_pnet import TilePnet, open_tile_pnet
from ood_face.imaging import decode
from tests.benchmark.made_pictures import PICTURES
from tests.fakes.native import compiled, native_library_at
from tests.unit.detection.networks import (
    WEIGHTS,
    has_dots,
    has_matrix_unit,
    integers,
    made,
    of_integers,
    opened,
    plain,
    session,
    shipped,
)

# what opens it, whether the processor can, and by what share of the largest logit it may be off:
# eight bits of each number are kept, and four layers add their errors up; what an integer of eight
# bits stands for was chosen for all pictures
LOOKS = {
    "matrix": (open_tile_pnet, has_matrix_unit, 2.0**-5),
    "integers": (open_pnet_dots, has_dots, 2.0**-4),
}
each = pytest.mark.parametrize("look", LOOKS)
BOTH = tuple(LOOKS)


def lying(count, rows, cols, kind=np.float32):
    """Return pictures whose colours lie together."""
    return np.zeros((count, rows, cols, 3), kind).transpose(0, 3, 1, 2)


# pixels that are refused, and by whom
OTHERWISE = {
    "channels last": (np.zeros((1, 160, 160, 3), np.float32), BOTH),
    "planes": (np.zeros((1, 3, 160, 160), np.float32), BOTH),
    "two": (lying(2, 160, 160), BOTH),
    "float64": (lying(1, 160, 160, np.float64), BOTH),
    "not square": (lying(1, 160, 164), ("matrix",)),
    "not of fours": (lying(1, 162, 162), ("matrix",)),
    "odd": (lying(1, 160, 161), BOTH),
    "odd rows": (lying(1, 161, 160), BOTH),
    "too low": (lying(1, 10, 160), BOTH),
    "too wide": (lying(1, 160, WIDEST_STRIP_PX + 2), BOTH),
}


def tile_of(side_px, seed=0):
    """Return a tile of noise, soft in one half, with a grey edge."""
    rng = np.random.default_rng(seed)
    tile = rng.uniform(0, 255, (1, side_px, side_px, 3)).astype(np.float32)
    tile[:, :, : side_px // 2] = 0.2 * tile[:, :, : side_px // 2] + 90
    tile[:, -9:] = 127.5
    return tile


def logits_of(pnet, tile):
    (answer,) = pnet.run({"image": tile.transpose(0, 3, 1, 2)}).values()
    return answer[:, 0]


@compiled
@each
@pytest.mark.parametrize("side_px", [*TILE_SIDES_PX, 64, 68])
def test_it_says_what_its_definition_says(look, side_px):
    layers, tile = made("pnet", side_px), tile_of(side_px)
    if (pnet := opened(LOOKS[look], layers)) is None:
        return
    expected = plain("pnet", layers, tile)[:, 0]
    found = logits_of(pnet, tile)
    assert found.shape == expected.shape
    assert np.abs(found - expected).max() < LOOKS[look][2] * np.abs(expected).max()
    assert np.corrcoef(found.ravel(), expected.ravel())[0, 1] > 0.999


@compiled
@each
def test_on_pictures_it_errs_by_less_than_the_margin_of_the_first_look(look):
    if (pnet := opened(LOOKS[look], shipped("pnet"))) is None:
        return
    exact, side_px = session("pnet"), max(TILE_SIDES_PX)
    for path in sorted(PICTURES.glob("*.jpg")):
        image = decode(path.read_bytes()).astype(np.float32)
        tile = np.ascontiguousarray(image[None, 80 : 80 + side_px, 80 : 80 + side_px])
        (expected,) = exact.run({"image": tile.transpose(0, 3, 1, 2)}).values()
        found, least = logits_of(pnet, tile), np.log(0.6 / 0.4)
        # below the threshold it may err by more; above, it must not refuse what passes
        missed = (least - found)[expected[:, 0] > least]
        assert missed.max(initial=0) < COARSE_MARGIN / 2
        assert np.abs(found - expected[:, 0]).max() < 2 * COARSE_MARGIN


@compiled
@each
def test_what_the_memory_held_before_does_not_matter(look):
    if (pnet := opened(LOOKS[look], shipped("pnet"))) is None:
        return
    tile, other = tile_of(160), np.full((1, 208, 208, 3), np.nan, np.float32)
    first = logits_of(pnet, tile)
    logits_of(pnet, other)
    assert np.isfinite(first).all()
    assert logits_of(pnet, tile).tobytes() == first.tobytes()


@compiled
@each
def test_threads_do_not_disturb_each_other(look):
    if (pnet := opened(LOOKS[look], shipped("pnet"))) is None:
        return
    tiles = [tile_of(160, seed) for seed in range(16)]
    singly = [logits_of(pnet, tile).tobytes() for tile in tiles]
    with ThreadPoolExecutor(4) as pool:
        together = [found.tobytes() for found in pool.map(lambda of: logits_of(pnet, of), tiles)]
    assert together == singly


@compiled
@pytest.mark.parametrize(
    ("look", "cut"), [("matrix", layout), ("integers", layout), ("integers", strips)]
)
def test_the_loops_run_it_on_every_tile_of_a_picture(look, cut):
    if (pnet := opened(LOOKS[look], shipped("pnet"))) is None:
        return
    image = decode((PICTURES / "two_people.jpg").read_bytes())
    loops = CompiledLoops()
    picture, levels = loops.picture(image), cut(*image.shape[:2], 40.0, 0.709)
    windows, answers = scan(Scene(picture, Crew()), levels, pnet, 0.0)
    expected = []
    for blocks, tile_px in zip(levels.tiles, levels.tiles_px, strict=True):
        tile = np.zeros((1, *tile_px, 3), np.float32)
        picture.fill(blocks, tile[0])
        (answer,) = pnet.run({"image": tile.transpose(0, 3, 1, 2)}).values()
        expected.append(loops.cells_above(answer[0], blocks, 0.0))
    assert len(windows) > 10
    assert np.array_equal(windows, np.concatenate([found for found, _ in expected]))
    assert np.array_equal(answers, np.concatenate([found for _, found in expected]))


@compiled
@pytest.mark.parametrize("rows", [12, 14, 36, 300])
@pytest.mark.parametrize("cols", [12, 30, 32, 34, 96, WIDEST_STRIP_PX])
def test_in_integers_it_sees_strips_of_any_shape(rows, cols):
    if (pnet := opened(LOOKS["integers"], shipped("pnet"))) is None:
        return
    strip = np.random.default_rng(cols).uniform(0, 255, (1, rows, cols, 3)).astype(np.float32)
    found = logits_of(pnet, strip)
    assert found.shape == (1, rows // 2 - 5, cols // 2 - 5)
    # each window is seen for itself, wherever it lies
    for row, col in {(0, 0), (found.shape[1] - 1, found.shape[2] - 1), (0, found.shape[2] // 2)}:
        window = np.ascontiguousarray(strip[:, 2 * row :][:, :12, 2 * col : 2 * col + 12])
        assert logits_of(pnet, window) == found[:, row, col]


@compiled
@pytest.mark.parametrize("size", [(1000, 440), (480, 640), (174, 1076), (248, 1015), (2000, 300)])
def test_what_is_aimed_at_the_largest_strip_has_room_for_all_windows_of_every_one(size):
    if (pnet := opened(LOOKS["integers"], shipped("pnet"))) is None:
        return
    tiles_px = strips(*size, 20.0, 0.709).tiles_px
    largest = tiles_px[tiles_px.prod(axis=1).argmax()]
    answer = pnet.aim(np.zeros((1, *largest, 3), np.float32).transpose(0, 3, 1, 2)).answer
    whole = answer.base
    assert whole.ctypes.data == answer.ctypes.data
    assert whole.size >= (tiles_px // 2 - 5).prod(axis=1).max()


@compiled
@pytest.mark.parametrize("made_of", ["shipped", 0, 1, 2])
def test_in_integers_it_says_what_the_rounded_layers_say(made_of):
    layers = shipped("pnet") if made_of == "shipped" else made("pnet", made_of)
    if (pnet := opened(LOOKS["integers"], layers)) is None:
        return
    strip = tile_of(64)
    (first, second, third), between = rounded_pnet(layers)
    values = integers(64 * strip.transpose(0, 3, 1, 2), 16)
    values = integers(of_integers(first, values, 2), 16)
    values = integers(of_integers(second, values), 8, between[1].zero)
    weight, bias, _ = layers[3]
    last = of_integers(third, values)
    expected = np.einsum("nchw,c->nhw", last, weight[0, :, 0, 0]) + bias[0]
    found = logits_of(pnet, strip)
    # a number in the middle between two integers may go to either
    assert np.quantile(np.abs(found - expected), 0.99) < 1e-3 * np.abs(expected).max()
    assert np.abs(found - expected).max() < 0.02 * np.abs(expected).max()


@compiled
@each
@pytest.mark.parametrize("lies", OTHERWISE)
def test_pixels_that_lie_otherwise_are_refused(look, lies):
    image, of = OTHERWISE[lies]
    if look in of and (pnet := opened(LOOKS[look], shipped("pnet"))) is not None:
        with pytest.raises(ValueError, match=str(image.shape[-1])):
            pnet.aim(image)


@each
def test_other_layers_are_none_of_a_pnet(look):
    assert LOOKS[look][0](made("pnet", 0)[:3]) is None


@each
def test_without_the_library_there_is_none(look, tmp_path, monkeypatch):
    with native_library_at(tmp_path / "_native.so", monkeypatch):
        assert LOOKS[look][0](shipped("pnet")) is None


@compiled
@pytest.mark.parametrize("precision", ["auto", "int8"])
def test_without_bfloat16_the_detector_looks_in_integers_where_the_processor_can(
    precision, monkeypatch
):
    manifest, image = Manifest.load(WEIGHTS), decode((PICTURES / "astronaut.jpg").read_bytes())
    with monkeypatch.context() as patch:
        patch.setattr(mtcnn_module, "choose_precision", lambda _wanted: "float32")
        patch.setattr(mtcnn_module, "open_tile_pnet", lambda _layers: None)
        patch.setattr(mtcnn_module, "open_crop_rnet", lambda _layers: None)
        detector = open_mtcnn(manifest, precision=precision)
    assert isinstance(detector._pnet.coarse, DotsPnet) == has_dots()
    assert isinstance(detector._rnet.coarse, DotsRnet) == has_dots()
    assert detector._onet.coarse is None
    (found,), (expected,) = detector.detect(image), open_mtcnn(manifest).detect(image)
    assert np.abs(found.landmarks_px - expected.landmarks_px).max() < 1e-3
    assert found.probability == pytest.approx(expected.probability, abs=1e-5)


@compiled
def test_the_detector_looks_with_it_first_where_it_may_look_in_bfloat16():
    manifest = Manifest.load(WEIGHTS)
    pnet = open_mtcnn(manifest, precision="auto")._pnet
    assert isinstance(pnet.coarse, TilePnet) == has_matrix_unit()
    assert isinstance(pnet.coarse, DotsPnet) == (has_dots() and not has_matrix_unit())
    assert pnet.in_strips == isinstance(pnet.coarse, DotsPnet)
    assert open_mtcnn(manifest)._pnet.coarse is None
