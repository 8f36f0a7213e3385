"""All tiles are seen: in one native call, or one by one in Python."""

from __future__ import annotations

import ctypes
import itertools
import threading
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from ood_face.crew import Crew
from ood_face.detection.compiled import CompiledLoops
from ood_face.detection.interpreted import NumpyLoops
from ood_face.detection.native_network import NativeNetwork
from ood_face.detection.pyramid import layout
from ood_face.detection.scanning import Scene, joined, scan
from ood_face.errors import BackendError
from ood_face.runtime import open_session
from tests.fakes.cores import several
from tests.fakes.native import EXECUTE, compiled
from tests.fakes.session import FakePnet
from tests.unit.detection.networks import Hidden

PNET = Path(__file__).resolve().parents[3] / "weights" / "mtcnn" / "pnet"


class Native(FakePnet):
    """The fake network as native loops run it; fails with status 5 at one call, if told to."""

    any_size = False

    def __init__(self, fails_at=None, reached=lambda: None):
        super().__init__()
        self.reached = reached
        self.fails_at, self.calls, self.holding = fails_at, itertools.count(), 0

    @contextmanager
    def held(self, most):
        self.holding += 1
        try:
            yield [SimpleNamespace(aim=self.aim) for _ in range(most)]
        finally:
            self.holding -= 1

    def aim(self, image):
        answer = np.empty_like(self._answer(image))

        def execute(_primitive, _stream, _count, _given):
            if next(self.calls) == self.fails_at:
                return 5
            self.reached()
            answer[:] = self.run({"image": image})["answer"]
            return 0

        called = EXECUTE(execute)
        step = np.array([ctypes.cast(called, ctypes.c_void_p).value, 0, 0, 0], np.int64)
        plan = np.array([0, step.ctypes.data, 1, 0], np.int64)
        kept = (called, step, plan)
        return SimpleNamespace(
            answer=answer, address=plan.ctypes.data, job=0, check=self.check, kept=kept
        )

    @staticmethod
    def check(status):
        if status:
            raise BackendError("runtime.onednn", "status {reason}", function="x", reason=status)


def picture(height=330, width=470):
    image = np.random.default_rng(0).integers(0, 40, (height, width, 3), dtype=np.uint8)
    for left, top, side in ((30, 40, 40), (180, 50, 120), (350, 60, 70), (400, 250, 60)):
        image[top : top + side, left : left + side] = 255
    return image


def scanned(loops, network, threads=1, lowest=0.4, min_face_px=20):
    image = picture()
    levels = layout(*image.shape[:2], min_face_px, 0.709)
    assert len(levels.tiles) == 4
    crew = Crew(threads)
    with crew.gathered():
        return scan(Scene(loops.picture(image), crew), levels, network, lowest)


def same(ones, others):
    return all(
        one.dtype == other.dtype and one.shape == other.shape and one.tobytes() == other.tobytes()
        for one, other in zip(ones, others, strict=True)
    )


@compiled
@pytest.mark.parametrize("threads", [1, 2, 3, 20])
def test_one_native_call_finds_what_python_finds_tile_by_tile(threads):
    network = Native()
    found = scanned(CompiledLoops(), network, threads)
    assert len(found[0]) > 4
    for loops in (CompiledLoops(), NumpyLoops()):
        for crew in (1, threads):
            assert same(found, scanned(loops, FakePnet(), crew))
    # each tile was seen, and none twice
    levels = layout(*picture().shape[:2], 20, 0.709)
    assert len(network.shapes) == len(levels.tiles)


@compiled
@several
def test_what_two_threads_find_in_turns_comes_in_the_order_of_the_tiles():
    # each tile waits for another thread's: neither has tiles that follow each other
    together = threading.Barrier(2, timeout=60)
    found = scanned(CompiledLoops(), Native(reached=together.wait), 2, -100.0)
    assert same(found, scanned(NumpyLoops(), FakePnet(), 1, -100.0))


@compiled
@pytest.mark.parametrize("lowest", [-1.0, 0.4, 50.0])
@pytest.mark.parametrize("threads", [1, 2])
def test_the_real_network_says_the_same_in_one_call(threads, lowest):
    files = (PNET.with_suffix(end) for end in (".json", ".pdiparams"))
    network = open_session(*files, workers=threads, threads=1, engine="onednn")
    assert isinstance(network, NativeNetwork)
    assert not isinstance(Hidden(network), NativeNetwork)
    found = scanned(CompiledLoops(), network, threads, lowest)
    assert (len(found[0]) > 0) == (lowest < 50)
    for loops in (CompiledLoops(), NumpyLoops()):
        assert same(found, scanned(loops, Hidden(network), threads, lowest))


@compiled
@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("fails_at", [0, 1, 2])
def test_a_network_that_fails_at_a_tile_is_told_and_given_back(fails_at, threads):
    network = Native(fails_at)
    with pytest.raises(BackendError, match="status 5"):
        scanned(CompiledLoops(), network, threads)
    assert network.holding == 0
    network.fails_at = None
    assert same(scanned(CompiledLoops(), network), scanned(NumpyLoops(), FakePnet()))


@compiled
def test_more_threads_than_the_network_has_workers_wait_for_each_other():
    files = (PNET.with_suffix(end) for end in (".json", ".pdiparams"))
    network = open_session(*files, workers=1, threads=1, engine="onednn")
    assert same(
        scanned(CompiledLoops(), network, threads=3), scanned(CompiledLoops(), network, threads=1)
    )


def test_an_error_of_a_network_in_python_comes_out():
    class Failing(FakePnet):
        def _answer(self, image):
            if len(self.shapes) >= 3:
                raise BackendError("runtime.closed", "the network was closed")
            return super()._answer(image)

    for threads in (1, 2):
        with pytest.raises(BackendError, match="was closed"):
            scanned(NumpyLoops(), Failing(), threads)


def test_pairs_of_arrays_are_put_behind_each_other():
    parts = [(np.full((n, 3), n), np.full((n, 5), n, np.float32)) for n in (2, 0, 1)]
    first, second = joined(parts)
    assert first[:, 0].tolist() == second[:, 0].tolist() == [2, 2, 1]
    assert second.shape == (3, 5)
