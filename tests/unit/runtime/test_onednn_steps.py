"""A network's primitives in order: in C as in Python, and held for native loops to run."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from ood_face.errors import BackendError
from ood_face.native import library as native_library
from ood_face.native import library_path
from ood_face.runtime import OneDnnSession, open_session
from ood_face.runtime.onednn import winograd
from ood_face.runtime.onednn.descriptors import Memory, Stream, strided
from ood_face.runtime.onednn.library import ARG_DST, ARG_SRC, arguments
from ood_face.runtime.onednn.primitives import reorder
from ood_face.runtime.onednn.steps import Steps
from tests.fakes.native import compiled, native_library_at

WEIGHTS = Path(__file__).resolve().parents[3] / "weights"
SHAPES = {
    "mtcnn/pnet": (1, 3, 160, 160),
    "mtcnn/rnet": (7, 3, 24, 24),
    "mtcnn/onet": (3, 3, 48, 48),
    "rts-r18/backbone": (1, 3, 112, 112),
}
# what certainly does not end is waited for so long
SHORT_S = 0.1
LONG_S = 60


@pytest.fixture(params=[pytest.param("C", marks=compiled), "Python"])
def language(request, tmp_path, monkeypatch):
    """Run the steps in both."""
    path = library_path() if request.param == "C" else tmp_path / "_native.so"
    with native_library_at(path, monkeypatch):
        yield request.param


def opened(name, **options):
    files = (WEIGHTS / f"{name}.{end}" for end in ("json", "pdiparams"))
    session = open_session(*files, engine="onednn", **{"workers": 1, "threads": 1, **options})
    assert isinstance(session, OneDnnSession)
    return session


@contextmanager
def held_at(session, image):
    """Hold a worker, aimed at an image."""
    with session.held(1) as (runner,):
        yield runner.aim(image)


def noise(shape, seed=0):
    return np.random.default_rng(seed).uniform(-1, 1, shape).astype(np.float32)


def answer(session, image):
    (only,) = session.run({"image": image}).values()
    return only


def copying(source, target, broken=False):
    """Return what copies an array, as ``Steps.add`` takes it, and what that needs."""
    layouts = strided(source), strided(target)
    memories = [
        Memory(layout, array.ctypes.data)
        for layout, array in zip(layouts, (source, target), strict=True)
    ]
    primitive = reorder(*layouts)
    handles = {ARG_SRC: memories[0].handle, ARG_DST: memories[1].handle}
    given = arguments({} if broken else handles)
    return (primitive.handle, given), (primitive, memories, layouts)


@contextmanager
def copies(*pairs, broken=None):
    """Make steps that copy each pair's first array into its second; ``broken`` says too little."""
    steps, kept = Steps([Stream()]), []
    for index, (source, target) in enumerate(pairs):
        added, needed = copying(source, target, broken=index == broken)
        steps.add(*added)
        kept.append(needed)
    yield steps
    del kept


@compiled
@pytest.mark.parametrize(
    ("name", "precision"),
    [(name, precision) for name in SHAPES for precision in ("float32", "auto")],
)
def test_in_c_and_in_python_they_give_the_same_bits(name, precision, tmp_path, monkeypatch):
    image = noise(SHAPES[name])
    session = opened(name, precision=precision)
    ours = answer(session, image)
    with native_library_at(tmp_path / "_native.so", monkeypatch):
        pythons = answer(session, image)
        anew = answer(opened(name, precision=precision), image)
    assert np.ptp(ours) > 0
    assert ours.tobytes() == pythons.tobytes()
    # opened without the library, all is oneDNN's: test_winograd.py says how far that is apart
    if (name, precision) != ("rts-r18/backbone", "auto") or not winograd.usable():
        assert ours.tobytes() == anew.tobytes()


@pytest.mark.usefixtures("language")
def test_steps_are_executed_in_their_order():
    one, two, three = noise((1, 2, 3, 4), 1), noise((1, 2, 3, 4), 2), noise((1, 2, 3, 4), 3)
    expected = one.copy()
    with copies((one, two), (two, three)) as steps:
        steps.run()
        assert (two == expected).all()
        assert (three == expected).all()
        one += 1
        steps.run()
        assert (three == expected + 1).all()


@pytest.mark.usefixtures("language")
@pytest.mark.parametrize("broken", [0, 1, 2])
def test_a_primitive_that_fails_is_told_and_the_later_ones_are_not_executed(broken):
    source = noise((1, 2, 3, 4))
    targets = [np.zeros_like(source) for _ in range(3)]
    with copies(*((source, target) for target in targets), broken=broken) as steps:
        for _ in range(2):
            with pytest.raises(BackendError, match="primitive_execute: invalid arguments"):
                steps.run()
    for index, target in enumerate(targets):
        assert (target == (source if index < broken else 0)).all()


@compiled
def test_an_added_step_is_executed_where_the_address_was_known_before():
    source = noise((1, 2, 3, 4))
    first, second = np.zeros_like(source), np.zeros_like(source)
    added, kept = copying(source, second)
    with copies((source, first)) as steps:
        address = steps.address
        steps.add(*added)
        assert steps.address == address
        assert native_library().steps_run(address) == 0
        assert (first == source).all()
        assert (second == source).all()
    del kept


