"""Frozen, validated domain values: what travels between the modules."""

from __future__ import annotations

from ood_face.types.access import (
    LOCAL,
    AuditAction,
    AuditEvent,
    Caller,
    Role,
)
from ood_face.types.arrays import (
    RgbImage,
)
from ood_face.types.decisions import (
    Comparison,
    Policy,
    Reason,
    Scenario,
    Verdict,
)
from ood_face.types.enrolment import (
    EnrolledPicture,
    Enrolment,
    EnrolmentRequest,
    EnrolmentStatus,
    NearDuplicate,
    Picture,
)
from ood_face.types.faces import (
    CROP_SIDE_PX,
    FEATURE_DIM,
    AlignedFace,
    DetectedFace,
    Embeddings,
    FaceTemplate,
    QualityLevel,
    QualityScore,
)
from ood_face.types.galleries import (
    EnrolledSubject,
    GalleryCounts,
    GalleryInfo,
    NewTemplate,
    Profile,
    RequestToken,
    Subject,
    TemplateRecord,
    check_gallery_name,
    check_subject_id,
)
from ood_face.types.observation import (
    Observation,
    VerdictSource,
)
from ood_face.types.probability import (
    EVIDENCE_TERMS,
    Probability,
    SameModel,
    check_prior,
    evidence_terms,
)
from ood_face.types.review import (
    ReviewCase,
    ReviewItem,
    ReviewKind,
    ReviewLabel,
    ReviewMark,
    ReviewOrder,
    ReviewPage,
    ReviewQuery,
    ReviewState,
)
from ood_face.types.search import (
    Candidate,
    Hit,
    Identification,
    IdentifyVerdict,
    Verification,
)

__all__ = [
    "CROP_SIDE_PX",
    "EVIDENCE_TERMS",
    "FEATURE_DIM",
    "LOCAL",
    "AlignedFace",
    "AuditAction",
    "AuditEvent",
    "Caller",
    "Candidate",
    "Comparison",
    "DetectedFace",
    "Embeddings",
    "EnrolledPicture",
    "EnrolledSubject",
    "Enrolment",
    "EnrolmentRequest",
    "EnrolmentStatus",
    "FaceTemplate",
    "GalleryCounts",
    "GalleryInfo",
    "Hit",
    "Identification",
    "IdentifyVerdict",
    "NearDuplicate",
    "NewTemplate",
    "Observation",
    "Picture",
    "Policy",
    "Probability",
    "Profile",
    "QualityLevel",
    "QualityScore",
    "Reason",
    "RequestToken",
    "ReviewCase",
    "ReviewItem",
    "ReviewKind",
    "ReviewLabel",
    "ReviewMark",
    "ReviewOrder",
    "ReviewPage",
    "ReviewQuery",
    "ReviewState",
    "RgbImage",
    "Role",
    "SameModel",
    "Scenario",
    "Subject",
    "TemplateRecord",
    "Verdict",
    "VerdictSource",
    "Verification",
    "check_gallery_name",
    "check_prior",
    "check_subject_id",
    "evidence_terms",
]
