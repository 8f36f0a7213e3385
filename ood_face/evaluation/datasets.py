"""Data sets to evaluate on: our own layout, a folder for each person, or a list of pairs.

Folders: every two pictures of a person are a mated pair, at most ``MATED_PER_PERSON`` of each
person, chosen at random; impostor pairs are drawn at random from all pairs of two people, at most
``IMPOSTOR_PAIRS``. Both draws are seeded, so that the same folder gives the same pairs.

Folds, where none are given: the pairs are dealt out at random, seeded, as many of two people as
of one; the others (fold -1) count for every figure except the cross-validated accuracy.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass, replace
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ood_face.errors import InputError
from ood_face.evaluation.faces import FaceSet, Pairs, load_faces, load_pairs
from ood_face.evaluation.pictures import PICTURE_SUFFIXES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from ood_face.evaluation.pictures import ReadsPictures

__all__ = ["TestData", "deal_folds", "load_folders", "load_pair_list", "load_standard"]

FOLDS = 10
MATED_PER_PERSON = 45
IMPOSTOR_PAIRS = 30_000
SEED = 20
COLUMNS = ("image_a", "image_b", "same")
CFP = ("cfp_ff", "cfp_fp")


@dataclass(frozen=True, slots=True, eq=False)
class TestData:
    """Faces and the pairs to compare.

    Attributes
    ----------
    faces : the pictures in which a face was found
    pairs : by name
    good : (N,) whether a picture may serve as the good template of its subject
    probes : (N,) masks by name, the pictures to search for in a gallery; empty: it is not known
        of every two pictures whether they show one person
    discard_on : the pairs of the error-versus-discard curve
    fitted : subjects that fitted the score's curve; they test no calibration
    pictures : how many were given, also those in which no face was found
    rule : how the pairs were made
    """

    __test__ = False  # no test class, whatever pytest thinks of the name

    faces: FaceSet
    pairs: Mapping[str, Pairs]
    good: NDArray[np.bool_]
    probes: Mapping[str, NDArray[np.bool_]]
    discard_on: str
    fitted: NDArray[np.int64]
    pictures: int
    rule: str


def load_standard(data: Path, cache: Path) -> TestData:
    """Read our own layout: ``faces/cfp-00.tar`` and two lists of pairs.

    Raises
    ------
    InputError
        A file is missing.
    """
    needed = [data / "faces" / "cfp-00.tar", data / "ood" / "objects-00.tar"]
    needed += [data / "faces" / f"{key}_pairs.csv" for key in CFP]
    for path in needed:
        if not path.is_file():
            raise InputError("evaluate.no_data", "the evaluation needs {path}", path=str(path))
    faces = load_faces(needed[:1], cache, identity_depth=1)
    pairs = {key: load_pairs(data / "faces" / f"{key}_pairs.csv", faces.names) for key in CFP}
    frontal = np.array(["/frontal/" in name for name in faces.names])
    return TestData(
        faces,
        pairs,
        good=frontal,
        probes={"frontal": frontal, "profile": ~frontal},
        discard_on="cfp_fp",
        fitted=np.unique(faces.labels)[::2],
        pictures=len(faces.names),
        rule="the 10 folds of CFP's protocol",
    )


def load_folders(folder: Path, reader: ReadsPictures) -> TestData:
    """Read one folder per person; pictures may lie in further folders inside.

    Raises
    ------
    InputError
        There is no such folder, there are too few people or pictures, or one can't be read.
    """
    if not folder.is_dir():
        raise InputError("evaluate.no_folder", "{folder} is no folder", folder=str(folder))
    paths, owners = [], []
    for person in sorted(path for path in folder.iterdir() if path.is_dir()):
        own = sorted(p for p in person.rglob("*") if p.suffix.lower() in PICTURE_SUFFIXES)
        paths += own
        owners += [person.name] * len(own)
    _check_people(folder, len(set(owners)))
    crops, index = reader.read(paths)
    kept = np.flatnonzero(index >= 0)
    people, labels = np.unique([owners[i] for i in kept], return_inverse=True)
    _check_people(folder, len(people))
    names = tuple(str(paths[i].relative_to(folder)) for i in kept)
    pairs = _draw_pairs(labels.astype(np.int64))
    if not pairs.same.any():
        raise InputError(
            "evaluate.no_mated",
            "no person in {folder} has two pictures with a face, so no pair shows one person",
            folder=str(folder),
        )
    rule = (
        f"all pairs of one person (at most {MATED_PER_PERSON} a person) and at most "
        f"{IMPOSTOR_PAIRS} of two people, drawn with the seed {SEED}"
    )
    data = _whole(FaceSet(crops, names, labels.astype(np.int64)), pairs, len(paths), rule)
    return replace(data, probes={"pictures": data.good})


def load_pair_list(path: Path, reader: ReadsPictures) -> TestData:
    """Read a CSV file with the columns image_a, image_b, same and, if wanted, fold.

    Paths are relative to the file. Who is who follows from the pairs: pictures that pairs of one
    person connect are that person's.

    Raises
    ------
    InputError
        The file or a picture can't be read, a column or a value is wrong, or all pairs are alike.
    """
    rows = _rows(path)
    first, second = ([row[column] for row in rows] for column in COLUMNS[:2])
    same = np.array([row["same"] == "1" for row in rows], bool)
    if same.all() or not same.any():
        raise InputError(
            "evaluate.one_kind",
            "{file} has {mated} pairs of one person and {impostor} of two people; both are needed",
            file=str(path),
            mated=int(same.sum()),
            impostor=int((~same).sum()),
        )
    names = sorted({*first, *second})
    where = {name: i for i, name in enumerate(names)}
    one, other = (np.array([where[name] for name in side]) for side in (first, second))
    crops, index = reader.read([path.parent / name for name in names])
    kept = np.flatnonzero(index >= 0)
    labels = _connected(len(names), one[same], other[same])[kept]
    fold = np.array([int(row["fold"]) for row in rows]) if "fold" in rows[0] else deal_folds(same)
    faces = FaceSet(crops, tuple(names[i] for i in kept), labels)
    _check_people(path, len(np.unique(labels)))
    pairs = Pairs(index[one], index[other], same, fold)
    return _whole(faces, pairs, len(names), f"the list {path.name}")


def deal_folds(same: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Deal pairs out over folds, as many of two people as of one; -1: in no fold."""
    rng = np.random.default_rng(SEED)
    fold = np.full(len(same), -1, np.int64)
    count = min(int(same.sum()), int((~same).sum()))
    for kind in (same, ~same):
        fold[rng.permutation(np.flatnonzero(kind))[:count]] = np.arange(count) % FOLDS
    return fold