@compiled
@pytest.mark.parametrize("name", SHAPES)
def test_what_is_aimed_says_what_a_run_says(name):
    session, single = opened(name), opened(name)
    image = np.zeros(SHAPES[name], dtype=np.float32)
    with held_at(session, image) as aimed:
        for seed in range(3):
            # it reads what lies there when it runs
            image[:] = noise(SHAPES[name], seed)
            aimed.check(native_library().steps_run(aimed.address))
            assert aimed.answer.tobytes() == answer(single, image).tobytes()
        held = aimed.answer.copy()
    # and afterwards the worker is as any other, and leaves what it wrote alone
    other = noise(SHAPES[name], 9)
    assert answer(session, other).tobytes() == answer(single, other).tobytes()
    assert aimed.answer.tobytes() == held.tobytes()


@compiled
def test_what_is_aimed_reads_an_image_whose_channels_lie_side_by_side():
    session, tile = opened("mtcnn/pnet"), noise((1, 160, 160, 3))
    image = tile.transpose(0, 3, 1, 2)
    with held_at(session, image) as aimed:
        aimed.check(native_library().steps_run(aimed.address))
    assert aimed.answer.tobytes() == answer(session, image).tobytes()


def test_a_network_is_held_by_one_and_a_second_caller_waits():
    session, image = opened("mtcnn/rnet"), noise((1, 3, 24, 24))
    expected = answer(session, image)

    def aim():
        with held_at(session, image) as aimed:
            return aimed.answer.shape

    with ThreadPoolExecutor(2) as pool:
        with held_at(session, image):
            later = [pool.submit(answer, session, image), pool.submit(aim)]
            assert not wait(later, SHORT_S).done
        ran, aimed = (one.result(LONG_S) for one in later)
    assert ran.tobytes() == expected.tobytes()
    assert aimed == expected.shape


def test_a_network_of_two_workers_is_held_by_two():
    session, image = opened("mtcnn/rnet", workers=2), noise((1, 3, 24, 24))
    with held_at(session, image) as one, held_at(session, image) as other:
        assert one.address != other.address
        assert one.answer.ctypes.data != other.answer.ctypes.data
        assert session._pool._idle.empty()
    assert session._pool._idle.qsize() == 2


@pytest.mark.parametrize(("wanted", "given"), [(1, 1), (2, 2), (3, 3), (7, 3)])
def test_as_many_workers_are_held_as_are_wanted_and_free(wanted, given):
    session, image = opened("mtcnn/rnet", workers=3), noise((1, 3, 24, 24))
    with session.held(wanted) as runners:
        aimed = [runner.aim(image) for runner in runners]
        assert len({one.address for one in aimed}) == len(aimed) == given
        assert session._pool._idle.qsize() == 3 - given
    with session.held(1), session.held(3) as runners:
        assert len(runners) == 2
    assert session._pool._idle.qsize() == 3


def test_who_holds_several_does_not_wait_for_more_than_one():
    session = opened("mtcnn/rnet", workers=2)
    with ThreadPoolExecutor(1) as pool, session.held(1):

        def count():
            with session.held(2) as runners:
                return len(runners)

        assert pool.submit(count).result(LONG_S) == 1


def test_a_network_that_is_being_closed_gives_what_it_has_and_no_more():
    session = opened("mtcnn/rnet", workers=2)
    with ThreadPoolExecutor(1) as pool:
        with session.held(2):
            closing = pool.submit(session.close)
            assert not wait([closing], SHORT_S).done
        closing.result(LONG_S)
    with pytest.raises(BackendError, match="was closed"), session.held(2):
        pytest.fail("it was held")  # pragma: no cover


@pytest.mark.parametrize(
    ("image", "told"),
    [
        (np.zeros((1, 4, 24, 24), np.float32), "must have shape"),
        (np.zeros((1, 3, 23, 24), np.float32), "must have shape"),
        (np.zeros((3, 24, 24), np.float32), "must have shape"),
        (np.zeros((1, 3, 24, 24), np.float64), "must be an array of float32, got float64"),
        (None, "must be an array of float32, got NoneType"),
    ],
)
def test_what_does_not_fit_the_network_is_refused_and_holds_nobody(image, told):
    session = opened("mtcnn/rnet")
    with pytest.raises(BackendError, match=told), held_at(session, image):
        pytest.fail("it was held")  # pragma: no cover
    assert answer(session, noise((1, 3, 24, 24))).shape == (1, 5)


def test_an_error_of_the_holder_gives_the_network_back():
    session, image = opened("mtcnn/rnet"), noise((1, 3, 24, 24))

    def fail():
        with held_at(session, image) as aimed:
            aimed.check(0)
            aimed.check(5)

    with pytest.raises(BackendError, match="primitive_execute: runtime error"):
        fail()
    assert answer(session, image).shape == (1, 5)


def test_a_closed_network_is_not_held():
    session = opened("mtcnn/rnet")
    session.close()
    with pytest.raises(BackendError, match="was closed"), held_at(session, noise((1, 3, 24, 24))):
        pytest.fail("it was held")  # pragma: no cover


def test_a_network_is_closed_when_its_holder_is_done():
    session, image = opened("mtcnn/rnet"), noise((1, 3, 24, 24))
    with ThreadPoolExecutor(1) as pool:
        with held_at(session, image):
            closing = pool.submit(session.close)
            assert not wait([closing], SHORT_S).done
        closing.result(LONG_S)
    with pytest.raises(BackendError, match="was closed"):
        answer(session, image)


def test_pixels_that_lie_as_no_library_reads_them_are_not_held():
    session = opened("mtcnn/pnet")
    twice = np.broadcast_to(noise((1, 3, 12, 12)), (2**20, 3, 12, 12))
    with pytest.raises(BackendError, match="steps") as told, held_at(session, twice):
        pass
    assert told.value.key == "runtime.image_layout"
    assert answer(session, noise((1, 3, 12, 12))).shape == (1, 5, 1, 1)
