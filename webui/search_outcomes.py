"""What the tab Search asks of the galleries, and what came of it: free of language and layout."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ood_face.errors import BackendError, InputError, MultipleFacesError, OodFaceError
from webui.outcomes import Marks, Problem
from webui.uploads import read_uploads

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ood_face.service import FaceService, GalleryService
    from ood_face.types import (
        Caller,
        GalleryCounts,
        GalleryInfo,
        Identification,
        RgbImage,
        Subject,
    )
    from webui.uploads import Limits

__all__ = [
    "PAGE_SUBJECTS",
    "IdentifyOutcome",
    "People",
    "Shelf",
    "find_people",
    "identify_picture",
    "look_at_shelf",
]

PAGE_SUBJECTS = 20
TOP_K = 5
# ids are looked up by the store, names one after the other: no further than this
MAX_SOUGHT = 20_000
_CHUNK = 1000


@dataclass(frozen=True, slots=True, eq=False)
class Shelf:
    """The galleries there are, and the one that is chosen.

    Attributes
    ----------
    names : of all galleries
    info, counts : of the chosen one; None: there is none
    may_admin : the visitor may make and erase galleries
    problem : why the visitor sees none, or why the last wish was not granted
    done : key of a sentence on what was just done; empty: nothing
    done_to : the gallery it was done to
    """

    names: tuple[str, ...] = ()
    info: GalleryInfo | None = None
    counts: GalleryCounts | None = None
    may_admin: bool = False
    problem: OodFaceError | None = None
    done: str = ""
    done_to: str = ""

    @property
    def chosen(self) -> str | None:
        """Name of the chosen gallery; None: there is none."""
        return None if self.info is None else self.info.name


def look_at_shelf(galleries: GalleryService, wanted: str | None, *, may_admin: bool) -> Shelf:
    """Return the galleries, with the wanted one chosen if it is there, else the first."""
    found = galleries.galleries()
    names = tuple(info.name for info, _ in found)
    if not found:
        return Shelf(may_admin=may_admin)
    info, counts = next((pair for pair in found if pair[0].name == wanted), found[0])
    return Shelf(names, info, counts, may_admin)


@dataclass(frozen=True, slots=True, eq=False)
class IdentifyOutcome:
    """A search, or the problem that stood in its way; neither while there is no picture."""

    found: Identification | None = None
    problem: Problem | None = None
    marks: Marks = field(default_factory=Marks)


def identify_picture(
    faces: FaceService,
    galleries: GalleryService,
    limits: Limits,
    asked: tuple[str, object],
    caller: Caller,
) -> IdentifyOutcome:
    """Seek the face of a picture in a gallery.

    Parameters
    ----------
    faces : finds the faces to outline where there are several
    galleries : searches
    limits : on the picture
    asked : the gallery's name, and what the picker holds
    caller : for the audit log
    """
    gallery, payload = asked
    try:
        uploads = read_uploads(payload, limits)
        images = [upload.image(limits, galleries.work) for upload in uploads]
    except InputError as error:
        return IdentifyOutcome(problem=Problem(error))
    if not images:
        return IdentifyOutcome()
    (image,) = images
    try:
        found = galleries.identify(gallery, image, TOP_K, caller=caller)
    except MultipleFacesError as error:
        return IdentifyOutcome(problem=Problem(error), marks=_all_faces(faces, image))
    except OodFaceError as error:
        return IdentifyOutcome(problem=Problem(error))
    face = found.probe.face
    return IdentifyOutcome(found, marks=Marks.on(image, [face], face))


def _all_faces(faces: FaceService, image: RgbImage) -> Marks:
    # for the outlines only: a service that has no time for them now leaves them out
    try:
        return Marks.on(image, faces.detect(image))
    except BackendError:
        return Marks()


@dataclass(frozen=True, slots=True, eq=False)
class People:
    """One page of a gallery's subjects.

    Attributes
    ----------
    subjects : by id
    before : what the pages before this one began after; empty: this is the first
    more : others follow
    query : what they were sought by; empty: all are meant
    all_sought : the names of all subjects were looked at; else only of the first 20,000
    opened : id of the one whose pictures are shown; None: no one's
    asking : id, and template where only that one is meant, of what may be deleted next
    problem : why there is no page, or why the last wish was not granted
    done : key of a sentence on what was just done; empty: nothing
    """

    subjects: tuple[Subject, ...] = ()
    before: tuple[str | None, ...] = ()
    more: bool = False
    query: str = ""
    all_sought: bool = True
    opened: str | None = None
    asking: tuple[str, int | None] | None = None
    problem: OodFaceError | None = None
    done: str = ""


def find_people(
    galleries: GalleryService,
    gallery: str,
    query: str,
    before: tuple[str | None, ...],
    most: int = MAX_SOUGHT,
) -> People:
    """Return a page of subjects, all of them or those with a word in their id or name.

    Parameters
    ----------
    galleries : knows them
    gallery : its name
    query : part of an id or of a name, in any case; empty: everybody
    before : what this page and the pages before it begin after
    most : no more names than these are looked at
    """
    word = query.strip().casefold()
    found: list[Subject] = []
    looked_at = 0
    for subject in _after(galleries, gallery, before[-1] if before else None):
        looked_at += 1
        name = subject.profile.name or ""
        if word in subject.subject_id.casefold() or word in name.casefold():
            found.append(subject)
        if len(found) > PAGE_SUBJECTS or looked_at >= most:
            break
    more = len(found) > PAGE_SUBJECTS
    return People(
        tuple(found[:PAGE_SUBJECTS]),
        before,
        more,
        query.strip(),
        all_sought=more or looked_at < most,
    )


def _after(galleries: GalleryService, gallery: str, after: str | None) -> Iterator[Subject]:
    # few at first: most pages end there
    limit = PAGE_SUBJECTS + 1
    while True:
        some = galleries.subjects(gallery, after, limit)
        yield from some
        if len(some) < limit:
            return
        after, limit = some[-1].subject_id, _CHUNK
