"""The shipped weights, from the file of a picture to the verdict."""

from __future__ import annotations

import io
import json

import numpy as np
import pytest
from fastapi.testclient import TestClient
from PIL import Image, ImageFilter
from skimage import data
from typer.testing import CliRunner

import ood_face
from ood_face.api import create_app
from ood_face.cli.app import app as cli
from ood_face.config import Settings
from ood_face.errors import ChecksumError, NoFaceError, WeightsMissingError
from ood_face.imaging import decode

SETTINGS = Settings(workers=2)


def jpeg(image: Image.Image, quality: int = 90) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()


@pytest.fixture(scope="module")
def service():
    return ood_face.open_service(SETTINGS)


@pytest.fixture(scope="module")
def portrait() -> Image.Image:
    """NASA's portrait of Eileen Collins, in the public domain, as scikit-image ships it."""
    return Image.fromarray(data.astronaut())


@pytest.fixture(scope="module")
def client(service):
    with TestClient(create_app(service, SETTINGS)) as client:
        yield client


def test_the_self_test_passes(service):
    service.self_test()


def test_a_portrait_has_one_face_where_it_is(service, portrait):
    (template,) = service.extract(decode(jpeg(portrait)))
    left, top, right, bottom = template.face.box_xyxy_px
    assert 150 < left < 190
    assert 40 < top < 90
    assert 260 < right < 300
    assert 190 < bottom < 230
    assert template.model_id == service.model_id
    assert template.model_id.startswith("rts-")


def test_another_file_of_the_same_picture_is_the_same_person(service, portrait):
    smaller = portrait.resize((400, 400), Image.Resampling.LANCZOS)
    compared = service.compare(decode(jpeg(portrait)), decode(jpeg(smaller, 70)))
    assert compared.similarity > 0.8
    assert compared.scenario.name == "default"


def test_heavy_blur_lowers_the_score(service, portrait):
    blurred = portrait.filter(ImageFilter.GaussianBlur(4))
    sharp_score = service.extract(decode(jpeg(portrait)))[0].ood_score
    blurred_faces = service.extract(decode(jpeg(blurred)))
    assert all(template.ood_score < sharp_score for template in blurred_faces)


def test_a_picture_without_a_face(service):
    with pytest.raises(NoFaceError):
        service.extract_one(decode(jpeg(Image.fromarray(data.coffee()))))


def test_comparing_with_the_faces_exchanged_gives_the_same(service, portrait):
    image = decode(jpeg(portrait))
    mirrored = np.ascontiguousarray(image[:, ::-1])
    there, back = service.compare(image, mirrored), service.compare(mirrored, image)
    assert there.similarity == pytest.approx(back.similarity, abs=1e-5)
    assert there.verdict == back.verdict


def test_the_api_says_what_the_service_says(client, service, portrait):
    file = jpeg(portrait)
    answer = client.post("/v1/extract", files={"image": ("a.jpg", file)})
    (face,) = answer.json()["faces"]
    (template,) = service.extract(decode(file))
    np.testing.assert_allclose(face["feature"], template.feature, atol=1e-6)
    assert face["quality"] == template.quality
    assert client.get("/readyz").status_code == 200
    assert client.get("/v1/model").json()["model_id"] == service.model_id


def test_the_command_says_what_the_service_says(portrait, service, tmp_path):
    path = tmp_path / "a.jpg"
    path.write_bytes(jpeg(portrait))
    result = CliRunner().invoke(cli, ["compare", str(path), str(path), "--json"])
    body = json.loads(result.stdout)
    assert body["similarity"] == pytest.approx(1, abs=1e-5)
    assert body["model_id"] == service.model_id
    assert result.exit_code == {"same": 0, "recapture": 4}[body["verdict"]]
    assert CliRunner().invoke(cli, ["weights", "verify"]).exit_code == 0


def test_weights_that_are_missing_or_changed_are_refused(tmp_path):
    with pytest.raises(WeightsMissingError, match=r"manifest\.toml"):
        ood_face.open_service(Settings(weights_dir=tmp_path))
    for path in SETTINGS.weights_dir.rglob("*"):
        target = tmp_path / path.relative_to(SETTINGS.weights_dir)
        if path.is_dir():
            target.mkdir(exist_ok=True)
        else:
            target.write_bytes(path.read_bytes())
    weights = next(tmp_path.glob("rts-*/*.pdiparams"))
    weights.write_bytes(weights.read_bytes()[:-1] + b"\x00\x01")
    with pytest.raises(ChecksumError, match="sha256"):
        ood_face.open_service(Settings(weights_dir=tmp_path))


def test_an_unknown_model_is_named():
    with pytest.raises(WeightsMissingError, match="no-such-model"):
        ood_face.open_service(Settings(model="no-such-model"))
