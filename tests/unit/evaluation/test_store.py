"""Measurements on disk: resumed, keyed by what they depend on, never half-written."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from ood_face.errors import InputError
from ood_face.evaluation.store import PART, Kept, MeasurementStore

CROPS = np.random.default_rng(0).integers(0, 256, (2 * PART + 5, 8, 8, 3), np.uint8)


class Meter:
    """Measures the mean, counts what it measured, and may give out in between."""

    def __init__(self, gives_out_after: int | None = None) -> None:
        self.measured = 0
        self.left = gives_out_after

    def __call__(self, crops: NDArray[np.uint8]) -> dict[str, NDArray[np.float32]]:
        if self.left is not None and self.measured >= self.left:
            raise KeyboardInterrupt
        self.measured += len(crops)
        return {"mean": crops.mean(axis=(1, 2, 3)).astype(np.float32)}


def kept(folder: Path, meter: Meter, name: str = "mean", fingerprint: str = "model 1") -> Kept:
    return Kept(name, meter, MeasurementStore(folder, fingerprint), lambda _count: None)


def test_an_ended_run_goes_on_where_it_was(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        kept(tmp_path, Meter(gives_out_after=PART))(CROPS)
    second = Meter()
    found = kept(tmp_path, second)(CROPS)
    assert second.measured == len(CROPS) - PART
    assert found["mean"] == pytest.approx(CROPS.mean(axis=(1, 2, 3)))
    third = Meter()
    assert (kept(tmp_path, third)(CROPS)["mean"] == found["mean"]).all()
    assert third.measured == 0


@pytest.mark.parametrize(
    ("name", "fingerprint", "change"),
    [("other", "model 1", 0), ("mean", "model 2", 0), ("mean", "model 1", 1)],
)
def test_another_measurement_model_or_pixel_is_measured(
    tmp_path: Path, name: str, fingerprint: str, change: int
) -> None:
    kept(tmp_path, Meter())(CROPS[:3])
    meter = Meter()
    crops = CROPS[:3].copy()
    crops[0, 0, 0, 0] ^= change
    kept(tmp_path, meter, name, fingerprint)(crops)
    assert meter.measured == 3


def test_a_damaged_file_is_measured_again(tmp_path: Path) -> None:
    found = kept(tmp_path, Meter())(CROPS[:3])
    (file,) = tmp_path.rglob("*.npz")
    file.write_bytes(file.read_bytes()[:40])
    meter = Meter()
    assert (kept(tmp_path, meter)(CROPS[:3])["mean"] == found["mean"]).all()
    assert meter.measured == 3
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == [file.name]


def test_a_crop_is_measured_once_however_often_it_is_asked_for(tmp_path: Path) -> None:
    meter = Meter()
    measure = kept(tmp_path, meter)
    twice = np.concatenate([CROPS[3:6], CROPS[4:8]])
    assert measure(twice)["mean"] == pytest.approx(twice.mean(axis=(1, 2, 3)))
    assert measure(CROPS[:5])["mean"] == pytest.approx(CROPS[:5].mean(axis=(1, 2, 3)))
    assert meter.measured == 8


def test_progress_is_told_of_every_crop(tmp_path: Path) -> None:
    told: list[int] = []
    meter = Kept("mean", Meter(), MeasurementStore(tmp_path, "model"), told.append)
    meter(CROPS)
    assert sum(told) == len(CROPS)
    meter(CROPS)
    assert sum(told) == 2 * len(CROPS)


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "cache").touch()
    with pytest.raises(
        InputError, match="cache, which cannot be written: Not a directory"
    ) as found:
        kept(tmp_path / "cache", Meter())(CROPS[:3])
    assert found.value.key == "evaluate.cache"
