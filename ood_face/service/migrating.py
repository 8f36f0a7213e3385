"""A gallery of one model made again for another, from the aligned faces that were kept."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ood_face.matching.enrolment import choose_templates
from ood_face.types import NewTemplate

if TYPE_CHECKING:
    from collections.abc import Callable

    from ood_face.ports import Gallery
    from ood_face.service.faces import FaceService
    from ood_face.types import Subject

__all__ = ["MigrationReport", "migrate_gallery"]

_PAGE = 100


@dataclass(frozen=True, slots=True)
class MigrationReport:
    """What a migration did.

    Attributes
    ----------
    subjects, templates : embedded again, in this run
    skipped : subjects that the new gallery had already
    to_enroll_again : ids of subjects that are in the new gallery without a template, because no
        crop of them was kept
    """

    subjects: int
    templates: int
    skipped: int
    to_enroll_again: tuple[str, ...]


def migrate_gallery(
    source: Gallery,
    target: Gallery,
    faces: FaceService,
    on_progress: Callable[[int], None] = lambda _: None,
) -> MigrationReport:
    """Fill a gallery of the service's model with the subjects of another model's gallery.

    The source is only read. A run that was interrupted goes on where it was.

    Parameters
    ----------
    source : holds the crops
    target : of the service's model
    faces : embeds the crops
    on_progress : told how many subjects of the source are done
    """
    subjects = templates = skipped = done = 0
    to_enroll_again: list[str] = []
    after = None
    while page := source.subjects(after, _PAGE):
        after = page[-1].subject_id
        present = {one.subject.subject_id for one in target.enrolled([s.subject_id for s in page])}
        for subject in page:
            done += 1
            if subject.subject_id in present:
                skipped += 1
            else:
                fresh = _embedded_again(source, subject, faces, target.info.keep_crops)
                accepted, _ = choose_templates(
                    [], [template.ood_score for template in fresh], target.info.max_templates
                )
                kept = [fresh[i] for i in accepted]
                target.create_subject(subject.subject_id, subject.profile, kept, subject.token)
                subjects += 1
                templates += len(kept)
                if not kept:
                    to_enroll_again.append(subject.subject_id)
            on_progress(done)
    return MigrationReport(subjects, templates, skipped, tuple(to_enroll_again))


def _embedded_again(
    source: Gallery, subject: Subject, faces: FaceService, keep_crops: bool
) -> list[NewTemplate]:
    kept = [(record, source.crop(record.template_id)) for record in subject.templates]
    found = [(record, crop) for record, crop in kept if crop is not None]
    if not found:
        return []
    features, scores = faces.embed_crops(np.stack([crop for _, crop in found]))
    return [
        NewTemplate(
            feature=features[i],
            ood_score=None if scores is None else float(scores[i]),
            model_id=faces.model_id,
            source_hash=record.source_hash,
            crop=crop if keep_crops else None,
            token=record.token,
        )
        for i, (record, crop) in enumerate(found)
    ]
