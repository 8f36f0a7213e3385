"""``GalleryService``: galleries, their subjects, and searches over them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from ood_face.errors import DuplicateGalleryError
from ood_face.service.auditing import noted
from ood_face.service.enrolling import Enroller
from ood_face.service.records import MAX_PAGE, GalleryRecords
from ood_face.service.searching import Searcher
from ood_face.types import LOCAL, AuditAction, GalleryInfo, IdentifyVerdict, check_gallery_name

if TYPE_CHECKING:
    from ood_face.ports import AuditLog, Gallery, GalleryStore
    from ood_face.service.faces import FaceService
    from ood_face.service.flagging import Flagger
    from ood_face.service.work import TimedAdmission, WorkFeed
    from ood_face.types import (
        Caller,
        Enrolment,
        EnrolmentRequest,
        Identification,
        RequestToken,
        RgbImage,
        Verification,
    )

__all__ = ["DEFAULT_MAX_TEMPLATES", "MAX_PAGE", "GalleryService"]

DEFAULT_MAX_TEMPLATES = 5


class GalleryService(GalleryRecords):
    """Enrols and finds, and all that :class:`GalleryRecords` does.

    Searches are noted in the audit log as changes are.

    Parameters
    ----------
    faces : finds and embeds faces, and knows the scenarios
    store : keeps what is enrolled
    audit : notes who did what
    flagger : offers doubtful verdicts to the review queue; None: nobody reviews
    """

    def __init__(
        self,
        faces: FaceService,
        store: GalleryStore,
        audit: AuditLog,
        flagger: Flagger | None = None,
    ) -> None:
        super().__init__(store, audit, None if flagger is None else flagger.queue)
        self._flagger = flagger
        self._faces = faces
        self._enroller = Enroller(faces)
        self._searcher = Searcher(faces)

    @property
    def work(self) -> WorkFeed:
        """Tells observers how long each stage of a request takes."""
        return self._faces.work

    @property
    def places(self) -> TimedAdmission:
        """Of those at work; see :class:`FaceService`."""
        return self._faces.places

    def create_gallery(  # noqa: PLR0913 - all that may be said of a gallery
        self,
        name: str,
        *,
        scenario: str = "default",
        calibration: str | None = None,
        max_templates: int = DEFAULT_MAX_TEMPLATES,
        keep_crops: bool = False,
        token: RequestToken | None = None,
        caller: Caller = LOCAL,
    ) -> GalleryInfo:
        """Make a gallery for templates of the service's model.

        Parameters
        ----------
        name : 1..63 characters of a-z, 0-9, - and _
        scenario : thresholds where a request names none
        calibration : one that the scenario offers, where a request names none; None: the
            scenario's own choice
        max_templates : the best so many templates of a subject are kept
        keep_crops : keep aligned faces, so that another model can embed them again
        token : makes the request idempotent
        caller : for the audit log

        Raises
        ------
        DuplicateGalleryError
            There is a gallery of this name, made by another request.
        UnknownScenarioError
            No scenario has this name.
        InputError
            The scenario does not offer the calibration.
        """
        check_gallery_name(name)
        self._faces.applied(scenario, calibration)
        info = GalleryInfo(
            name=name,
            model_id=self._faces.model_id,
            scenario=scenario,
            max_templates=max_templates,
            keep_crops=keep_crops,
            created_at=datetime.now(UTC),
            version=0,
            token=token,
            calibration=calibration,
        )
        with noted(self._audit, caller, AuditAction.CREATE_GALLERY, name):
            try:
                return self._store.create(info).info
            except DuplicateGalleryError:
                present = self._store.open(name).info
                if token is None or present.token != token:
                    raise
                return present

    def update_gallery(
        self, info: GalleryInfo, if_version: int | None = None, caller: Caller = LOCAL
    ) -> GalleryInfo:
        """Change scenario, calibration, max_templates and keep_crops.

        See :class:`ood_face.ports.GalleryStore`.

        Raises
        ------
        UnknownScenarioError
            No scenario has this name.
        InputError
            The scenario does not offer the calibration.
        """
        self._faces.applied(info.scenario, info.calibration)
        with noted(self._audit, caller, AuditAction.UPDATE_GALLERY, info.name):
            return self._store.update(info, if_version)

    def enroll(self, gallery: str, request: EnrolmentRequest, caller: Caller = LOCAL) -> Enrolment:
        """Enrol pictures of one person; see :class:`ood_face.service.enrolling.Enroller`."""
        opened = self._store.open(gallery)
        with noted(self._audit, caller, AuditAction.ENROLL, gallery, request.subject_id) as note:
            enrolment = self._enroller.enroll(opened, request)
            statuses = [picture.status for picture in enrolment.pictures]
            note.outcome = "replayed" if enrolment.replayed else "enrolled"
            note.values |= {status.value: statuses.count(status) for status in statuses}
            note.values |= {"forced": len(enrolment.near_duplicates)} if request.force else {}
        return enrolment

    def identify(
        self,
        gallery: str,
        image: RgbImage,
        top_k: int = 5,
        scenario: str | None = None,
        caller: Caller = LOCAL,
        *,
        calibration: str | None = None,
    ) -> Identification:
        """Seek the one face of a picture in a gallery.

        Parameters
        ----------
        gallery : its name
        image : uint8 array of shape (H, W, 3), RGB
        top_k : at most so many candidates, 1..100
        scenario : name of the thresholds; None: the gallery's
        caller : for the audit log
        calibration : one that the scenario offers; None: the gallery's, or else the scenario's

        Raises
        ------
        InputError
            The scenario does not offer the calibration.
        NoFaceError, MultipleFacesError
            The picture does not show one face.
        TemplateMismatchError
            The gallery is of another model than the service.
        """
        opened = self._store.open(gallery)
        with noted(self._audit, caller, AuditAction.IDENTIFY, gallery) as note:
            found = self._searcher.identify(opened, image, top_k, scenario, calibration)
            note.outcome = found.verdict.value
            if found.verdict in (IdentifyVerdict.IDENTIFIED, IdentifyVerdict.REVIEW):
                note.subject_id = found.candidates[0].subject_id
            if found.candidates:
                note.values["similarity"] = found.candidates[0].similarity
            if found.margin is not None:
                note.values["margin"] = found.margin
        self._faces.feed.sought(found)
        self._flag(opened, found, image)
        return found

    def verify(
        self,
        gallery: str,
        subject_id: str,
        image: RgbImage,
        scenario: str | None = None,
        caller: Caller = LOCAL,
        *,
        calibration: str | None = None,
    ) -> Verification:
        """Say whether the one face of a picture is the subject it claims to be.

        The similarity is that with the subject's most similar template. Scenario and calibration
        are chosen as in :meth:`identify`.

        Raises
        ------
        NoFaceError, MultipleFacesError
            The picture does not show one face.
        """
        opened = self._store.open(gallery)
        with noted(self._audit, caller, AuditAction.VERIFY, gallery, subject_id) as note:
            found = self._searcher.verify(opened, subject_id, image, scenario, calibration)
            note.outcome = found.verdict.value
            note.values["similarity"] = found.candidate.similarity
        self._faces.feed.sought(found)
        self._flag(opened, found, image)
        return found

    def _flag(
        self, gallery: Gallery, found: Identification | Verification, image: RgbImage
    ) -> None:
        if self._flagger is not None:
            self._flagger.sought(gallery, found, lambda probe: self._faces.crop(image, probe.face))
