"""One gallery in Milvus: what is read of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ood_face.errors import BackendError
from ood_face.matching.milvus.changes import Changes
from ood_face.matching.milvus.documents import (
    SubjectRow,
    crop_from_text,
    to_key,
    token_key,
)
from ood_face.matching.milvus.searching import TemplateSearch
from ood_face.matching.refusals import no_subject, no_template
from ood_face.types import EnrolledSubject, GalleryCounts
from ood_face.types.faces import FEATURE_DIM
from ood_face.types.galleries import MAX_TEMPLATES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from ood_face.matching.milvus.layout import Layout
    from ood_face.types import (
        GalleryInfo,
        Hit,
        NewTemplate,
        Profile,
        RequestToken,
        Subject,
    )

__all__ = ["MilvusGallery"]

# an id has at most 128 characters: one that has more comes after the same places as its beginning
_ID_CHARS = 129
_ATTEMPTS = 5
_MAX_ID = 2**63


class MilvusGallery:
    """A gallery in Milvus, see :class:`ood_face.ports.Gallery` and :class:`MilvusGalleryStore`.

    Parameters
    ----------
    layout : where its rows are
    changes : writes them
    """

    def __init__(self, layout: Layout, changes: Changes) -> None:
        self._in = layout
        self._changes = changes
        self._search = TemplateSearch(layout.templates, layout.subjects, layout.index)

    @property
    def info(self) -> GalleryInfo:
        """What kind of gallery this is, as of now."""
        return self._in.row().info

    def counts(self) -> GalleryCounts:
        """Return how many subjects and templates there are."""
        subjects = self._in.subjects.count()
        # Milvus counts but does not add up: each subject is counted once for each of its templates
        templates = 0
        for at_least in range(1, MAX_TEMPLATES + 1):
            more = self._in.subjects.count(f"templates >= {at_least}")
            templates += more
            if more == 0:
                break
        return GalleryCounts(subjects, templates)

    def index_kind(self) -> str:
        """Return the kind of index that Milvus searches templates with."""
        return self._in.index.value

    def create_subject(
        self,
        subject_id: str,
        profile: Profile,
        templates: Sequence[NewTemplate],
        token: RequestToken | None = None,
    ) -> Subject:
        """Enrol a new subject with its templates."""
        return self._changes.create(subject_id, profile, templates, token)

    def subject(self, subject_id: str) -> Subject:
        """Return one subject."""
        found = self._subjects([subject_id])
        if not found:
            # the gallery may be the one that is gone
            raise no_subject(self.info.name, subject_id)
        return found[subject_id]

    def subjects(self, after: str | None, limit: int) -> list[Subject]:
        """Return the next subjects in the order of their ids."""
        key = "" if after is None else to_key(after[:_ID_CHARS])
        return self._seen(self._in.subjects.after(key, limit, ["document"]))

    def enrolled(self, subject_ids: Sequence[str]) -> list[EnrolledSubject]:
        """Return subjects with their features, in the order asked."""
        for _ in range(_ATTEMPTS):
            subjects = self._subjects(subject_ids)
            ids = [one.template_id for subject in subjects.values() for one in subject.templates]
            rows = self._in.templates.get(ids, ["feature"])
            features = {int(row["id"]): row["feature"] for row in rows}
            # one that is missing was removed between the two reads
            if all(id_ in features for id_ in ids):
                return [
                    EnrolledSubject(subjects[id_], _stack(subjects[id_], features))
                    for id_ in subject_ids
                    if id_ in subjects
                ]
        raise BackendError(
            "milvus.changing",
            "gallery {gallery} lists templates that Milvus does not have, or changes faster than "
            "it can be read",
            gallery=self._in.name,
        )

    def crop(self, template_id: int) -> NDArray[np.uint8] | None:
        """Return the aligned face of a template."""
        row = self._in.row()
        known = 0 <= template_id < _MAX_ID
        templates = self._in.templates.get([template_id] if known else [], ["subject"])
        keys = [str(template["subject"]) for template in templates]
        subjects = [
            SubjectRow.from_row(found) for found in self._in.subjects.get(keys, ["document"])
        ]
        listed = {one.template_id for found in subjects for one in found.subject.templates}
        if template_id not in listed:
            raise no_template(row.info.name, template_id)
        crops = subjects[0].crops.get(template_id)
        if crops is None or crops != row.crops:
            return None
        found = self._in.crops(crops).get([template_id], ["crop"])
        return crop_from_text(found[0]["crop"]) if found else None

    def find_token(self, key_hash: str) -> tuple[RequestToken, Subject] | None:
        """Return the subject that a request with this key created or added a template to."""
        rows = self._in.subjects.where(
            f'array_contains(tokens, "{token_key(key_hash)}")', ["document"], 1
        )
        for subject in self._seen(rows):
            for token in (subject.token, *(one.token for one in subject.templates)):
                if token is not None and token.key_hash == key_hash:
                    return token, subject
        return None

    def update_subject(
        self, subject_id: str, profile: Profile, if_version: int | None = None
    ) -> Subject:
        """Replace name and metadata."""
        return self._changes.update(subject_id, profile, if_version)

    def change_templates(
        self,
        subject_id: str,
        add: Sequence[NewTemplate],
        remove: Sequence[int],
        if_version: int | None = None,
    ) -> Subject:
        """Add and remove templates of a subject at once."""
        return self._changes.change_templates(subject_id, add, remove, if_version)

    def delete_subject(self, subject_id: str, if_version: int | None = None) -> None:
        """Erase a subject, as far as Milvus erases: see :class:`MilvusGalleryStore`."""
        self._changes.delete(subject_id, if_version)

    def search(self, features: NDArray[np.float32], count: int) -> list[list[Hit]]:
        """Return the most similar templates of each probe, best first."""
        return self._search.search(features, count)

    def _subjects(self, subject_ids: Sequence[str]) -> dict[str, Subject]:
        keys = sorted({to_key(id_) for id_ in subject_ids if len(id_) < _ID_CHARS})
        rows = self._in.subjects.get(keys, ["document"])
        return {subject.subject_id: subject for subject in self._seen(rows)}

    def _seen(self, rows: list[dict[str, Any]]) -> list[Subject]:
        found = [SubjectRow.from_row(row) for row in rows]
        # where the crops are is asked only of galleries that have had some
        current = self._in.row().crops if any(one.crops for one in found) else None
        return [one.seen_with(current) for one in found]


def _stack(subject: Subject, features: dict[int, list[float]]) -> NDArray[np.float32]:
    rows = [features[one.template_id] for one in subject.templates]
    return np.asarray(rows, dtype=np.float32).reshape(-1, FEATURE_DIM)
