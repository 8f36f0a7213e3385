"""A gallery copied from one store into another, and checked there."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from ood_face.errors import GalleryError, GalleryNotFoundError
from ood_face.types import FEATURE_DIM, NewTemplate
from ood_face.types.galleries import MAX_TEMPLATES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from ood_face.ports import Gallery, GalleryStore
    from ood_face.types import EnrolledSubject, GalleryInfo, Hit, Subject

__all__ = ["CopyReport", "copy_gallery"]

_PAGE = 100
_PROBES = 200
_HITS = 5
# one template's feature and noise of this length: a probe that is like its subject by about 0.9
_NOISE = 0.5
_TOLERANCE = 1e-5


@dataclass(frozen=True, slots=True)
class CopyReport:
    """What a copy did.

    Attributes
    ----------
    subjects, templates, crops : written, in this run
    skipped : subjects that were there already, and equal
    probes : searches that both galleries answered alike
    """

    subjects: int
    templates: int
    crops: int
    skipped: int
    probes: int


def copy_gallery(
    source: Gallery,
    target_store: GalleryStore,
    name: str,
    on_progress: Callable[[int], None] = lambda _: None,
) -> CopyReport:
    """Copy a gallery into a store of any kind, under any name.

    Ids of subjects, names, metadata, features, scores, models, source hashes, crops, idempotency
    keys and the gallery's settings and time are the same; ids and times of templates, and times
    and versions of subjects, are new. The source is only read; nobody should change it meanwhile.
    A run that was interrupted goes on where it was.

    Parameters
    ----------
    source : what to copy
    target_store : where to
    name : of the copy; a gallery of this name is continued if all its subjects are the source's
    on_progress : told how many subjects of the source are done

    Raises
    ------
    GalleryError
        What is there already is no part of the source, or the copy differs from it; the error
        says in what.
    """
    target = _open(source.info, target_store, name)
    for page in _pages(target):
        known = {one.subject.subject_id: one for one in source.enrolled(_ids(page))}
        for present in page:
            _check_part(known.get(present.subject.subject_id), present, name)
    settings = source.info
    target_store.update(
        replace(target.info, keep_crops=settings.keep_crops, max_templates=MAX_TEMPLATES)
    )
    sample = _Sample()
    subjects = templates = crops = skipped = 0
    for page in _pages(source):
        there = {one.subject.subject_id for one in target.enrolled(_ids(page))}
        for one in page:
            sample.offer(one.features)
            subject = one.subject
            if subject.subject_id in there:
                skipped += 1
            else:
                new = _new_templates(source, one)
                target.create_subject(subject.subject_id, subject.profile, new, subject.token)
                subjects += 1
                templates += len(new)
                crops += sum(template.crop is not None for template in new)
            on_progress(subjects + skipped)
    target_store.update(
        replace(
            target.info,
            scenario=settings.scenario,
            calibration=settings.calibration,
            max_templates=settings.max_templates,
        )
    )
    _check_counts(source, target)
    probes = sample.probes()
    for theirs, ours in zip(
        source.search(probes, _HITS), target.search(probes, _HITS), strict=True
    ):
        _check_hits(theirs, ours)
    return CopyReport(subjects, templates, crops, skipped, len(probes))


def _open(info: GalleryInfo, store: GalleryStore, name: str) -> Gallery:
    try:
        target = store.open(name)
    except GalleryNotFoundError:
        return store.create(replace(info, name=name, max_templates=MAX_TEMPLATES))
    if target.info.model_id != info.model_id:
        raise GalleryError(
            "copy.other_model",
            "gallery {gallery} is there and holds templates of model {got}, not {model}",
            gallery=name,
            got=target.info.model_id,
            model=info.model_id,
        )
    return target


def _pages(gallery: Gallery) -> Iterator[list[EnrolledSubject]]:
    after = None
    while page := gallery.subjects(after, _PAGE):
        after = page[-1].subject_id
        yield gallery.enrolled([subject.subject_id for subject in page])


def _ids(page: list[EnrolledSubject]) -> list[str]:
    return [one.subject.subject_id for one in page]


def _new_templates(source: Gallery, one: EnrolledSubject) -> list[NewTemplate]:
    return [
        NewTemplate(
            feature=feature,
            ood_score=record.ood_score,
            model_id=record.model_id,
            source_hash=record.source_hash,
            crop=source.crop(record.template_id) if record.has_crop else None,
            token=record.token,
        )
        for record, feature in zip(one.subject.templates, one.features, strict=True)
    ]


def _content(subject: Subject) -> tuple[object, ...]:
    """Return what two copies of a subject have in common."""
    return (
        subject.profile,
        subject.token,
        [
            (one.ood_score, one.model_id, one.source_hash, one.token, one.has_crop)
            for one in subject.templates
        ],
    )


def _check_part(known: EnrolledSubject | None, present: EnrolledSubject, name: str) -> None:
    subject_id = present.subject.subject_id
    if known is None:
        raise GalleryError(
            "copy.stranger",
            "gallery {gallery} is there and has subject {subject}, which the source has not: "
            "choose another name",
            gallery=name,
            subject=subject_id,
        )
    same = _content(known.subject) == _content(present.subject)
    if not same or not np.array_equal(known.features, present.features):
        raise GalleryError(
            "copy.subject",
            "subject {subject} of gallery {gallery} differs from the source's: delete it there, "
            "and copy again",
            gallery=name,
            subject=subject_id,
        )


def _check_counts(source: Gallery, target: Gallery) -> None:
    expected, got = source.counts(), target.counts()
    if expected != got:
        raise GalleryError(
            "copy.counts",
            "the copy has {subjects} subjects and {templates} templates, the source "
            "{source_subjects} and {source_templates}: if somebody has changed it, copy again",
            subjects=got.subjects,
            templates=got.templates,
            source_subjects=expected.subjects,
            source_templates=expected.templates,
        )


def _check_hits(theirs: list[Hit], ours: list[Hit]) -> None:
    expected = [hit.similarity for hit in theirs]
    got = [hit.similarity for hit in ours]
    if len(got) == len(expected) and np.allclose(got, expected, rtol=0, atol=_TOLERANCE):
        # subjects that are equally similar may come in any order
        best = {hit.subject_id for hit in theirs if hit.similarity > expected[0] - 2 * _TOLERANCE}
        if not ours or ours[0].subject_id in best:
            return
    raise GalleryError(
        "copy.search",
        "the copy answers a search otherwise: best subject {got}, similarity {similarity:.6f}; "
        "in the source {expected}, similarity {source_similarity:.6f}",
        got=ours[0].subject_id if ours else "-",
        similarity=got[0] if got else 0.0,
        expected=theirs[0].subject_id if theirs else "-",
        source_similarity=expected[0] if expected else 0.0,
    )


class _Sample:
    """Some of the features that are offered, each as likely as every other."""

    def __init__(self) -> None:
        self._random = np.random.default_rng(0)
        self._kept: list[NDArray[np.float32]] = []
        self._offered = 0

    def offer(self, features: NDArray[np.float32]) -> None:
        for feature in features:
            self._offered += 1
            if len(self._kept) < _PROBES:
                self._kept.append(feature)
            elif (place := int(self._random.integers(self._offered))) < _PROBES:
                self._kept[place] = feature

    def probes(self) -> NDArray[np.float32]:
        """Return unit vectors near the features, float32 of shape (N, 512)."""
        if not self._kept:
            return np.zeros((0, FEATURE_DIM), np.float32)
        features = np.stack(self._kept)
        noise = self._random.normal(size=features.shape)
        noise *= _NOISE / np.linalg.norm(noise, axis=1, keepdims=True)
        probes = features + noise
        norms = np.linalg.norm(probes, axis=1, keepdims=True)
        return np.asarray(probes / norms, dtype=np.float32)
