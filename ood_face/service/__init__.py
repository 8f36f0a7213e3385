"""What the skins call: ``FaceService`` for pictures, ``GalleryService`` for who is enrolled."""

from __future__ import annotations

from ood_face.service.bulk import BulkItem, BulkResult, enroll_each
from ood_face.service.checking import GalleryCheck, check_gallery
from ood_face.service.faces import FaceService
from ood_face.service.flagging import Flagger, ReviewedFaceService
from ood_face.service.galleries import GalleryService
from ood_face.service.migrating import MigrationReport, migrate_gallery
from ood_face.service.policies import AppliedPolicy, Policies, PolicyService, PolicySource
from ood_face.service.probing import Which
from ood_face.service.records import GalleryRecords
from ood_face.service.reviewing import ReviewService
from ood_face.service.work import TimedAdmission, WorkFeed

__all__ = [
    "AppliedPolicy",
    "BulkItem",
    "BulkResult",
    "FaceService",
    "Flagger",
    "GalleryCheck",
    "GalleryRecords",
    "GalleryService",
    "MigrationReport",
    "Policies",
    "PolicyService",
    "PolicySource",
    "ReviewService",
    "ReviewedFaceService",
    "TimedAdmission",
    "Which",
    "WorkFeed",
    "check_gallery",
    "enroll_each",
    "migrate_gallery",
]
