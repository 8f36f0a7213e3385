"""What one server serves: the services behind the API and the page, put together once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ood_face.api.auth import Access
    from ood_face.config import Settings
    from ood_face.monitoring.drift_job import DriftJob
    from ood_face.ports import AuditLog
    from ood_face.service import FaceService, GalleryService, PolicyService, ReviewService

__all__ = ["Served"]


@dataclass(frozen=True, slots=True, eq=False)
class Served:
    """The parts of a server; what is None is left out of the API and of the page.

    Attributes
    ----------
    faces : extracts and compares
    settings : the limits on pictures, and how many requests may be at work or wait
    access : who may call; None: everyone, for programs that see to that themselves
    galleries : who is enrolled
    review : doubtful verdicts
    drift : the drift watch
    policies : scenarios and calibrations, shown and reloaded
    audit : notes who signs in at the page
    """

    faces: FaceService
    settings: Settings
    access: Access | None = None
    galleries: GalleryService | None = None
    review: ReviewService | None = None
    drift: DriftJob | None = None
    policies: PolicyService | None = None
    audit: AuditLog | None = None
