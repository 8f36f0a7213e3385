"""The P-Net on the matrix unit says what its definition says, as far as bfloat16 goes."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from ood_face.artifacts import Manifest
from ood_face.crew import Crew
from ood_face.detection import open_mtcnn
from ood_face.detection.cascade import COARSE_MARGIN
from ood_face.detection.compiled import CompiledLoops
from ood_face.detection.pyramid import TILE_SIDES_PX, layout
from ood_face.detection.scanning import Scene, scan
from ood_face.detection.tile_pnet import TilePnet, open_tile_pnet
from ood_face.imaging import decode
from tests.benchmark.made_pictures import PICTURES
from tests.fakes.native import compiled, native_library_at
from tests.unit.detection.networks import WEIGHTS, has_matrix_unit, made, plain, session, shipped


def opened(layers):
    """Return the network; None where the processor cannot, and only there."""
    pnet = open_tile_pnet(layers)
    assert (pnet is not None) == has_matrix_unit()
    return pnet


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
@pytest.mark.parametrize("side_px", [*TILE_SIDES_PX, 64, 68])
def test_it_says_what_its_definition_says(side_px):
    layers, tile = made("pnet", side_px), tile_of(side_px)
    if (pnet := opened(layers)) is None:
        return
    expected = plain("pnet", layers, tile)[:, 0]
    found = logits_of(pnet, tile)
    assert found.shape == expected.shape
    # eight bits of each number are kept, and four layers add their errors up
    assert np.abs(found - expected).max() < 2.0**-5 * np.abs(expected).max()
    assert np.corrcoef(found.ravel(), expected.ravel())[0, 1] > 0.9999


@compiled
def test_on_pictures_it_errs_by_less_than_the_margin_of_the_first_look():
    if (pnet := opened(shipped("pnet"))) is None:
        return
    exact, side_px = session("pnet"), max(TILE_SIDES_PX)
    for path in sorted(PICTURES.glob("*.jpg")):
        image = decode(path.read_bytes()).astype(np.float32)
        tile = np.ascontiguousarray(image[None, 80 : 80 + side_px, 80 : 80 + side_px])
        (expected,) = exact.run({"image": tile.transpose(0, 3, 1, 2)}).values()
        assert np.abs(logits_of(pnet, tile) - expected[:, 0]).max() < COARSE_MARGIN / 2


@compiled
def test_what_the_memory_held_before_does_not_matter():
    if (pnet := opened(shipped("pnet"))) is None:
        return
    tile, other = tile_of(160), np.full((1, 208, 208, 3), np.nan, np.float32)
    first = logits_of(pnet, tile)
    logits_of(pnet, other)
    assert np.isfinite(first).all()
    assert logits_of(pnet, tile).tobytes() == first.tobytes()


@compiled
def test_threads_do_not_disturb_each_other():
    if (pnet := opened(shipped("pnet"))) is None:
        return
    tiles = [tile_of(160, seed) for seed in range(16)]
    singly = [logits_of(pnet, tile).tobytes() for tile in tiles]
    with ThreadPoolExecutor(4) as pool:
        together = [found.tobytes() for found in pool.map(lambda of: logits_of(pnet, of), tiles)]
    assert together == singly


@compiled
def test_the_loops_run_it_on_every_tile_of_a_picture():
    if (pnet := opened(shipped("pnet"))) is None:
        return
    image = decode((PICTURES / "two_people.jpg").read_bytes())
    loops = CompiledLoops()
    picture, levels = loops.picture(image), layout(*image.shape[:2], 40.0, 0.709)
    windows, answers = scan(Scene(picture, Crew()), levels, pnet, 0.0)
    expected = []
    for blocks in levels.tiles:
        tile = np.zeros((1, levels.tile_px, levels.tile_px, 3), np.float32)
        picture.fill(blocks, tile[0])
        (answer,) = pnet.run({"image": tile.transpose(0, 3, 1, 2)}).values()
        expected.append(loops.cells_above(answer[0], blocks, 0.0))
    assert len(windows) > 10
    assert np.array_equal(windows, np.concatenate([found for found, _ in expected]))
    assert np.array_equal(answers, np.concatenate([found for _, found in expected]))


@compiled
@pytest.mark.parametrize(
    "image",
    [
        np.zeros((1, 160, 160, 3), np.float32),
        np.zeros((1, 3, 160, 160), np.float32),
        np.zeros((2, 160, 160, 3), np.float32).transpose(0, 3, 1, 2),
        np.zeros((1, 160, 164, 3), np.float32).transpose(0, 3, 1, 2),
        np.zeros((1, 162, 162, 3), np.float32).transpose(0, 3, 1, 2),
        np.zeros((1, 160, 160, 3), np.float64).transpose(0, 3, 1, 2),
    ],
    ids=["channels last", "planes", "two", "not square", "not of fours", "float64"],
)
def test_tiles_that_lie_otherwise_are_refused(image):
    if (pnet := opened(shipped("pnet"))) is not None:
        with pytest.raises(ValueError, match=str(image.shape[-1])):
            pnet.aim(image)


def test_other_layers_are_none_of_a_pnet():
    assert open_tile_pnet(made("pnet", 0)[:3]) is None


def test_without_the_library_there_is_none(tmp_path, monkeypatch):
    with native_library_at(tmp_path / "_native.so", monkeypatch):
        assert open_tile_pnet(shipped("pnet")) is None


@compiled
def test_the_detector_looks_with_it_first_where_it_may_look_in_bfloat16():
    manifest = Manifest.load(WEIGHTS)
    looks = open_mtcnn(manifest, precision="auto")._pnet.coarse
    assert isinstance(looks, TilePnet) == has_matrix_unit()
    assert open_mtcnn(manifest)._pnet.coarse is None
