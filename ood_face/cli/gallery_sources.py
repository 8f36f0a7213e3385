"""What a bulk enrolment reads: a folder, or a CSV file that lists pictures."""

from __future__ import annotations

import csv
import os
import unicodedata
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from ood_face.cli.pictures import read_hashed_picture
from ood_face.errors import InputError
from ood_face.service import BulkItem
from ood_face.types import Profile

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import NoReturn

    from ood_face.config import Settings

__all__ = ["read_source"]

NEEDED_COLUMNS = ("image", "subject_id")
# written by file managers beside the pictures
_NOT_MEANT = frozenset({"desktop.ini", "thumbs.db"})


def read_source(source: Path, settings: Settings, *, flat: bool) -> list[BulkItem]:
    """Return one item for each picture; each is read when its turn comes.

    Parameters
    ----------
    source : a folder with one folder for each subject, whose name is the subject's id; or a CSV
        file with the columns ``image`` (a path, as seen from the file), ``subject_id``, optionally
        ``name``, and any others, which become metadata
    settings : the limits on pictures
    flat : the folder itself holds the pictures, and a file's name less its ending is the id

    Raises
    ------
    InputError
        The source cannot be read, has no picture, or is no such list; says what and in which line.
    """
    if source.is_dir():
        items = list(_of_folder(source, settings, flat))
    elif source.is_file():
        items = _of_csv(source, settings)
    else:
        raise InputError(
            "enroll.no_source", "{file} is neither a folder nor a CSV file", file=str(source)
        )
    if not items:
        raise InputError("enroll.empty_source", "{file} has no pictures", file=str(source))
    return items


def _of_folder(folder: Path, settings: Settings, flat: bool) -> Iterator[BulkItem]:
    for path in _entries(folder):
        if flat and path.is_dir():
            problem = InputError(
                "enroll.loose_folder",
                "with --flat, the pictures lie in the folder itself, and this is a folder in it",
            )
            yield _refused(path.name, "", problem)
        elif flat:
            yield _item(path.stem, path, path.name, settings)
        elif path.is_dir():
            for picture in _below(path):
                label = str(picture.relative_to(folder))
                yield _item(path.name, picture, label, settings)
        else:
            problem = InputError(
                "enroll.loose_file",
                "this file lies in no subject's folder; move it into one, or say --flat to have "
                "the files' names as ids",
            )
            yield _refused(path.name, "", problem)


def _below(folder: Path) -> Iterator[Path]:
    for path in _entries(folder):
        if path.is_dir() and not path.is_symlink():
            yield from _below(path)
        else:
            yield path


def _entries(folder: Path) -> list[Path]:
    try:
        names = sorted(os.listdir(folder))  # noqa: PTH208 - names alone, and their order
    except OSError as exc:
        raise _unreadable(folder, exc.strerror or str(exc)) from exc
    return [folder / n for n in names if not n.startswith(".") and n.lower() not in _NOT_MEANT]


def _of_csv(file: Path, settings: Settings) -> list[BulkItem]:
    rows = _rows(file)
    known: dict[str, dict[str, str]] = {}
    for line, row in rows:
        _gather(file, line, row, known.setdefault(row["subject_id"], {}))
    items = []
    for _, row in rows:
        image, subject_id = row["image"], row["subject_id"]
        about = known[subject_id]
        metadata = {key: value for key, value in about.items() if key != "name"}
        try:
            profile = Profile(about.get("name"), metadata) if about else None
        except InputError as exc:
            items.append(_refused(image, subject_id, exc))
            continue
        items.append(_item(subject_id, file.parent / image, image, settings, profile))
    return items


def _rows(file: Path) -> list[tuple[int, dict[str, str]]]:
    try:
        with file.open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.reader(stream, strict=True)
            titles = [title.strip() for title in next(reader, [])]
            if not set(NEEDED_COLUMNS) <= set(titles) or len(set(titles)) < len(titles):
                raise InputError(
                    "enroll.csv_columns",
                    "the first line of {file} needs the columns image and subject_id, and each "
                    "column once; it has: {found}",
                    file=str(file),
                    found=", ".join(titles)[:200] or "-",
                )
            rows = []
            for cells in reader:
                if not any(cells):
                    continue
                if len(cells) != len(titles):
                    raise InputError(
                        "enroll.csv_cells",
                        "line {line} of {file} has not as many cells as the first",
                        file=str(file),
                        line=reader.line_num,
                    )
                row = {t: _composed(c.strip()) for t, c in zip(titles, cells, strict=True)}
                # a path keeps the file system's own spelling
                row["image"] = cells[titles.index("image")].strip()
                rows.append((reader.line_num, row))
            return rows
    except OSError as exc:
        raise _unreadable(file, exc.strerror or str(exc)) from exc
    except UnicodeDecodeError as exc:
        raise _unreadable(file, "it is no UTF-8 text") from exc
    except csv.Error as exc:
        raise _unreadable(file, str(exc)) from exc


def _gather(file: Path, line: int, row: dict[str, str], about: dict[str, str]) -> None:
    # a subject with several pictures has several lines, which must not contradict each other
    for column, value in row.items():
        if column in NEEDED_COLUMNS or not value:
            continue
        if about.setdefault(column, value) != value:
            raise InputError(
                "enroll.csv_conflict",
                "line {line} of {file}: {column} of subject {subject} differs from a line above",
                file=str(file),
                line=line,
                column=column,
                subject=row["subject_id"],
            )


def _item(
    subject_id: str, path: Path, label: str, settings: Settings, profile: Profile | None = None
) -> BulkItem:
    read = partial(read_hashed_picture, str(path), settings)
    return BulkItem(_composed(subject_id), (read,), profile, label)


def _refused(label: str, subject_id: str, problem: InputError) -> BulkItem:
    # refused when its turn comes, so that the report names it in its place
    def read() -> NoReturn:
        raise problem

    return BulkItem(subject_id, (read,), label=label)


def _composed(text: str) -> str:
    # some file systems take letters with accents apart; an id has one spelling
    return unicodedata.normalize("NFC", text)


def _unreadable(file: Path, problem: str) -> InputError:
    return InputError(
        "enroll.csv", "{file} cannot be read: {problem}", file=str(file), problem=problem
    )
