"""A network that several threads run together, row by row: in parts, each done once."""

from __future__ import annotations

import ctypes
import threading
from contextlib import contextmanager

import numpy as np
import pytest

from ood_face.artifacts import RANGES_KEY, Manifest
from ood_face.crew import Crew
from ood_face.native import library as native_library
from ood_face.runtime import open_int8_session
from tests.fakes.cores import several
from tests.fakes.native import EXECUTE, compiled
from tests.fakes.processor import needs_int8
from tests.unit.runtime.test_onednn_steps import SHAPES, WEIGHTS, answer, noise, opened


@contextmanager
def shared(execute, ends, threads):
    """Lay out, as steps.c has it, primitives 0, 1, ... in stages, and streams 1, 2, ..."""
    called = EXECUTE(execute)
    where = ctypes.cast(called, ctypes.c_void_p).value
    steps = np.array([(where, index, 0, 0) for index in range(ends[-1])], np.int64)
    plan = np.array([1, steps.ctypes.data, len(steps), 0], np.int64)
    stages, streams = np.array(ends, np.int64), np.arange(1, threads + 1)
    room = np.zeros(8 * len(ends), np.int64)
    given = np.array(
        [
            *(plan.ctypes.data, stages.ctypes.data, len(stages)),
            *(streams.ctypes.data, threads, room.ctypes.data),
        ],
        np.int64,
    )
    yield given.ctypes.data
    del called, steps, plan, stages, streams, room


@compiled
@pytest.mark.parametrize("threads", [1, 2, 3, 9])
@pytest.mark.parametrize(
    ("name", "precision"), [*((name, "float32") for name in SHAPES), ("rts-r18/backbone", "auto")]
)
def test_several_threads_say_of_a_picture_what_one_says(name, precision, threads):
    session, crew = opened(name, precision=precision), Crew(threads)
    for seed in range(3):
        image = noise((1, *SHAPES[name][1:]), seed)
        expected = answer(session, image)
        with crew.gathered():
            for _ in range(5):
                (found,) = session.run_with({"image": image}, crew.team, threads - 1).values()
                assert found.tobytes() == expected.tobytes()


@compiled
@needs_int8
def test_several_threads_say_in_integers_what_one_says():
    entry = Manifest.load(WEIGHTS).model("rts-r18")
    files = [WEIGHTS / f"rts-r18/backbone.{end}" for end in ("json", "pdiparams")]
    session = open_int8_session(*files, entry.extra[RANGES_KEY], workers=1, threads=1)
    image, crew = noise((1, 3, 112, 112)), Crew(2)
    expected = answer(session, image)
    with crew.gathered():
        for _ in range(5):
            (found,) = session.run_with({"image": image}, crew.team, 1).values()
            assert found.tobytes() == expected.tobytes()


@compiled
def test_of_several_pictures_each_is_seen_whole():
    session, crew, images = opened("mtcnn/onet"), Crew(2), noise((3, 3, 48, 48))
    with crew.gathered():
        (found,) = session.run_with({"image": images}, crew.team, 1).values()
    assert found.tobytes() == answer(session, images).tobytes()


@compiled
@several
def test_two_threads_do_what_may_be_done_at_once():
    # each part waits for the other one: who does both alone would wait forever
    together, done = threading.Barrier(2, timeout=60), []

    def execute(primitive, stream, _count, _given):
        together.wait()
        done.append((primitive or 0, stream))
        return 0

    for _ in range(20):
        crew = Crew(2)
        with crew.gathered(), shared(execute, [2, 4, 6], 2) as given:
            assert native_library().steps_run_together(crew.team, given) == 0
    # each with a stream of his own
    assert sorted(done) == sorted([(part, 1 + part % 2) for part in range(6)] * 20)


@compiled
@pytest.mark.parametrize("fails_at", [0, 1, 2, 3, 4])
def test_a_part_that_fails_is_told_and_the_later_stages_are_not_executed(fails_at):
    done, crew = [], Crew(2)

    def execute(primitive, _stream, _count, _given):
        done.append(primitive or 0)
        return 5 if (primitive or 0) == fails_at else 0

    # two parts, one, two
    with crew.gathered(), shared(execute, [2, 3, 5], 2) as given:
        for _ in range(2):
            done.clear()
            assert native_library().steps_run_together(crew.team, given) == 5
            begun = next(end for end in (2, 3, 5) if fails_at < end)
            assert sorted(done) == list(range(begun))


@compiled
def test_the_caller_alone_does_all_parts():
    done = []

    def execute(primitive, stream, _count, _given):
        done.append((primitive or 0, stream))
        return 0

    with shared(execute, [2, 3, 5], 2) as given:
        assert native_library().steps_run_together(0, given) == 0
    assert done == [(part, 1) for part in range(5)]
