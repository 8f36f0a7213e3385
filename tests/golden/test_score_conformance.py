"""What the shipped score promises, on free pictures: its sign, degradations, things without faces.

The full sets are in the model card (`make evaluate`); here are few faces, so the promises are
coarser: means must fall, and no non-face may pass for a face.
"""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

import ood_face
from ood_face.evaluation.ood import auroc
from ood_face.evaluation.suite import non_faces
from ood_face.imaging import align, decode
from ood_face.imaging.degradations import DEGRADATIONS, degrade
from ood_face.service import FaceService

PICTURES = Path(__file__).parents[1] / "pictures"
FACES = ("astronaut", "biden_1", "obama_1", "obama_2", "obama_3")


@pytest.fixture(scope="module")
def service() -> FaceService:
    return ood_face.open_service()


@pytest.fixture(scope="module")
def crops(service: FaceService) -> NDArray[np.uint8]:
    pictures = [decode((PICTURES / f"{name}.jpg").read_bytes()) for name in FACES]
    faces = [service.detect(picture)[0] for picture in pictures]
    return np.stack([align(p, f.landmarks_px) for p, f in zip(pictures, faces, strict=True)])


def scores(service: FaceService, images: NDArray[np.uint8]) -> NDArray[np.float32]:
    return service.embed_crops(images)[1]


@pytest.mark.parametrize("kind", sorted(DEGRADATIONS))
def test_strong_degradation_costs_score(
    service: FaceService, crops: NDArray[np.uint8], kind: str
) -> None:
    rng = np.random.default_rng(0)
    clean = scores(service, crops)
    mild = scores(service, np.stack([degrade(crop, kind, 2, rng) for crop in crops]))
    strong = scores(service, np.stack([degrade(crop, kind, 5, rng) for crop in crops]))
    assert clean.mean() > mild.mean() > strong.mean()
    assert (strong < clean).all()


def test_sharp_and_strongly_blurred_faces_part(
    service: FaceService, crops: NDArray[np.uint8]
) -> None:
    rng = np.random.default_rng(0)
    blurred = np.stack([degrade(crop, "blur", 4, rng) for crop in crops])
    assert auroc(scores(service, crops), scores(service, blurred)) >= 0.9


def test_things_without_a_face_score_below_faces(
    service: FaceService, crops: NDArray[np.uint8]
) -> None:
    clean = scores(service, crops)
    for name, images in non_faces(np.repeat(crops, 4, axis=0)).items():
        assert auroc(clean, scores(service, images)) >= 0.95, name
