"""The engine without the rest of Paddle; each test in a process of its own, as loading is once."""

from __future__ import annotations

import subprocess
import sys

COMPUTES = """
import sys
import numpy as np
from ood_face.artifacts import Manifest
from ood_face.config import Settings
from ood_face.embedding import open_embedder

def score():
    manifest = Manifest.load(Settings().weights_dir)
    embedder = open_embedder(manifest, precision="float32", engine="paddle")
    crops = np.random.default_rng(0).integers(0, 256, (1, 112, 112, 3)).astype(np.uint8)
    return embedder.embed(crops).features[0, :4].tolist()
"""


def run(code):
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", COMPUTES + code],
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split("\n")


def test_the_networks_run_without_the_rest_of_paddle():
    loaded = run("score(); print(*(n for n in sys.modules if n.split('.')[0] == 'paddle'))")[-2]

    assert "paddle.base.libpaddle" in loaded.split()
    assert [name for name in loaded.split() if not name.startswith("paddle.base.libpaddle")] == []


def test_paddle_can_be_imported_after_the_engine_and_before_it():
    after = run("first = score(); import paddle; assert paddle.ones([2]).sum() == 2; print(first)")
    before = run("import paddle; assert paddle.ones([2]).sum() == 2; print(score())")

    assert after[-2] == before[-2]


def test_an_engine_that_cannot_be_loaded_is_a_clear_error(tmp_path):
    (tmp_path / "paddle" / "base").mkdir(parents=True)
    (tmp_path / "paddle" / "__init__.py").touch()
    (tmp_path / "paddle" / "base" / "libpaddle.so").write_bytes(b"no library")
    code = f"""
sys.path.insert(0, {str(tmp_path)!r})
from ood_face.errors import BackendError
from ood_face.runtime.binding import engine
try:
    engine()
except BackendError as exc:
    print(exc.key)
"""

    assert run(code)[-2] == "runtime.no_paddle"


def test_a_release_that_has_changed_is_imported_whole():
    code = """
from ood_face.runtime import binding
binding._NEEDED = (*binding._NEEDED, "no_such_function")
score()
print("paddle.base.core" in sys.modules)
"""

    assert run(code)[-2] == "True"
