"""The ranges of a released network, measured on faces."""

from pathlib import Path

import numpy as np
import pytest

from ood_face.artifacts import RANGES_KEY, Manifest, write_entry
from ood_face.errors import InputError
from ood_face.evaluation.faces import FaceSet
from ood_face.runtime import open_session
from ood_face.runtime.quantization import quantize
from ood_face.training import quantize as module
from ood_face.training.export import export_network
from ood_face.training.network import StudentNetwork
from ood_face.training.quantize import add_ranges, best_range, measure_ranges


def test_the_best_range_leaves_out_what_is_rare() -> None:
    values = np.random.default_rng(0).normal(0, 1, 100_000).astype(np.float32)
    values[0] = 12.0
    assert 4.0 < best_range(values, 127) < 11.0
    # of numbers that are all alike likely, nothing is left out
    flat = np.linspace(0, 7, 10_000, dtype=np.float32)
    assert best_range(flat, 255) == pytest.approx(7.0)
    assert best_range(np.zeros(5, np.float32), 127) == 1.0


def test_steps_are_measured_in_order(small_network: StudentNetwork, tmp_path: Path) -> None:
    images = np.random.default_rng(0).uniform(-1, 1, (40, 3, 112, 112)).astype(np.float32)
    session = open_session(*export_network(small_network, tmp_path / "n"), workers=1, threads=1)
    (answers,) = session.run({"image": images}).values()
    ranges = measure_ranges(session.graph, images)
    assert len(ranges) == len(session.graph.steps)
    assert 0.2 * answers.max() <= ranges[-1] <= answers.max() * 1.001
    assert len(quantize(session.graph, ranges).weights) == len(ranges) - 1


def test_they_are_written_and_entered(
    small_network: StudentNetwork, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    weights, faces = tmp_path / "weights", tmp_path / "faces"
    export_network(small_network, weights / "small" / "backbone")
    keys = {"kind": "embedder", "version": "7", "license": "none", "source": "here", "more": "kept"}
    files = [f"small/backbone.{end}" for end in ("json", "pdiparams")]
    write_entry(weights, "small", files, keys, make_default=True)
    faces.mkdir()
    (faces / "train-00.tar").touch()
    crops = np.random.default_rng(1).integers(0, 256, (3, 112, 112, 3), np.uint8)
    known = FaceSet(crops, ("a", "b", "c"), np.arange(3))
    monkeypatch.setattr(module, "load_faces", lambda *_, **__: known)
    ranges = add_ranges(weights, "small", faces).extra[RANGES_KEY]
    entry = Manifest.load(weights).chosen(None)
    assert set(entry.files) == set(files)
    assert entry.extra == {"more": "kept", RANGES_KEY: ranges}
    assert (entry.version, entry.license, entry.source) == ("7", "none", "here")
    assert len(ranges) > 5


def test_a_folder_without_faces_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"has no train-\*\.tar"):
        add_ranges(tmp_path, "small", tmp_path)
