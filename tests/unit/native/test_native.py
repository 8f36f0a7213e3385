"""The shared library: found, refused with a sentence, and done without."""

from __future__ import annotations

import ctypes
import logging
from pathlib import Path

import numpy as np
import pytest
from numpy._core import _multiarray_umath
from PIL import Image

from ood_face import native
from ood_face.artifacts import Manifest
from ood_face.detection import MtcnnSettings, open_mtcnn
from ood_face.detection.compiled import CompiledLoops
from ood_face.detection.interpreted import NumpyLoops
from ood_face.detection.loops import loops
from ood_face.native import NativeMissingError, library, library_path
from tests.fakes.native import compiled, native_library_at

ROOT = Path(__file__).resolve().parents[3]
# every face, however small, so that there is much to compare
EVERYTHING = MtcnnSettings(
    min_face_px=20, min_face_share=0.0, max_side_px=None, min_probability=0.0, max_faces=None
)


def picture(name):
    with Image.open(ROOT / "tests" / "pictures" / name) as image:
        return np.asarray(image.convert("RGB"))


def crowd():
    """Return many faces of many sizes, 900x700, with noise between them."""
    image = np.random.default_rng(5).integers(0, 256, (700, 900, 3), dtype=np.uint8)
    for index, name in enumerate(("astronaut", "biden_1", "obama_1", "obama_2", "two_people")):
        with Image.open(ROOT / "tests" / "pictures" / f"{name}.jpg") as one:
            one.thumbnail((90 + 45 * index, 300))
            part = np.asarray(one.convert("RGB"))
        top, left = 20 + 340 * (index % 2), 10 + 300 * (index // 2)
        image[top : top + len(part), left : left + part.shape[1]] = part
    return image


PICTURES = {
    "astronaut": lambda: picture("astronaut.jpg"),
    "two people": lambda: picture("two_people.jpg"),
    "crowd": crowd,
    "12x12": lambda: picture("cat.jpg")[:12, :12],
}


def refused(path, monkeypatch):
    """Return the sentence with which a library is refused."""
    with (
        native_library_at(path, monkeypatch),
        pytest.raises(NativeMissingError, match=path.name) as told,
    ):
        library()
    return str(told.value)


def opened(**options):
    return open_mtcnn(Manifest.load(ROOT / "weights"), settings=EVERYTHING, **options)


def numbers(faces):
    """Return all that was found, a row for each face."""
    rows = [[*face.box_xyxy_px, face.probability, *np.ravel(face.landmarks_px)] for face in faces]
    return np.array(rows, dtype=np.float64).reshape(-1, 15)


@compiled
def test_the_library_is_loaded_once_with_its_functions():
    loaded = library()
    assert library() is loaded
    assert library_path().is_file()
    assert Path(loaded._name) == library_path()
    for name, arguments in native._SIGNATURES.items():
        function = getattr(loaded, name)
        assert function.restype is ctypes.c_int64
        assert tuple(function.argtypes) == arguments
    assert loaded.native_version() == native._VERSION


def test_a_file_that_is_not_there_is_told(tmp_path, monkeypatch):
    told = refused(tmp_path / "_native.so", monkeypatch)
    assert told == "_native.so was not compiled when the package was installed"


@pytest.mark.parametrize("content", [b"", b"no library", b"\x7fELF" + 60 * b"\0"])
def test_a_file_that_is_no_library_is_told(tmp_path, monkeypatch, content):
    broken = tmp_path / "_native.so"
    broken.write_bytes(content)
    assert refused(broken, monkeypatch).startswith("_native.so cannot be used: ")


def test_a_library_without_the_functions_is_told(monkeypatch):
    other = Path(_multiarray_umath.__file__)
    told = refused(other, monkeypatch)
    assert told.startswith(f"{other.name} cannot be used: ")
    assert "native_version" in told


@compiled
def test_a_library_of_another_version_is_told(monkeypatch):
    monkeypatch.setattr(native, "_VERSION", 99)
    found = ctypes.CDLL(str(library_path())).native_version()
    told = refused(library_path(), monkeypatch)
    assert told == f"{library_path().name} has version {found}, this package needs 99"


@compiled
def test_a_library_that_was_refused_is_looked_for_again(tmp_path, monkeypatch):
    refused(tmp_path / "_native.so", monkeypatch)
    assert library().native_version() == native._VERSION


def test_without_the_library_numpy_does_it_and_a_warning_says_so(tmp_path, monkeypatch, caplog):
    with (
        native_library_at(tmp_path / "_native.so", monkeypatch),
        caplog.at_level(logging.WARNING, "ood_face"),
    ):
        assert isinstance(loops(), NumpyLoops)
        # once, not with every picture
        assert loops() is loops()
        with pytest.raises(NativeMissingError):
            CompiledLoops()
    (record,) = caplog.records
    assert record.levelno == logging.WARNING
    assert "_native.so was not compiled" in record.getMessage()


@compiled
def test_with_the_library_nothing_is_said(monkeypatch, caplog):
    with (
        native_library_at(library_path(), monkeypatch),
        caplog.at_level(logging.WARNING, "ood_face"),
    ):
        assert isinstance(loops(), CompiledLoops)
    assert caplog.records == []


@compiled
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
@pytest.mark.parametrize("name", PICTURES)
def test_the_faces_are_the_same_with_and_without_the_library(
    name, precision, tmp_path, monkeypatch
):
    image = PICTURES[name]()
    with_it = numbers(opened(precision=precision).detect(image))
    with native_library_at(tmp_path / "_native.so", monkeypatch):
        without = numbers(opened(precision=precision).detect(image))
    assert with_it.shape == without.shape
    assert (len(with_it) > 0) == (name != "12x12")
    assert np.abs(with_it - without).max(initial=0) < 1e-3


@pytest.mark.parametrize("native_there", [pytest.param(True, marks=compiled), False])
@pytest.mark.parametrize("name", PICTURES)
def test_the_faces_are_the_same_however_many_threads_search(
    name, native_there, tmp_path, monkeypatch
):
    image = PICTURES[name]()
    path = library_path() if native_there else tmp_path / "_native.so"
    with native_library_at(path, monkeypatch):
        alone = numbers(opened(threads=1).detect(image))
        detector = opened(threads=2)
        for _ in range(3):
            assert numbers(detector.detect(image)).tolist() == alone.tolist()
