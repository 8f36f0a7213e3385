from __future__ import annotations

import threading

import numpy as np
import pytest

from ood_face.errors import BackendError
from ood_face.runtime import PaddleSession, open_session
from ood_face.runtime.program import InputSpec
from tests.fakes.predictor import FakePredictor

SPECS = {"image": InputSpec("image", (-1, 3, 4, 4), "float32")}


def images(count, value=1.0):
    return {"image": np.full((count, 3, 4, 4), value, dtype=np.float32)}


@pytest.fixture
def predictors():
    return [FakePredictor(), FakePredictor()]


@pytest.fixture
def session(predictors):
    return PaddleSession(predictors, SPECS)


def test_the_answer_is_the_predictors(session):
    assert session.run(images(2, 3.0))["sum"].tolist() == [144.0, 144.0]


def test_the_answer_belongs_to_the_caller(session):
    first = session.run(images(1, 1.0))["sum"]
    session.run(images(1, 2.0))
    assert first.tolist() == [48.0]


def test_a_view_that_is_not_contiguous_is_understood(session):
    wide = np.arange(96, dtype=np.float32).reshape(1, 3, 4, 8)
    assert session.run({"image": wide[..., ::2]})["sum"].tolist() == [wide[..., ::2].sum()]


@pytest.mark.parametrize(
    ("inputs", "key"),
    [
        ({}, "runtime.input_names"),
        ({"picture": images(1)["image"]}, "runtime.input_names"),
        ({**images(1), "more": images(1)["image"]}, "runtime.input_names"),
        ({"image": images(1)["image"].astype(np.float64)}, "runtime.input_dtype"),
        ({"image": [[1.0]]}, "runtime.input_dtype"),
        ({"image": np.zeros((3, 4, 4), np.float32)}, "runtime.input_shape"),
        ({"image": np.zeros((1, 3, 4, 5), np.float32)}, "runtime.input_shape"),
        ({"image": np.zeros((0, 3, 4, 4), np.float32)}, "runtime.input_shape"),
    ],
)
def test_inputs_that_do_not_fit_never_reach_the_engine(session, predictors, inputs, key):
    with pytest.raises(BackendError) as caught:
        session.run(inputs)
    assert caught.value.key == key
    assert sum(predictor.runs for predictor in predictors) == 0


@pytest.mark.parametrize("error", [RuntimeError, ValueError, OSError, MemoryError, IndexError])
def test_every_engine_error_becomes_ours_and_the_predictor_comes_back(error):
    predictor = FakePredictor(fail_with=error("\n\n(InvalidArgument) bad\n  [C++ frames]"))
    session = PaddleSession([predictor], SPECS)
    for _ in range(2):  # the pool of one is not empty the second time
        with pytest.raises(BackendError, match=r"Paddle failed: \(InvalidArgument\) bad$"):
            session.run(images(1))


def test_no_predictor_is_ever_shared(session, predictors):
    wrong = []

    def work(value):
        for _ in range(50):
            got = session.run(images(1, value))["sum"][0]
            if got != 48 * value:
                wrong.append((value, got))

    threads = [threading.Thread(target=work, args=(float(n),)) for n in range(1, 7)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
    assert sum(predictor.runs for predictor in predictors) == 300
    assert not any(predictor.was_shared for predictor in predictors)


def test_a_closed_session_refuses(session):
    session.close()
    session.close()
    with pytest.raises(BackendError, match="was closed"):
        session.run(images(1))


def test_closing_answers_those_who_wait():
    predictor = FakePredictor(hold=True)
    session = PaddleSession([predictor], SPECS)
    answers = []

    def work():
        try:
            answers.append(session.run(images(1))["sum"][0])
        except BackendError as exc:
            answers.append(exc.key)

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    assert predictor.entered.wait(5)
    closer = threading.Thread(target=session.close)
    closer.start()
    predictor.release.set()
    for thread in [*threads, closer]:
        thread.join(10)
        assert not thread.is_alive()
    assert 48.0 in answers
    assert len(answers) == 3


@pytest.mark.parametrize(("workers", "threads"), [(0, 1), (1, 0), (-1, 1)])
def test_a_pool_needs_workers_and_threads(tmp_path, workers, threads):
    with pytest.raises(BackendError, match="at least 1 worker"):
        open_session(tmp_path / "a", tmp_path / "b", workers=workers, threads=threads)
