"""Whom pictures show, by their folders or by their names."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Sequence

    from webui.bundle import BundledFile

__all__ = ["Grouping", "PersonPicture", "by_person", "id_of"]

Grouping = Literal["folders", "names"]

# what an id may not have; a person's folder is often called by the full name
_NOT_IN_IDS = re.compile(r"[^\w.@+=-]+")
_LONGEST_ID = 128


@dataclass(frozen=True, slots=True)
class PersonPicture:
    """One picture and whom it shows.

    Attributes
    ----------
    person : the folder's or the file's name; None: the picture lies in no person's folder
    subject_id : an id made of it, with _ for what no id may have
    file : the picture
    """

    person: str | None
    subject_id: str
    file: BundledFile


def by_person(files: Sequence[BundledFile], grouping: Grouping) -> list[PersonPicture]:
    """Say of each picture whom it shows.

    Parameters
    ----------
    files : as they came
    grouping : ``folders``: a person's pictures lie in a folder with the person's name (or in
        folders in it); one folder around all of these does not count. ``names``: a file has the
        person's name, less its ending
    """
    parts = [PurePosixPath(file.name).parts for file in files]
    around = _folders_around(parts) if grouping == "folders" else 0
    found = []
    for file, names in zip(files, parts, strict=True):
        person: str | None
        if grouping == "names":
            person = PurePosixPath(names[-1]).stem
        else:
            person = names[around] if len(names) > around + 1 else None
        person = None if person is None else unicodedata.normalize("NFC", person)
        found.append(PersonPicture(person, "" if person is None else id_of(person), file))
    return found


def _folders_around(parts: Sequence[tuple[str, ...]]) -> int:
    # the folder that was chosen, or packed, stands around the people's folders; where pictures
    # lie in it and no folder does, it is a person's own
    if len({names[0] for names in parts}) == 1 and any(len(names) > 2 for names in parts):
        return 1
    return 0


def id_of(person: str) -> str:
    """Return an id made of a name, with _ for what no id may have."""
    return _NOT_IN_IDS.sub("_", person).lstrip(".")[:_LONGEST_ID] or "_"
