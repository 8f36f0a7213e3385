"""A gallery looked through: whether all is there that should be, and whether it is found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from ood_face.ports import Gallery
    from ood_face.types import EnrolledSubject

__all__ = ["GalleryCheck", "check_gallery"]

_PAGE = 100
# subjects whose templates are sought, spread evenly over the gallery
_SOUGHT = 1000
# more than as many equal pictures of one face are not expected in a gallery
_HITS = 50
_EXACT = 0.999


@dataclass(frozen=True, slots=True)
class GalleryCheck:
    """What a look through a gallery gave.

    Attributes
    ----------
    subjects, templates : seen
    sought : templates that were sought by their own feature
    miscounted : the gallery says that it has other numbers of them
    broken : ids of subjects whose features are missing, not of unit norm, or of another model
    not_found : ids of subjects of whom a template was sought and not found
    """

    subjects: int
    templates: int
    sought: int
    miscounted: bool
    broken: tuple[str, ...]
    not_found: tuple[str, ...]

    @property
    def sound(self) -> bool:
        """Whether nothing is wrong."""
        return not (self.miscounted or self.broken or self.not_found)


def check_gallery(
    gallery: Gallery, on_progress: Callable[[int], None] = lambda _: None
) -> GalleryCheck:
    """Read all of a gallery, and seek some of its templates; nobody should change it meanwhile.

    Parameters
    ----------
    gallery : only read
    on_progress : told how many subjects are done

    Raises
    ------
    BackendError
        The store below fails.
    """
    counts = gallery.counts()
    stride = max(1, counts.subjects // _SOUGHT)
    subjects = templates = sought = 0
    broken: list[str] = []
    not_found: list[str] = []
    after = None
    while page := gallery.subjects(after, _PAGE):
        after = page[-1].subject_id
        enrolled = gallery.enrolled([subject.subject_id for subject in page])
        found = {one.subject.subject_id: one for one in enrolled}
        for subject in page:
            one = found.get(subject.subject_id)
            if one is None or not _whole(one, gallery.info.model_id):
                broken.append(subject.subject_id)
            elif subjects % stride == 0 and subject.templates:
                sought += len(subject.templates)
                if not _is_found(gallery, one):
                    not_found.append(subject.subject_id)
            subjects += 1
            templates += len(subject.templates)
        on_progress(subjects)
    miscounted = (subjects, templates) != (counts.subjects, counts.templates)
    return GalleryCheck(subjects, templates, sought, miscounted, tuple(broken), tuple(not_found))


def _whole(one: EnrolledSubject, model_id: str) -> bool:
    if len(one.features) != len(one.subject.templates):
        return False
    norms = np.linalg.norm(one.features, axis=1)
    # NaN is not close to 1 either
    unit = bool(np.isclose(norms, 1.0, atol=1e-3).all())
    return unit and all(template.model_id == model_id for template in one.subject.templates)


def _is_found(gallery: Gallery, one: EnrolledSubject) -> bool:
    searches = gallery.search(one.features, _HITS)
    for template, hits in zip(one.subject.templates, searches, strict=True):
        exact = (hit.template_id for hit in hits if hit.similarity > _EXACT)
        if template.template_id not in exact:
            return False
    return True
