"""The shipped model on free pictures: the feature and the score it gave when it was released.

A new model is recorded with ``python -m tests.golden.test_embed_golden``.
"""

from pathlib import Path

import numpy as np
import pytest

import ood_face
from ood_face.config import Settings
from ood_face.imaging import decode
from ood_face.service import FaceService
from tests.fakes.processor import needs_int8

PICTURES = Path(__file__).parents[1] / "pictures"
GOLDEN = Path(__file__).with_name("embed_rts-r18.npz")
NAMES = ("astronaut", "biden_1", "obama_1", "obama_2", "obama_3")


def embed(service: FaceService, name: str) -> tuple[np.ndarray, float]:
    template = service.extract(decode((PICTURES / f"{name}.jpg").read_bytes()))[0]
    return template.feature, template.ood_score


@pytest.fixture(scope="module")
def service() -> FaceService:
    return ood_face.open_service(Settings(precision="float32"))


def test_the_record_is_of_the_shipped_model(service: FaceService) -> None:
    with np.load(GOLDEN) as golden:
        assert str(golden["model_id"]) == service.model_id


@pytest.mark.parametrize("name", NAMES)
def test_feature_and_score(service: FaceService, name: str) -> None:
    feature, score = embed(service, name)
    with np.load(GOLDEN) as golden:
        assert float(feature @ golden[f"{name}.feature"]) >= 0.9999
        assert score == pytest.approx(float(golden[f"{name}.score"]), abs=1e-3)


def test_the_number_format_hardly_matters() -> None:
    service = ood_face.open_service(Settings(precision="auto"))  # bfloat16 where there is any
    for name in NAMES:
        feature, score = embed(service, name)
        with np.load(GOLDEN) as golden:
            assert float(feature @ golden[f"{name}.feature"]) >= 0.9995
            assert score == pytest.approx(float(golden[f"{name}.score"]), abs=1e-2)


@needs_int8
def test_in_integers_it_is_nearly_the_same() -> None:
    service = ood_face.open_service(Settings(precision="int8"))
    for name in NAMES:
        feature, score = embed(service, name)
        with np.load(GOLDEN) as golden:
            assert 0.99 <= float(feature @ golden[f"{name}.feature"]) < 0.9999
            assert score == pytest.approx(float(golden[f"{name}.score"]), abs=0.05)


def record() -> None:
    """Write the golden file anew."""
    shipped = ood_face.open_service(Settings(precision="float32"))
    values: dict[str, np.ndarray] = {"model_id": np.array(shipped.model_id)}
    for name in NAMES:
        feature, score = embed(shipped, name)
        values[f"{name}.feature"], values[f"{name}.score"] = feature, np.array(score)
    np.savez_compressed(GOLDEN, **values)


if __name__ == "__main__":
    record()
