"""A network in integers of 8 bits says nearly what it says in float32."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ood_face.artifacts import RANGES_KEY, Manifest
from ood_face.embedding import open_embedder
from ood_face.errors import ArtifactError, BackendError
from ood_face.runtime import OneDnnSession, open_int8_session, open_session
from ood_face.runtime import opening as opening_module
from ood_face.runtime.graph import Convolution, Graph, MaxPool
from ood_face.runtime.program import InputSpec
from ood_face.runtime.quantization import NOTHING, quantize
from tests.fakes.processor import needs_int8

WEIGHTS = Path(__file__).resolve().parents[3] / "weights"
BACKBONE = [WEIGHTS / f"rts-r18/backbone.{end}" for end in ("json", "pdiparams")]


def convolution(source, target, shape, **more):
    rng = np.random.default_rng(target)
    weight = rng.normal(0, 0.2, shape).astype(np.float32)
    bias = rng.normal(0, 0.2, shape[0]).astype(np.float32)
    padding = (shape[2] // 2, shape[3] // 2)
    return Convolution(source, target, weight, bias, (1, 1), padding, **more)


def small_graph():
    """Return a block with a residual, between a first convolution and a last one."""
    steps = (
        convolution(0, 1, (16, 3, 3, 3), relu=True),
        convolution(1, 2, (32, 16, 3, 3)),
        convolution(2, 3, (16, 32, 3, 3), relu=True),
        convolution(3, 4, (32, 16, 3, 3), residual=2),
        convolution(4, 5, (8, 32, 1, 1), relu=True),
    )
    return Graph(0, steps, 5, "out", flat=True)


def noise(batch, rows, cols):
    shape = (batch, 3, rows, cols)
    return np.random.default_rng(0).uniform(-1, 1, shape).astype(np.float32)


def answer(graph, image, quantization=NOTHING):
    specs = {"image": InputSpec("image", (-1, 3, -1, -1), "float32")}
    session = OneDnnSession(
        graph, specs, workers=1, threads=1, bfloat16=False, quantization=quantization
    )
    return session.run({"image": image})["out"]


def ranges_of(graph, image):
    """Return the largest magnitude of what each step gives."""
    found = []
    for index, step in enumerate(graph.steps):
        part = Graph(graph.source, graph.steps[: index + 1], step.target, "out", flat=False)
        found.append(float(np.abs(answer(part, image)).max()))
    return found


def test_weights_have_a_scale_for_each_filter():
    graph = small_graph()
    graph.steps[1].weight[3] = 0
    found = quantize(graph, [1.0] * 5)
    assert set(found.weights) == set(graph.steps[1:])
    for step, whole in found.weights.items():
        assert whole.weight.dtype == np.int8
        back = whole.weight * whole.scales[:, None, None, None]
        assert np.abs(back - step.weight).max() <= 0.5001 * whole.scales.max()
        assert np.all(np.abs(whole.weight).max(axis=(1, 2, 3))[4:] == 127)


def test_what_is_added_up_or_comes_out_stays_in_floating_point():
    found = quantize(small_graph(), [2.0, 3.0, 4.0, 5.0, 6.0])
    assert found.integers == {3}
    assert found.unsigned == {1, 3, 5}
    scales = {number: float(scale[0]) for number, scale in found.scales.items()}
    assert scales == pytest.approx({1: 2 / 255, 2: 3 / 127, 3: 4 / 255, 4: 5 / 127})


def test_what_a_pooling_reads_stays_in_floating_point():
    steps = (
        convolution(0, 1, (16, 3, 3, 3), relu=True),
        convolution(1, 2, (16, 16, 3, 3), relu=True),
        MaxPool(2, 3, (2, 2), (2, 2)),
        convolution(3, 4, (8, 16, 1, 1)),
    )
    assert quantize(Graph(0, steps, 4, "out", flat=True), [1.0] * 4).integers == set()


@pytest.mark.parametrize(
    "ranges", [[1.0] * 4, [1.0] * 6, [1, 1, 0, 1, 1], [1, 1, np.inf, 1, 1], ["1"] * 5]
)
def test_other_ranges_are_refused(ranges):
    with pytest.raises(ArtifactError, match="5 positive ranges"):
        quantize(small_graph(), ranges)


@needs_int8
@pytest.mark.parametrize("batch", [1, 5])
def test_a_small_network_says_nearly_the_same(batch):
    graph = small_graph()
    image = noise(batch, 12, 10)
    expected = answer(graph, image)
    found = answer(graph, image, quantize(graph, ranges_of(graph, image)))
    assert np.linalg.norm(found - expected) < 0.05 * np.linalg.norm(expected)
    assert not np.array_equal(found, expected)


@needs_int8
def test_what_lies_beyond_the_range_is_cut_off():
    graph = small_graph()
    image = noise(1, 12, 10)
    ranges = ranges_of(graph, image)
    ranges[2] /= 10
    expected = answer(graph, image)
    found = answer(graph, image, quantize(graph, ranges))
    assert np.linalg.norm(found - expected) > 0.1 * np.linalg.norm(expected)


@needs_int8
def test_an_answer_is_the_same_in_any_batch_and_on_any_worker():
    ranges = Manifest.load(WEIGHTS).model("rts-r18").extra[RANGES_KEY]
    session = open_int8_session(*BACKBONE, ranges, workers=2, threads=1)
    images = noise(3, 112, 112)
    (together,) = session.run({"image": images}).values()
    with ThreadPoolExecutor(2) as pool:
        alone = pool.map(lambda one: session.run({"image": one[None]}), images)
    for row, answers in zip(together, alone, strict=True):
        (only,) = answers.values()
        assert np.array_equal(only[0], row)


@needs_int8
def test_of_other_networks_it_is_what_auto_is():
    session = open_session(*BACKBONE, workers=1, threads=1, precision="int8")
    image = noise(1, 112, 112)
    auto = open_session(*BACKBONE, workers=1, threads=1, precision="auto")
    (found,), (expected,) = (one.run({"image": image}).values() for one in (session, auto))
    assert np.array_equal(found, expected)


def test_a_processor_without_it_is_told(monkeypatch):
    monkeypatch.setattr(opening_module, "has_int8", lambda: False)
    with pytest.raises(BackendError, match="does not multiply integers"):
        open_int8_session(*BACKBONE, [1.0] * 21, workers=1, threads=1)


def test_a_missing_file_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr(opening_module, "has_int8", lambda: True)
    with pytest.raises(BackendError, match="does not exist"):
        open_int8_session(BACKBONE[0], tmp_path / "none", [1.0] * 21, workers=1, threads=1)


def test_paddles_executor_has_no_integers():
    with pytest.raises(ArtifactError, match="needs the engine oneDNN"):
        open_embedder(Manifest.load(WEIGHTS), precision="int8", engine="paddle")


def test_the_shipped_ranges_are_the_models():
    ranges = Manifest.load(WEIGHTS).model("rts-r18").extra[RANGES_KEY]
    session = open_session(*BACKBONE, workers=1, threads=1)
    assert len(quantize(session.graph, ranges).weights) == len(session.graph.steps) - 1


def test_a_model_without_ranges_is_told():
    manifest = Manifest.load(WEIGHTS)
    without = replace(manifest.model("rts-r18"), extra={})
    with pytest.raises(ArtifactError, match="has a list int8_ranges"):
        open_embedder(replace(manifest, models={"rts-r18": without}), precision="int8")
