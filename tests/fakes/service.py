"""The real service over the fakes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ood_face.matching import load_scenarios
from ood_face.service import FaceService, GalleryService, Policies
from ood_face.types import CROP_SIDE_PX
from tests.fakes.admission import CountingAdmission
from tests.fakes.audit import RecordingAudit
from tests.fakes.detector import FakeDetector
from tests.fakes.embedder import FakeEmbedder
from tests.fakes.galleries import FakeGalleryStore

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from ood_face.ports import Admission, AuditLog, Detector, Embedder, GalleryStore
    from ood_face.types import DetectedFace, RgbImage, SameModel


def fake_align(image: RgbImage, face: DetectedFace) -> NDArray[np.uint8]:
    """Cut the box out and stretch it to 112x112."""
    left, top, right, bottom = (float(edge) for edge in face.box_xyxy_px)
    steps = (np.arange(CROP_SIDE_PX) + 0.5) / CROP_SIDE_PX
    rows = (top + steps * (bottom - top)).astype(int)
    columns = (left + steps * (right - left)).astype(int)
    return image[rows][:, columns]


def fake_service(
    detector: Detector | None = None,
    embedder: Embedder | None = None,
    admission: Admission | None = None,
    scenarios_file: Path | None = None,
    same_model: SameModel | None = None,
) -> FaceService:
    """Return a service whose networks are fakes, unless given."""
    return FaceService(
        FakeDetector() if detector is None else detector,
        FakeEmbedder() if embedder is None else embedder,
        Policies(load_scenarios(*([] if scenarios_file is None else [scenarios_file])), same_model),
        CountingAdmission() if admission is None else admission,
        fake_align,
        dominant_face_ratio=2.0,
    )


def fake_gallery_service(
    faces: FaceService | None = None,
    store: GalleryStore | None = None,
    audit: AuditLog | None = None,
) -> GalleryService:
    """Return galleries in memory over a service of fakes, unless given."""
    return GalleryService(
        fake_service() if faces is None else faces,
        FakeGalleryStore() if store is None else store,
        RecordingAudit() if audit is None else audit,
    )
