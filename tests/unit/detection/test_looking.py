"""A network sees windows and crops: in one native call, or batch by batch in Python."""

from __future__ import annotations

import numpy as np
import pytest

from ood_face.cores import core_count
from ood_face.crew import Crew
from ood_face.detection.compiled import CompiledLoops
from ood_face.detection.exact_rnet import open_exact_rnet
from ood_face.detection.interpreted import NumpyLoops
from ood_face.detection.pyramid import layout
from ood_face.detection.scanning import Scene, Wanted, look
from ood_face.errors import BackendError
from tests.fakes.native import compiled
from tests.fakes.session import FakeRnet
from tests.unit.detection.networks import Hidden, has_avx512, session, shipped

SIZES = (1, 2, 4, 8)
IMAGE = np.random.default_rng(0).integers(0, 255, (240, 320, 3), dtype=np.uint8)
LEVELS = layout(240, 320, 20, 0.709)
THREADS = sorted({1, min(2, core_count())})


def slices_of(count):
    rng = np.random.default_rng(count)
    low = rng.integers(0, 200, (count, 2))
    return np.concatenate([low, low + rng.integers(10, 40, (count, 2))], axis=1)


def windows_of(count):
    rng = np.random.default_rng(count)
    return np.stack([rng.integers(0, 3, count), *rng.integers(0, 20, (2, count))], axis=1)


def seen(wanted, network, loops=CompiledLoops, threads=1):
    crew = Crew(threads)
    with crew.gathered():
        return look(Scene(loops().picture(IMAGE), crew), wanted, network, SIZES, 5)


@compiled
@pytest.mark.parametrize("threads", THREADS)
@pytest.mark.parametrize("count", [1, 2, 3, 7, 16, 17, 41])
@pytest.mark.parametrize("kind", ["crops", "windows", "there"])
def test_one_native_call_says_what_python_says_batch_by_batch(kind, count, threads):
    name, side_px = ("pnet", 12) if kind == "windows" else ("rnet", 24)
    crops = Wanted.crops(slices_of(count), side_px)
    wanted = Wanted.windows(LEVELS.sizes_px, windows_of(count)) if kind == "windows" else crops
    if kind == "there":
        wanted = Wanted.there(crops.cut_out(CompiledLoops().picture(IMAGE), slice(None)))
    network = session(name, workers=2)
    pixels, answers = seen(wanted, network, threads=threads)
    assert pixels.shape == (count, side_px, side_px, 3)
    assert answers.shape == (count, 5)
    for loops in (CompiledLoops, NumpyLoops):
        plain, said = seen(wanted, Hidden(network), loops)
        assert pixels.tobytes() == plain.tobytes()
        # batches of other sizes are added up in another order
        assert np.abs(answers - said).max() < 1e-4


@compiled
@pytest.mark.parametrize("threads", THREADS)
def test_a_network_of_our_own_sees_all_at_once(threads):
    network = open_exact_rnet(shipped("rnet"))
    assert (network is not None) == has_avx512()
    if network is None:
        return
    wanted = Wanted.crops(slices_of(50), 24)
    pixels, answers = seen(wanted, network, threads=threads)
    assert (
        answers.tobytes() == network.run({"i": pixels.transpose(0, 3, 1, 2)})["answers"].tobytes()
    )


@pytest.mark.parametrize("loops", [pytest.param(CompiledLoops, marks=compiled), NumpyLoops])
def test_nothing_wanted_nothing_seen(loops):
    network = FakeRnet()
    pixels, answers = seen(Wanted.crops(slices_of(0), 24), network, loops)
    assert pixels.shape == (0, 24, 24, 3)
    assert answers.shape == (0, 5)
    assert network.shapes == []


def test_batches_have_few_sizes():
    network = FakeRnet()
    seen(Wanted.crops(slices_of(29), 24), network, NumpyLoops)
    assert [shape[0] for shape in network.shapes] == [8, 8, 8, 4, 1]


@compiled
def test_a_network_that_was_closed_is_told_and_nothing_is_held():
    network = session("rnet", workers=2)
    network.close()
    with pytest.raises(BackendError, match="was closed"):
        seen(Wanted.crops(slices_of(3), 24), network)


@compiled
def test_pixels_of_another_size_are_refused_and_the_network_is_given_back():
    network = session("rnet", workers=2)
    with pytest.raises(BackendError, match="must have shape"):
        seen(Wanted.crops(slices_of(3), 23), network)
    assert network._pool._idle.qsize() == 2
    assert seen(Wanted.crops(slices_of(3), 24), network)[1].shape == (3, 5)


def test_what_is_neither_where_nor_there_cannot_be_cut_out():
    with pytest.raises(ValueError, match="side_px=24"):
        Wanted(24).cut_out(NumpyLoops().picture(IMAGE), slice(None))
    assert len(Wanted(24)) == 0
