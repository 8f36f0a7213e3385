"""The errors of ood_face.

::

    OodFaceError
    +- InputError      what the caller sent is wrong; says what, and the limit
    |  +- ImageDecodeError  ImageTooLargeError  NoFaceError  MultipleFacesError
    |  +- LowQualityError  UnknownScenarioError
    +- GalleryError    what the caller asks does not fit what is enrolled
    |  +- GalleryNotFoundError  SubjectNotFoundError  TemplateNotFoundError
    |  +- DuplicateGalleryError  DuplicateSubjectError  DuplicateFaceError
    |  +- TemplateMismatchError  VersionConflictError  TokenReusedError  ReviewNotFoundError
    +- AccessError     the caller may not do this
    |  +- UnauthenticatedError  ForbiddenError  RateLimitError
    +- ArtifactError   what lies in the weights folder is missing or wrong
    |  +- WeightsMissingError  ChecksumError  CalibrationMissingError
    +- ConfigError     a setting or a scenario file is wrong
    +- BackendError    an engine below us failed
       +- BusyError    every worker is taken and the queue is full: try again later
       +- StorageError    the data folder cannot be read or written
          +- StorageFullError  StorageLockedError  StorageCorruptError

Every error is raised with a stable ``key``, an English template, and the values in it::

    raise ImageDecodeError("image.empty", "the picture is empty (0 bytes)")

``str(error)`` is the English sentence. Translations are looked up by ``key``
(``ood_face.messages``); the values go into them by name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

__all__ = [
    "AccessError",
    "ArtifactError",
    "BackendError",
    "BusyError",
    "CalibrationMissingError",
    "ChecksumError",
    "ConfigError",
    "DuplicateFaceError",
    "DuplicateGalleryError",
    "DuplicateSubjectError",
    "ForbiddenError",
    "GalleryError",
    "GalleryNotFoundError",
    "ImageDecodeError",
    "ImageTooLargeError",
    "InputError",
    "LowQualityError",
    "MultipleFacesError",
    "NoFaceError",
    "OodFaceError",
    "RateLimitError",
    "ReviewNotFoundError",
    "StorageCorruptError",
    "StorageError",
    "StorageFullError",
    "StorageLockedError",
    "SubjectNotFoundError",
    "TemplateMismatchError",
    "TemplateNotFoundError",
    "TokenReusedError",
    "UnauthenticatedError",
    "UnknownScenarioError",
    "VersionConflictError",
    "WeightsMissingError",
]


class OodFaceError(Exception):
    """Base of every error this package raises on purpose.

    Parameters
    ----------
    key : stable dotted name of the sentence, such as ``image.empty``
    template : the English sentence, with ``{name}`` places
    values : what goes into the places

    Attributes
    ----------
    picture : which of several pictures it is about, from 0; None: none in particular
    """

    def __init__(self, key: str, template: str, **values: object) -> None:
        super().__init__(template.format(**values))
        self.key = key
        self.values = values
        self.picture: int | None = None


class InputError(OodFaceError):
    """What the caller sent is wrong."""

    @staticmethod
    def unwritable(path: Path, exc: OSError) -> InputError:
        """Return the error of a file or folder that the caller named and nobody can write."""
        return InputError(
            "scaling.unwritable",
            "{file} cannot be written: {reason}",
            file=str(path),
            reason=exc.strerror or type(exc).__name__,
        )


class ImageDecodeError(InputError):
    """The bytes are no picture that can be read."""


class ImageTooLargeError(InputError):
    """The picture exceeds the limit on bytes or on pixels."""


class NoFaceError(InputError):
    """No face was found where one is needed."""

    @staticmethod
    def in_picture(width: int, height: int, which: str = "") -> NoFaceError:
        """Return the error of a picture without a face.

        Parameters
        ----------
        width, height : of the picture, pixels
        which : ``first`` or ``second`` picture of a comparison; empty: there is only one
        """
        suffix = which and f"_{which}"
        picture = f"the {which} picture" if which else "the picture"
        return NoFaceError(
            f"face.none{suffix}",
            f"no face was found in {picture} ({{width}}x{{height}} pixels)",
            width=width,
            height=height,
        )


class MultipleFacesError(InputError):
    """Several faces were found where exactly one is wanted."""

    @staticmethod
    def in_picture(count: int, ratio: float, which: str = "") -> MultipleFacesError:
        """Return the error of a picture with several faces, none of which stands out.

        Parameters
        ----------
        count : faces in the picture
        ratio : how many times as large as the next the largest must be
        which : ``first`` or ``second`` picture of a comparison; empty: there is only one
        """
        suffix = which and f"_{which}"
        picture = f"the {which} picture" if which else "the picture"
        return MultipleFacesError(
            f"face.several{suffix}",
            f"{{count}} faces were found in {picture} and none stands out: the largest "
            "must have at least {ratio:g} times the area of the next",
            count=count,
            ratio=ratio,
        )


class LowQualityError(InputError):
    """The face's ood_score is too low for what is asked."""


class UnknownScenarioError(InputError):
    """No scenario has this name."""


class GalleryError(OodFaceError):
    """What the caller asks does not fit what is enrolled."""


class GalleryNotFoundError(GalleryError):
    """No gallery has this name."""


class SubjectNotFoundError(GalleryError):
    """The gallery has no subject of this id."""


class TemplateNotFoundError(GalleryError):
    """The subject has no template of this id."""


class DuplicateGalleryError(GalleryError):
    """A gallery of this name is there already."""


class DuplicateSubjectError(GalleryError):
    """The gallery has a subject of this id already."""


class DuplicateFaceError(GalleryError):
    """The face belongs to another subject already."""


class TemplateMismatchError(GalleryError):
    """The template's model is not the gallery's."""


class VersionConflictError(GalleryError):
    """Somebody changed it meanwhile: what the caller has seen is not what is there."""


class TokenReusedError(GalleryError):
    """An idempotency key came again with another request."""


class ReviewNotFoundError(GalleryError):
    """The review queue has no item of this id."""


class AccessError(OodFaceError):
    """The caller may not do this."""


class UnauthenticatedError(AccessError):
    """No key was given, or one that does not count."""


class ForbiddenError(AccessError):
    """The key lacks the role that this needs."""


class RateLimitError(AccessError):
    """The key has used up its requests for now."""


class ArtifactError(OodFaceError):
    """Something in the weights folder is missing or wrong."""


class WeightsMissingError(ArtifactError):
    """A file that the manifest names is not there."""


class ChecksumError(ArtifactError):
    """A file's sha256 differs from the manifest's."""


class CalibrationMissingError(ArtifactError):
    """The model has no usable calibration file."""


class ConfigError(OodFaceError):
    """A setting or a scenario file is wrong."""


class BackendError(OodFaceError):
    """An engine below us failed."""


class BusyError(BackendError):
    """Every worker is taken and the queue is full."""


class StorageError(BackendError):
    """The data folder cannot be read or written."""


class StorageFullError(StorageError):
    """The disk is full; nothing was changed."""


class StorageLockedError(StorageError):
    """Another process has the data folder."""


class StorageCorruptError(StorageError):
    """A database or a backup is damaged."""
