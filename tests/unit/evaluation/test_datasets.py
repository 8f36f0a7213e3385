"""Folders and lists of pairs: what is paired, and what is refused."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from ood_face.errors import InputError
from ood_face.evaluation import datasets
from ood_face.evaluation.datasets import deal_folds, load_folders, load_pair_list, load_standard
from ood_face.evaluation.instruments import SilentProgress
from ood_face.evaluation.pictures import PictureReader, already_aligned
from ood_face.evaluation.store import MeasurementStore
from ood_face.types import RgbImage


def write(path: Path, grey: int, side: int = 112) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    image = np.full((side, side, 3), grey, np.uint8)
    cv2.imwrite(str(path), image)


def reader(folder: Path, crop_of=already_aligned) -> PictureReader:
    store = MeasurementStore(folder / "cache", "test")
    return PictureReader(crop_of, "aligned", store, SilentProgress())


def no_face_in_black(image: RgbImage) -> RgbImage | None:
    return None if image.mean() < 5 else image


@pytest.fixture
def people(tmp_path: Path) -> Path:
    folder = tmp_path / "people"
    for person, count in (("ann", 3), ("bob", 2), ("cem", 1)):
        for i in range(count):
            write(folder / person / "inner" / f"{i}.png", 10 * i + len(person) + ord(person[0]))
    (folder / "ann" / "notes.txt").write_text("no picture", encoding="utf-8")
    (folder / "loose.txt").write_text("no person", encoding="utf-8")
    return folder


def pair_list(folder: Path, text: str) -> Path:
    for name in ("a1", "a2", "b1", "b2", "c1"):
        write(folder / f"{name}.png", sum(map(ord, name)))
    path = folder / "pairs.csv"
    path.write_text(text, encoding="utf-8")
    return path


def test_all_pairs_of_a_few_people(people: Path, tmp_path: Path) -> None:
    data = load_folders(people, reader(tmp_path))
    pairs = data.pairs["pairs"]
    assert (int(pairs.same.sum()), int((~pairs.same).sum())) == (3 + 1, 15 - 4)
    same = data.faces.labels[pairs.first] == data.faces.labels[pairs.second]
    assert (same == pairs.same).all()
    assert (pairs.first != pairs.second).all()
    assert (
        len(
            {
                tuple(sorted(p))
                for p in zip(pairs.first.tolist(), pairs.second.tolist(), strict=True)
            }
        )
        == 15
    )
    assert data.faces.names[0] == "ann/inner/0.png"
    again = load_folders(people, reader(tmp_path)).pairs["pairs"]
    assert (again.first == pairs.first).all()
    assert (again.fold == pairs.fold).all()


def test_the_number_of_pairs_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(datasets, "MATED_PER_PERSON", 4)
    monkeypatch.setattr(datasets, "IMPOSTOR_PAIRS", 50)
    pairs = datasets._draw_pairs(np.repeat(np.arange(30), 6))
    assert (int(pairs.same.sum()), int((~pairs.same).sum())) == (30 * 4, 50)
    labels = np.repeat(np.arange(30), 6)
    assert ((labels[pairs.first] == labels[pairs.second]) == pairs.same).all()


def test_folds_hold_as_many_impostor_as_mated_pairs() -> None:
    same = np.arange(300) < 40
    fold = deal_folds(same)
    assert (fold[same] >= 0).all()
    assert [int((fold[~same] == k).sum()) for k in range(10)] == [4] * 10
    assert int((fold == -1).sum()) == 220


def test_pictures_without_a_face_are_counted_and_left_out(people: Path, tmp_path: Path) -> None:
    write(people / "bob" / "dark.png", 0)
    data = load_folders(people, reader(tmp_path, no_face_in_black))
    assert (data.pictures, len(data.faces.names)) == (7, 6)
    assert "bob/dark.png" not in data.faces.names


def test_a_list_of_pairs(tmp_path: Path) -> None:
    text = (
        "image_a,image_b,same\na1.png,a2.png,1\nb1.png,b2.png,1\na1.png,b1.png,0\na2.png,c1.png,0\n"
    )
    data = load_pair_list(pair_list(tmp_path, text), reader(tmp_path))
    label = dict(zip(data.faces.names, data.faces.labels.tolist(), strict=True))
    assert label["a1.png"] == label["a2.png"]
    assert len({label["a1.png"], label["b1.png"], label["c1.png"]}) == 3
    pairs = data.pairs["pairs"]
    assert pairs.same.tolist() == [True, True, False, False]
    assert data.faces.names[pairs.second[3]] == "c1.png"


def test_folds_of_the_list_are_taken(tmp_path: Path) -> None:
    text = "image_a,image_b,same,fold\na1.png,a2.png,1,7\na1.png,b1.png,0,8\n"
    assert load_pair_list(pair_list(tmp_path, text), reader(tmp_path)).pairs[
        "pairs"
    ].fold.tolist() == [7, 8]


def test_a_pair_without_a_face_keeps_its_place(tmp_path: Path) -> None:
    text = "image_a,image_b,same\na1.png,a2.png,1\na1.png,b1.png,0\nc0.png,a1.png,0\n"
    path = pair_list(tmp_path, text)
    write(tmp_path / "c0.png", 0)
    data = load_pair_list(path, reader(tmp_path, no_face_in_black))
    assert data.pairs["pairs"].first.tolist()[2] == -1
    assert data.pictures - len(data.faces.names) == 1


@pytest.mark.parametrize(
    ("text", "key", "says"),
    [
        ("image_a,same\n", "evaluate.columns", "image_a, image_b, same"),
        ("", "evaluate.columns", "it has: -"),
        ("image_a,image_b,same\n", "evaluate.no_pairs", "pairs.csv"),
        (
            "image_a,image_b,same\na1.png,none.png,1\n",
            "evaluate.no_picture",
            "line 2: there is no file none.png",
        ),
        ("image_a,image_b,same\na1.png,a2.png,1\na1.png,,0\n", "evaluate.no_picture", "line 3"),
        ("image_a,image_b,same\na1.png,a2.png,yes\n", "evaluate.bad_same", "'yes'"),
        ("image_a,image_b,same\na1.png,a2.png\n", "evaluate.bad_same", "line 2"),
        ("image_a,image_b,same,fold\na1.png,a2.png,1,-1\n", "evaluate.bad_fold", "'-1'"),
        (
            "image_a,image_b,same\na1.png,a2.png,1\n",
            "evaluate.one_kind",
            "1 pairs of one person and 0",
        ),
        ('image_a,image_b,same\n"a1.png,a2.png,1\n', "evaluate.bad_csv", "pairs.csv"),
    ],
)
def test_a_wrong_list_is_refused(tmp_path: Path, text: str, key: str, says: str) -> None:
    path = pair_list(tmp_path, text)
    with pytest.raises(InputError) as caught:
        load_pair_list(path, reader(tmp_path))
    assert caught.value.key == key
    assert says in str(caught.value)


def test_a_list_that_is_no_text_or_not_there(tmp_path: Path) -> None:
    path = tmp_path / "pairs.csv"
    with pytest.raises(InputError, match="No such file"):
        load_pair_list(path, reader(tmp_path))
    path.write_bytes(b"\xff\xfe\x00image_a")
    with pytest.raises(InputError, match="cannot be read as a CSV file"):
        load_pair_list(path, reader(tmp_path))


def test_only_folders_say_who_is_in_every_picture(people: Path, tmp_path: Path) -> None:
    folders = load_folders(people, reader(tmp_path))
    assert [mask.sum() for mask in folders.probes.values()] == [len(folders.faces.names)]
    listed = load_pair_list(
        pair_list(tmp_path, "image_a,image_b,same\na1.png,a2.png,1\na1.png,b1.png,0\n"),
        reader(tmp_path),
    )
    assert listed.probes == {}


def test_folders_that_carry_no_evaluation(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is no folder"):
        load_folders(tmp_path / "nowhere", reader(tmp_path))
    (tmp_path / "people").mkdir()
    with pytest.raises(InputError, match="faces of 0 people; at least 2"):
        load_folders(tmp_path / "people", reader(tmp_path))
    write(tmp_path / "people" / "ann" / "1.png", 99)
    with pytest.raises(InputError, match="faces of 1 people"):
        load_folders(tmp_path / "people", reader(tmp_path))
    write(tmp_path / "people" / "bob" / "1.png", 0)
    with pytest.raises(InputError, match="faces of 1 people"):
        load_folders(tmp_path / "people", reader(tmp_path, no_face_in_black))
    write(tmp_path / "people" / "bob" / "1.png", 88)
    with pytest.raises(InputError, match=r"no person in .* has two pictures"):
        load_folders(tmp_path / "people", reader(tmp_path))


def test_a_bad_picture_is_named(people: Path, tmp_path: Path) -> None:
    write(people / "bob" / "large.png", 100, side=120)
    with pytest.raises(InputError, match=r"large.png: the picture has 120x120 pixels"):
        load_folders(people, reader(tmp_path))
    (people / "bob" / "large.png").write_bytes(b"\x89PNG broken")
    with pytest.raises(InputError, match=r"large.png: "):
        load_folders(people, reader(tmp_path))


def test_the_standard_set_names_the_file_that_is_missing(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"cfp-00\.tar"):
        load_standard(tmp_path, tmp_path / "cache")
