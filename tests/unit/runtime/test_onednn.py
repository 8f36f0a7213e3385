"""The networks on oneDNN itself say what Paddle's executor says of the same programs."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import psutil
import pytest

from ood_face.errors import BackendError
from ood_face.runtime import OneDnnSession, PaddleSession, open_session
from ood_face.runtime import opening as opening_module
from ood_face.runtime.onednn import library as library_module
from ood_face.runtime.onednn import session as session_module
from ood_face.runtime.onednn.library import EngineMissingError
from ood_face.runtime.precision import CPU_INFO

WEIGHTS = Path(__file__).resolve().parents[3] / "weights"
SHAPES = {
    "mtcnn/pnet": [(1, 3, 192, 192), (3, 3, 12, 12), (1, 3, 37, 64), (2, 3, 13, 12)],
    "mtcnn/rnet": [(1, 3, 24, 24), (17, 3, 24, 24)],
    "mtcnn/onet": [(1, 3, 48, 48), (5, 3, 48, 48)],
    "rts-r18/backbone": [(1, 3, 112, 112), (3, 3, 112, 112)],
}
CASES = [(name, shape) for name, shapes in SHAPES.items() for shape in shapes]


def opened(name, engine="onednn", **options):
    options = {"workers": 1, "threads": 1, **options}
    return open_session(
        WEIGHTS / f"{name}.json", WEIGHTS / f"{name}.pdiparams", engine=engine, **options
    )


def image(name, shape, seed=0):
    noise = np.random.default_rng(seed).uniform(0, 255, shape).astype(np.float32)
    return noise / 127.5 - 1 if name.endswith("backbone") else noise


def has_avx512():
    """Whether oneDNN has convolutions in bfloat16 for this processor."""
    return "avx512bw" in CPU_INFO.read_text(encoding="ascii").split()


def answer(session, array):
    (only,) = session.run({"image": array}).values()
    return only


@pytest.mark.parametrize(("name", "shape"), CASES)
def test_it_says_what_paddle_says(name, shape):
    array = image(name, shape)
    ours, paddles = opened(name), opened(name, "paddle")
    assert isinstance(ours, OneDnnSession)
    assert isinstance(paddles, PaddleSession)
    expected = answer(paddles, array)
    found = answer(ours, array)
    assert found.shape == expected.shape
    assert ours.run({"image": array}).keys() == paddles.run({"image": array}).keys()
    assert np.abs(found - expected).max() < 1e-4 * max(1.0, float(np.abs(expected).max()))


@pytest.mark.parametrize(("name", "shape"), CASES)
def test_bfloat16_says_nearly_the_same(name, shape):
    array = image(name, shape)
    if not has_avx512():
        with pytest.raises(BackendError, match="does not compute in bfloat16"):
            opened(name, precision="bfloat16")
        return
    exact, coarse = opened(name), opened(name, precision="bfloat16")
    expected = answer(exact, array)
    spread = float(expected.std()) + 1e-3
    assert np.abs(answer(coarse, array) - expected).max() < 0.2 * max(1.0, spread)


def test_any_way_an_array_lies_is_understood():
    session = opened("mtcnn/rnet")
    array = image("mtcnn/rnet", (6, 3, 24, 24))
    expected = answer(session, array)
    padded = np.zeros((6, 24, 24, 4), np.float32)
    padded[..., :3] = array.transpose(0, 2, 3, 1)
    for same in (
        padded[..., :3].transpose(0, 3, 1, 2),  # the channels of a pixel side by side
        np.asfortranarray(array),
        np.repeat(array, 2, axis=0)[::2],
        array[::-1].copy()[::-1],  # backwards
    ):
        assert np.array_equal(same, array)
        assert np.allclose(answer(session, same), expected, atol=1e-5)
    strip = image("mtcnn/rnet", (3, 24, 29))
    windows = np.lib.stride_tricks.sliding_window_view(strip, (3, 24, 24))[0, 0]
    assert np.allclose(answer(session, windows), answer(session, windows.copy()), atol=1e-5)
    room = np.empty(array.nbytes + 1, np.uint8)
    odd = room[1:].view(np.float32).reshape(array.shape)
    odd[:] = array
    assert not odd.flags.aligned
    assert np.allclose(answer(session, odd), expected, atol=1e-5)
    one = array[:1]
    again = np.lib.stride_tricks.as_strided(one, one.shape, (0, *one.strides[1:]))
    assert np.allclose(answer(session, again), expected[:1], atol=1e-5)
    assert np.allclose(answer(session, np.broadcast_to(one, (4, 3, 24, 24))), expected[:1])


def test_answers_do_not_depend_on_what_ran_before():
    session = opened("mtcnn/pnet")
    sizes = [(64, 64), (12, 12), (200, 31), (64, 64), (12, 12)]
    arrays = [image("mtcnn/pnet", (1, 3, *size), seed) for seed, size in enumerate(sizes)]
    expected = [answer(opened("mtcnn/pnet"), array) for array in arrays]
    for _ in range(2):
        for array, wanted in zip(arrays, expected, strict=True):
            assert np.array_equal(answer(session, array), wanted)


def test_many_shapes_are_answered_and_few_are_kept(monkeypatch):
    monkeypatch.setattr(session_module, "_PLANS", 3)
    session = opened("mtcnn/pnet")
    for side in (*range(12, 40), 12):
        array = image("mtcnn/pnet", (1, 3, side, side))
        assert np.array_equal(answer(session, array), answer(opened("mtcnn/pnet"), array))
    worker = session._pool._idle.queue[0]
    assert len(worker._plans) == 3


def test_threads_share_workers_and_mix_nothing_up():
    session, single = opened("mtcnn/onet", workers=3), opened("mtcnn/onet")
    batches = [image("mtcnn/onet", (1 + seed % 4, 3, 48, 48), seed) for seed in range(16)]
    expected = [answer(single, batch) for batch in batches]
    with ThreadPoolExecutor(6) as pool:
        got = list(pool.map(lambda batch: answer(session, batch), batches * 6))
    for index, found in enumerate(got):
        assert np.array_equal(found, expected[index % len(batches)])


def test_two_threads_inside_a_call_say_the_same():
    array = image("mtcnn/pnet", (1, 3, 192, 192))
    session = opened("mtcnn/pnet", threads=2)
    assert np.abs(answer(session, array) - answer(opened("mtcnn/pnet"), array)).max() < 1e-4
    session.close()


def test_what_is_thrown_away_is_freed():
    array = image("mtcnn/pnet", (1, 3, 192, 192))

    def once():
        session = opened("mtcnn/pnet")
        answer(session, array)
        session.close()

    for _ in range(30):
        once()
    gc.collect()
    before = psutil.Process().memory_info().rss
    for _ in range(200):
        once()
    gc.collect()
    assert psutil.Process().memory_info().rss - before < 20 * 2**20


def test_a_closed_network_refuses():
    session = opened("mtcnn/rnet")
    session.close()
    session.close()
    with pytest.raises(BackendError, match="was closed"):
        answer(session, image("mtcnn/rnet", (1, 3, 24, 24)))


def test_networks_closed_by_several_threads_at_once_are_closed():
    session = opened("mtcnn/rnet", workers=8)
    with ThreadPoolExecutor(8) as threads:
        # were each to wait for workers that another one took, nobody would come back
        list(threads.map(lambda _: session.close(), range(8), timeout=30))
    with pytest.raises(BackendError, match="was closed"):
        answer(session, image("mtcnn/rnet", (1, 3, 24, 24)))


def test_an_input_for_which_no_memory_is_left_is_told_and_the_next_one_answered():
    session = opened("mtcnn/rnet")
    one = image("mtcnn/rnet", (1, 3, 24, 24))
    with pytest.raises(BackendError, match="not enough memory for an input of shape"):
        answer(session, np.broadcast_to(one, (2**38, 3, 24, 24)))
    assert answer(session, one).shape == (1, 5)


def test_a_processor_without_bfloat16_is_told_when_the_network_is_opened():
    code = (
        "import sys\n"
        "from pathlib import Path\n"
        "from ood_face.errors import BackendError\n"
        "from ood_face.runtime import open_session\n"
        "files = [Path(file) for file in sys.argv[1:]]\n"
        "try:\n"
        "    open_session(*files, workers=1, threads=1, precision='bfloat16')\n"
        "except BackendError as error:\n"
        "    print(error.key)\n"
    )
    files = [str(WEIGHTS / f"mtcnn/rnet.{end}") for end in ("json", "pdiparams")]
    told = subprocess.run(
        [sys.executable, "-c", code, *files],
        # oneDNN then takes the processor for one of 2013
        env={**os.environ, "ONEDNN_MAX_CPU_ISA": "AVX2"},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert told.stdout.strip() == "runtime.no_bfloat16", told.stderr


def test_without_the_library_paddle_runs_the_network(monkeypatch):
    monkeypatch.setattr(library_module, "library_path", lambda: None)
    library_module.library.cache_clear()
    try:
        assert isinstance(opened("mtcnn/rnet", "auto"), PaddleSession)
        with pytest.raises(EngineMissingError, match="brings no oneDNN"):
            opened("mtcnn/rnet", "onednn")
    finally:
        library_module.library.cache_clear()


def test_a_library_that_is_none_is_told(monkeypatch, tmp_path):
    broken = tmp_path / "libdnnl.so.3"
    broken.write_bytes(b"no library")
    monkeypatch.setattr(library_module, "library_path", lambda: broken)
    library_module.library.cache_clear()
    try:
        with pytest.raises(EngineMissingError, match="cannot be loaded"):
            opened("mtcnn/rnet", "onednn")
    finally:
        library_module.library.cache_clear()


def test_a_program_that_cannot_be_read_so_is_paddles(monkeypatch):
    def refuse(*_paths):
        raise opening_module.UnsupportedProgramError("runtime.unsupported", "has {what}", what="x")

    monkeypatch.setattr(opening_module, "read_graph", refuse)
    assert isinstance(opened("mtcnn/rnet", "auto"), PaddleSession)
    with pytest.raises(opening_module.UnsupportedProgramError):
        opened("mtcnn/rnet", "onednn")


def test_a_failed_call_names_function_and_reason():
    with pytest.raises(BackendError, match=r"engine_create: invalid arguments"):
        library_module.created("engine_create", 1, 99)