def _whole(faces: FaceSet, pairs: Pairs, pictures: int, rule: str) -> TestData:
    good = np.ones(len(faces.names), bool)
    return TestData(
        faces, {"pairs": pairs}, good, {}, "pairs", np.empty(0, np.int64), pictures, rule
    )


def _check_people(path: Path, count: int) -> None:
    if count < 2:
        raise InputError(
            "evaluate.few_people",
            "{path} has faces of {count} people; at least {limit} are needed",
            path=str(path),
            count=count,
            limit=2,
        )


def _draw_pairs(labels: NDArray[np.int64]) -> Pairs:
    rng = np.random.default_rng(SEED)
    mated = []
    for person in np.unique(labels):
        own = np.array(list(combinations(np.flatnonzero(labels == person), 2)))
        if len(own):
            mated.append(rng.permutation(own)[:MATED_PER_PERSON])
    impostor = _draw_impostors(labels, rng)
    pairs = np.concatenate([*mated, impostor])
    same = np.arange(len(pairs)) < len(pairs) - len(impostor)
    return Pairs(pairs[:, 0], pairs[:, 1], same, deal_folds(same))


def _draw_impostors(labels: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.int64]:
    count = len(labels)
    if count * (count - 1) // 2 <= 4 * IMPOSTOR_PAIRS:
        one, other = np.triu_indices(count, 1)
    else:
        drawn = np.sort(rng.integers(0, count, (4 * IMPOSTOR_PAIRS, 2)), axis=1)
        one, other = np.unique(drawn, axis=0).T
    pairs = np.stack([one, other], axis=1)[labels[one] != labels[other]]
    return np.asarray(rng.permutation(pairs)[:IMPOSTOR_PAIRS], np.int64)


def _connected(count: int, one: NDArray[np.int64], other: NDArray[np.int64]) -> NDArray[np.int64]:
    leader = np.arange(count)
    changed = True
    while changed:
        # every picture takes the smallest number among those it is paired with
        before = leader.copy()
        smallest = np.minimum(leader[one], leader[other])
        np.minimum.at(leader, one, smallest)
        np.minimum.at(leader, other, smallest)
        leader = leader[leader]
        changed = bool(np.any(before != leader))
    return np.unique(leader, return_inverse=True)[1].astype(np.int64)


def _rows(path: Path) -> list[dict[str, str]]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.DictReader(stream, strict=True)
            columns = list(reader.fieldnames or ())
            rows = [(reader.line_num, row) for row in reader]
    except (OSError, UnicodeDecodeError, csv.Error) as exc:
        raise InputError(
            "evaluate.bad_csv",
            "{file} cannot be read as a CSV file: {reason}",
            file=str(path),
            reason=getattr(exc, "strerror", None) or str(exc),
        ) from exc
    if not set(COLUMNS) <= set(columns):
        raise InputError(
            "evaluate.columns",
            "{file} must have the columns {needed}, and may have fold; it has: {found}",
            file=str(path),
            needed=", ".join(COLUMNS),
            found=", ".join(columns) or "-",
        )
    if not rows:
        raise InputError("evaluate.no_pairs", "{file} lists no pairs", file=str(path))
    for line, row in rows:
        _check_row(path, line, row)
    return [row for _, row in rows]


def _check_row(path: Path, line: int, row: Mapping[str, str | None]) -> None:
    place = {"file": str(path), "line": line}
    if row["same"] not in {"0", "1"}:
        raise InputError(
            "evaluate.bad_same",
            "{file}, line {line}: same must be 0 or 1, this is {got}",
            **place,
            got=repr(row["same"]),
        )
    if "fold" in row and not (row["fold"] or "").isdecimal():
        raise InputError(
            "evaluate.bad_fold",
            "{file}, line {line}: fold must be a whole number, this is {got}",
            **place,
            got=repr(row["fold"]),
        )
    for column in COLUMNS[:2]:
        if not (path.parent / (row[column] or "")).is_file():
            raise InputError(
                "evaluate.no_picture",
                "{file}, line {line}: there is no file {picture}",
                **place,
                picture=row[column],
            )
