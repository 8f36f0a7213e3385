"""Galleries: who is enrolled, and by which templates."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

from ood_face.errors import InputError
from ood_face.types.arrays import check_norm, frozen_array
from ood_face.types.faces import CROP_SIDE_PX, FEATURE_DIM, check_score
from ood_face.types.metadata import check_metadata

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from numpy.typing import NDArray

__all__ = [
    "MAX_TEMPLATES",
    "EnrolledSubject",
    "GalleryCounts",
    "GalleryInfo",
    "NewTemplate",
    "Profile",
    "RequestToken",
    "Subject",
    "TemplateRecord",
    "check_gallery_name",
    "check_subject_id",
]

_GALLERY_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")
# letters and digits of any script; no slash and no colon, which have a meaning in addresses
_SUBJECT_ID = re.compile(r"[\w@+=-][\w.@+=-]{0,127}")
MAX_NAME_CHARS = 200
MAX_TEMPLATES = 20


def check_gallery_name(name: str) -> None:
    """Raise InputError unless this can be a gallery's name."""
    if _GALLERY_NAME.fullmatch(name) is None:
        raise InputError(
            "gallery.name",
            "a gallery's name has 1 to 63 characters of a-z, 0-9, - and _, the first a letter "
            "or digit; this is {name}",
            name=ascii(name[:64]),
        )


def check_subject_id(subject_id: str) -> None:
    """Raise InputError unless this can be a subject's id."""
    if _SUBJECT_ID.fullmatch(subject_id) is None:
        raise InputError(
            "subject.id",
            "a subject's id has 1 to 128 letters, digits and characters of _ . @ + = -, and does "
            "not begin with a dot; this is {subject}",
            subject=ascii(subject_id[:128]),
        )


@dataclass(frozen=True, slots=True)
class RequestToken:
    """What makes a request idempotent: sent twice, it takes effect once.

    Attributes
    ----------
    key_hash : hash of the caller and of the key the caller gave
    body_hash : hash of what was asked; the same key with another body is an error
    """

    key_hash: str
    body_hash: str


@dataclass(frozen=True, slots=True)
class GalleryInfo:
    """One gallery, without its subjects.

    Attributes
    ----------
    name : 1..63 characters of a-z, 0-9, - and _
    model_id : the model of all its templates
    scenario : name of the thresholds that apply where a request names none
    max_templates : the best so many templates of a subject are kept, 1..20
    keep_crops : aligned faces are kept, so that another model can embed them again
    created_at : UTC
    version : microseconds since 1970, greater after every change of these fields; never used
        twice in a store
    token : the request that made it; None: it had no idempotency key
    calibration : name of the calibration that applies where a request names none, of those that
        the scenario offers; None: the scenario's own choice
    """

    name: str
    model_id: str
    scenario: str
    max_templates: int
    keep_crops: bool
    created_at: datetime
    version: int
    token: RequestToken | None = None
    calibration: str | None = None

    def __post_init__(self) -> None:
        check_gallery_name(self.name)
        if not 1 <= self.max_templates <= MAX_TEMPLATES:
            raise InputError(
                "gallery.max_templates",
                "a gallery keeps 1 to {limit} templates of a subject, not {got}",
                limit=MAX_TEMPLATES,
                got=self.max_templates,
            )


@dataclass(frozen=True, slots=True)
class GalleryCounts:
    """How many subjects and templates a gallery has."""

    subjects: int
    templates: int


@dataclass(frozen=True, slots=True)
class Profile:
    """What is known of a subject besides the face.

    Attributes
    ----------
    name : up to 200 characters, for people to read; None: not given
    metadata : a JSON object of up to 16 KiB and 8 levels; the service keeps it and never looks
        inside
    """

    name: str | None = None
    metadata: Mapping[str, object] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.name is not None and not 1 <= len(self.name) <= MAX_NAME_CHARS:
            raise InputError(
                "subject.name",
                "a subject's name has 1 to {limit} characters, this has {got}",
                limit=MAX_NAME_CHARS,
                got=len(self.name),
            )
        if self.name is not None and any("\ud800" <= char <= "\udfff" for char in self.name):
            raise InputError(
                "subject.name_text",
                "a subject's name is a text; this has half of a character in it: {name}",
                name=ascii(self.name[:64]),
            )
        check_metadata(self.metadata)
        object.__setattr__(self, "metadata", MappingProxyType(dict(self.metadata)))


@dataclass(frozen=True, slots=True, eq=False)
class NewTemplate:
    """A template on its way into a gallery.

    Attributes
    ----------
    feature : float32 array of shape (512,), unit norm
    ood_score : 0..1, higher is better; None: the model gives no quality score
    model_id : the model that made it
    source_hash : sha256 of the picture's bytes as sent, in hex
    crop : uint8 array of shape (112, 112, 3), RGB; None: not to be kept
    token : the request that brings it; None: it had no idempotency key
    """

    feature: NDArray[np.float32]
    ood_score: float | None
    model_id: str
    source_hash: str
    crop: NDArray[np.uint8] | None = None
    token: RequestToken | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "feature", frozen_array(self.feature, np.float32, (FEATURE_DIM,)))
        check_norm(self.feature)
        check_score(self.ood_score)
        if self.crop is not None:
            shape = (CROP_SIDE_PX, CROP_SIDE_PX, 3)
            object.__setattr__(self, "crop", frozen_array(self.crop, np.uint8, shape))


@dataclass(frozen=True, slots=True)
class TemplateRecord:
    """An enrolled template without its feature.

    Attributes
    ----------
    template_id : unique in the store, never used again
    ood_score, model_id, source_hash, token : see :class:`NewTemplate`
    created_at : UTC
    has_crop : the aligned face is kept
    """

    template_id: int
    ood_score: float | None
    model_id: str
    source_hash: str
    created_at: datetime
    has_crop: bool = False
    token: RequestToken | None = None


@dataclass(frozen=True, slots=True)
class Subject:
    """One enrolled person.

    Attributes
    ----------
    subject_id : unique in the gallery
    profile : name and metadata
    templates : oldest first; empty: known, but never found by a search
    created_at : UTC
    version : microseconds since 1970, greater after every change of the subject or of its
        templates; a subject that is deleted and enrolled again has a greater one
    token : the request that created it; None: it had no idempotency key
    """

    subject_id: str
    profile: Profile
    templates: tuple[TemplateRecord, ...]
    created_at: datetime
    version: int
    token: RequestToken | None = None


@dataclass(frozen=True, slots=True, eq=False)
class EnrolledSubject:
    """A subject with the features of all its templates, in their order.

    Attributes
    ----------
    subject : the subject
    features : float32 array of shape (templates, 512), each of unit norm
    """

    subject: Subject
    features: NDArray[np.float32]
