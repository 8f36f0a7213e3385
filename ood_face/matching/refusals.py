"""What every gallery store refuses, in the same words whatever keeps the galleries."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ood_face.errors import (
    DuplicateGalleryError,
    DuplicateSubjectError,
    GalleryNotFoundError,
    InputError,
    SubjectNotFoundError,
    TemplateMismatchError,
    TemplateNotFoundError,
    VersionConflictError,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ood_face.types import GalleryInfo, NewTemplate

__all__ = [
    "check_templates",
    "check_version",
    "duplicate_gallery",
    "duplicate_subject",
    "no_gallery",
    "no_subject",
    "no_template",
]


def no_gallery(name: str) -> GalleryNotFoundError:
    """Return the error of a gallery that is not there."""
    return GalleryNotFoundError("gallery.none", "there is no gallery {gallery}", gallery=name)


def duplicate_gallery(name: str) -> DuplicateGalleryError:
    """Return the error of a gallery that is there already."""
    return DuplicateGalleryError(
        "gallery.duplicate", "there is a gallery {gallery} already", gallery=name
    )


def no_subject(gallery: str, subject_id: str) -> SubjectNotFoundError:
    """Return the error of a subject that is not in its gallery."""
    return SubjectNotFoundError(
        "gallery.no_subject",
        "gallery {gallery} has no subject {subject}",
        gallery=gallery,
        subject=subject_id,
    )


def duplicate_subject(gallery: str, subject_id: str) -> DuplicateSubjectError:
    """Return the error of a subject that is in its gallery already."""
    return DuplicateSubjectError(
        "gallery.duplicate_subject",
        "gallery {gallery} has a subject {subject} already",
        gallery=gallery,
        subject=subject_id,
    )


def no_template(gallery: str, template_id: int) -> TemplateNotFoundError:
    """Return the error of a template that is not where it is sought."""
    return TemplateNotFoundError(
        "gallery.unknown_template",
        "gallery {gallery} has no template {number}, or not of this subject",
        gallery=gallery,
        number=template_id,
    )


def check_version(what: str, version: int, if_version: int | None) -> None:
    """Raise VersionConflictError unless the version is the one the caller has seen.

    Parameters
    ----------
    what : id of the subject or name of the gallery
    version : what is there now
    if_version : what the caller has seen; None: it does not mind
    """
    if if_version is not None and if_version != version:
        raise VersionConflictError(
            "gallery.version",
            "{what} was changed meanwhile: it has version {version}, not {seen}; read it again",
            what=what,
            version=version,
            seen=if_version,
        )


def check_templates(info: GalleryInfo, add: Sequence[NewTemplate], kept: int) -> None:
    """Raise unless a subject may have these templates added.

    Parameters
    ----------
    info : their gallery
    add : what is to be added
    kept : how many the subject has and keeps

    Raises
    ------
    TemplateMismatchError
        One is of another model than the gallery.
    InputError
        The subject would have more than the gallery keeps.
    """
    for template in add:
        if template.model_id != info.model_id:
            raise TemplateMismatchError(
                "gallery.template_model",
                "gallery {gallery} holds templates of model {model}, and this one is of {got}",
                gallery=info.name,
                model=info.model_id,
                got=template.model_id,
            )
    if add and kept + len(add) > info.max_templates:
        raise InputError(
            "gallery.many_templates",
            "gallery {gallery} keeps {limit} templates of a subject, these would be {got}",
            gallery=info.name,
            limit=info.max_templates,
            got=kept + len(add),
        )
