"""What keeps enrolled faces and searches them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from ood_face.types import (
        EnrolledSubject,
        GalleryCounts,
        GalleryInfo,
        Hit,
        NewTemplate,
        Profile,
        RequestToken,
        Subject,
    )

__all__ = ["Gallery", "GalleryStore", "SelfChecking"]


class Gallery(Protocol):
    """One gallery; safe to call from several threads.

    What a call has returned is durable: it outlives the process. Each call is atomic: it takes
    effect as a whole or not at all, and an error means that nothing was changed. All calls raise
    BackendError where the store below fails, GalleryNotFoundError once the gallery is deleted.
    """

    @property
    def info(self) -> GalleryInfo:
        """What kind of gallery this is, as of now."""
        ...

    def counts(self) -> GalleryCounts:
        """Return how many subjects and templates there are."""
        ...

    def index_kind(self) -> str:
        """Return the name of what searches go through now, such as ``flat``: each is compared."""
        ...

    def create_subject(
        self,
        subject_id: str,
        profile: Profile,
        templates: Sequence[NewTemplate],
        token: RequestToken | None = None,
    ) -> Subject:
        """Enrol a new subject with its templates, of which there may be none.

        Raises
        ------
        DuplicateSubjectError
            There is a subject of this id.
        TemplateMismatchError
            A template is of another model than the gallery.
        InputError
            The id is not well formed, or there are more templates than the gallery keeps.
        """
        ...

    def subject(self, subject_id: str) -> Subject:
        """Return one subject.

        Raises
        ------
        SubjectNotFoundError
            There is none of this id.
        """
        ...

    def subjects(self, after: str | None, limit: int) -> list[Subject]:
        """Return the next subjects in the order of their ids (by code point).

        Parameters
        ----------
        after : the last id of the page before; None: from the beginning
        limit : at most so many
        """
        ...

    def enrolled(self, subject_ids: Sequence[str]) -> list[EnrolledSubject]:
        """Return subjects with their features, in the order asked; unknown ids are left out."""
        ...

    def crop(self, template_id: int) -> NDArray[np.uint8] | None:
        """Return the aligned face of a template; None: it was not kept.

        Raises
        ------
        TemplateNotFoundError
            The gallery has no such template.
        """
        ...

    def find_token(self, key_hash: str) -> tuple[RequestToken, Subject] | None:
        """Return the subject that a request with this key created or added a template to."""
        ...

    def update_subject(
        self, subject_id: str, profile: Profile, if_version: int | None = None
    ) -> Subject:
        """Replace name and metadata.

        Raises
        ------
        SubjectNotFoundError
            There is none of this id.
        VersionConflictError
            ``if_version`` is given and is not the subject's.
        """
        ...

    def change_templates(
        self,
        subject_id: str,
        add: Sequence[NewTemplate],
        remove: Sequence[int],
        if_version: int | None = None,
    ) -> Subject:
        """Add and remove templates of a subject at once.

        Raises
        ------
        SubjectNotFoundError, TemplateNotFoundError
            There is no such subject, or it has no such template.
        TemplateMismatchError
            A template is of another model than the gallery.
        InputError
            The subject would have more templates than the gallery keeps.
        VersionConflictError
            ``if_version`` is given and is not the subject's.
        """
        ...

    def delete_subject(self, subject_id: str, if_version: int | None = None) -> None:
        """Erase a subject: when this returns, no file has its id, its features or its crops.

        Raises
        ------
        SubjectNotFoundError
            There is none of this id.
        VersionConflictError
            ``if_version`` is given and is not the subject's.
        """
        ...

    def search(self, features: NDArray[np.float32], count: int) -> list[list[Hit]]:
        """Return the most similar templates of each probe, best first.

        Every change that has returned before the call is seen.

        Parameters
        ----------
        features : float32 array of shape (N, 512), each of unit norm
        count : at most so many templates of each probe; fewer where the gallery has fewer

        Returns
        -------
        hits : N lists; similarities are exact cosines
        """
        ...


class GalleryStore(Protocol):
    """Several galleries; safe to call from several threads. See :class:`Gallery` for failures."""

    def create(self, info: GalleryInfo) -> Gallery:
        """Make a new gallery; the ``version`` of ``info`` is replaced by the store's.

        Raises
        ------
        DuplicateGalleryError
            There is a gallery of this name.
        """
        ...

    def open(self, name: str) -> Gallery:
        """Return a gallery.

        Raises
        ------
        GalleryNotFoundError
            There is none of this name.
        """
        ...

    def galleries(self) -> list[GalleryInfo]:
        """Return all galleries by name."""
        ...

    def update(self, info: GalleryInfo, if_version: int | None = None) -> GalleryInfo:
        """Replace scenario, calibration, max_templates and keep_crops of the gallery of this name.

        Fewer ``max_templates`` remove nothing; they count when templates are added. Crops that
        were kept are erased when ``keep_crops`` is switched off.

        Raises
        ------
        GalleryNotFoundError
            There is none of this name.
        VersionConflictError
            ``if_version`` is given and is not the gallery's.
        """
        ...

    def delete(self, name: str, if_version: int | None = None) -> None:
        """Erase a gallery with all its subjects.

        Raises
        ------
        GalleryNotFoundError
            There is none of this name.
        VersionConflictError
            ``if_version`` is given and is not the gallery's.
        """
        ...

    def close(self) -> None:
        """Finish what runs in the background and let go of the store."""
        ...


@runtime_checkable
class SelfChecking(Protocol):
    """A store that can look through its own files."""

    def check(self) -> None:
        """Read them all.

        Raises
        ------
        StorageCorruptError
            One is damaged.
        """
        ...
