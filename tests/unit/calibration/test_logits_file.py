"""Labelled logits from a file."""

from __future__ import annotations

import zipfile

import numpy as np
import pytest

from ood_face.calibration.logits_file import read_labelled_logits
from ood_face.errors import InputError
from tests.unit.calibration.calibrations import SIMILARITY

SCORES = np.array([0.1, 0.6, 0.2, 0.7])
LABELS = np.array([0, 1, 0, 1])


def read(folder, prior=None, **arrays):
    np.savez(folder / "it.npz", **arrays)
    return read_labelled_logits(folder / "it.npz", SIMILARITY, prior)


def test_scores_are_similarities_of_a_prior_of_one_half(tmp_path):
    found = read(tmp_path, scores=SCORES, labels=LABELS)
    assert (found.input, found.prior) == (SIMILARITY, 0.5)
    assert (found.values == SCORES).all()
    assert read(tmp_path, prior=0.1, scores=SCORES, labels=LABELS).prior == 0.1


def test_logits_keep_the_shares_of_the_data(tmp_path):
    found = read(tmp_path, logits=np.eye(4)[:, :3], labels=np.array([0, 1, 2, 2]))
    assert (found.input.kind, found.input.classes, found.prior) == ("logits", 3, None)
    odds = read(tmp_path, logits=np.array([9.0, -9.0]), labels=np.array([True, False]))
    assert (odds.input.kind, odds.input.classes) == ("logits", 2)


def test_groups_may_be_texts_and_pairs(tmp_path):
    found = read(tmp_path, scores=SCORES, labels=LABELS, groups=np.array(["b", "a", "b", "c"]))
    assert found.first.tolist() == found.second.tolist() == [1, 0, 1, 2]
    pairs = np.array([[7, 7], [7, 9], [9, 9], [3, 7]])
    found = read(tmp_path, scores=SCORES, labels=LABELS, groups=pairs)
    assert (found.first.tolist(), found.second.tolist()) == ([1, 1, 2, 0], [1, 2, 2, 1])
    assert found.about["people"] == 3


def test_without_groups_equal_rows_count_as_one_person(tmp_path):
    scores = np.array([0.1, 0.6, 0.1, 0.1])
    found = read(tmp_path, scores=scores, labels=np.array([0, 1, 0, 1]))
    assert found.first.tolist() == [0, 1, 0, 2]
    assert found.about["groups_given"] is False


@pytest.mark.parametrize(
    ("arrays", "key", "words"),
    [
        ({"scores": SCORES}, "calibrate.arrays", ["labels", "it has: scores"]),
        ({"labels": LABELS}, "calibrate.arrays", ["scores or logits"]),
        ({"scores": SCORES, "logits": SCORES, "labels": LABELS}, "calibrate.arrays", []),
        ({"scores": SCORES * 3, "labels": LABELS}, "scaling.similarity", ["2.100"]),
        ({"scores": np.eye(4), "labels": LABELS}, "scaling.classes", ["4"]),
        ({"scores": SCORES, "labels": LABELS[:3]}, "scaling.labels_shape", ["4"]),
        ({"scores": SCORES, "labels": LABELS * 2}, "scaling.label_range", ["0..1"]),
        ({"scores": SCORES * np.nan, "labels": LABELS}, "scaling.not_finite", ["4"]),
        (
            {"scores": SCORES, "labels": LABELS, "groups": np.ones((4, 3), int)},
            "calibrate.groups",
            ["(4,)", "(4, 2)", "(4, 3)"],
        ),
        (
            {"scores": SCORES, "labels": LABELS, "groups": np.ones(4)},
            "calibrate.groups",
            ["float64"],
        ),
    ],
)
def test_wrong_arrays_are_named(tmp_path, arrays, key, words):
    with pytest.raises(InputError) as caught:
        read(tmp_path, **arrays)
    assert caught.value.key == key
    assert all(word in str(caught.value) for word in words)


def test_files_that_are_no_npz_are_refused(tmp_path):
    np.savez(tmp_path / "whole.npz", scores=SCORES, labels=LABELS)
    whole = (tmp_path / "whole.npz").read_bytes()
    np.save(tmp_path / "lone.npy", SCORES)
    np.savez(tmp_path / "objects.npz", scores=np.array([{}]), labels=LABELS[:1])
    header = np.lib.format.magic(1, 0) + b"\x76\x00"  # a header of 118 bytes
    header += b"{'descr': '<f8', 'fortran_order': False, 'shape': (10000000000000,), }".ljust(117)
    with zipfile.ZipFile(tmp_path / "vast.npz", "w") as archive:
        archive.writestr("scores.npy", header + b"\n")
    contents = {
        "vast": (tmp_path / "vast.npz").read_bytes(),
        "empty": b"",
        "text": b"scores = 3",
        "cut": whole[: len(whole) // 2],
        "lone": (tmp_path / "lone.npy").read_bytes(),
        "objects": (tmp_path / "objects.npz").read_bytes(),
    }
    for name, content in contents.items():
        path = tmp_path / f"{name}-it.npz"
        path.write_bytes(content)
        with pytest.raises(InputError) as caught:
            read_labelled_logits(path, SIMILARITY, None)
        assert caught.value.key == "calibrate.bad_npz", name
        assert path.name in str(caught.value)
    with pytest.raises(InputError, match="No such file"):
        read_labelled_logits(tmp_path / "none.npz", SIMILARITY, None)
