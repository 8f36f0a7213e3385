"""Galleries, templates and pictures to enrol, each fixed by a number."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import numpy as np

from ood_face.types import CROP_SIDE_PX, FEATURE_DIM, GalleryInfo, NewTemplate

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ood_face.types import RequestToken

MODEL_ID = "fake-1"


def feature(number: int) -> NDArray[np.float32]:
    """Return a unit vector; two of them are all but orthogonal."""
    vector = np.random.default_rng(number).normal(size=FEATURE_DIM)
    return (vector / np.linalg.norm(vector)).astype(np.float32)


def near(number: int, similarity: float) -> NDArray[np.float32]:
    """Return a unit vector that has about this similarity with ``feature(number)``."""
    mixed = similarity * feature(number) + np.sqrt(1 - similarity**2) * feature(number + 10**6)
    return (mixed / np.linalg.norm(mixed)).astype(np.float32)


def crop(number: int) -> NDArray[np.uint8]:
    """Return an aligned face of noise."""
    shape = (CROP_SIDE_PX, CROP_SIDE_PX, 3)
    return np.random.default_rng(number).integers(0, 256, shape, np.uint8)


def template(
    number: int,
    *,
    model_id: str = MODEL_ID,
    ood_score: float | None = 0.75,
    with_crop: bool = False,
    token: RequestToken | None = None,
) -> NewTemplate:
    """Return the template of ``feature(number)``."""
    return NewTemplate(
        feature=feature(number),
        ood_score=ood_score,
        model_id=model_id,
        source_hash=f"{number:064x}",
        crop=crop(number) if with_crop else None,
        token=token,
    )


def gallery_info(
    name: str = "staff",
    *,
    max_templates: int = 5,
    keep_crops: bool = False,
    token: RequestToken | None = None,
    calibration: str | None = None,
) -> GalleryInfo:
    """Return a gallery to be made."""
    return GalleryInfo(
        name=name,
        model_id=MODEL_ID,
        scenario="default",
        max_templates=max_templates,
        keep_crops=keep_crops,
        created_at=datetime(2026, 3, 4, 5, 6, 7, 891011, tzinfo=UTC),
        version=0,
        token=token,
        calibration=calibration,
    )
