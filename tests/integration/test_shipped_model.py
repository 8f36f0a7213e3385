"""The shipped weights, from the file of a picture to the verdict."""

from __future__ import annotations

import importlib.util
import io
import json
from itertools import combinations, product
from pathlib import Path

import numpy as np
import pytest
from fastapi.testclient import TestClient
from PIL import Image, ImageFilter
from typer.testing import CliRunner

import ood_face
from ood_face.api import create_app
from ood_face.api.served import Served
from ood_face.cli.app import app as cli
from ood_face.config import Settings
from ood_face.errors import (
    BackendError,
    ChecksumError,
    MultipleFacesError,
    NoFaceError,
    WeightsMissingError,
)
from ood_face.imaging import decode

SETTINGS = Settings(workers=2)
PICTURES = Path(__file__).parents[1] / "pictures"


def read(name: str) -> bytes:
    return (PICTURES / name).read_bytes()


def jpeg(image: Image.Image, quality: int = 90) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()


@pytest.fixture(scope="module")
def service():
    return ood_face.open_service(SETTINGS)


@pytest.fixture(scope="module")
def portrait() -> Image.Image:
    return Image.open(PICTURES / "astronaut.jpg").convert("RGB")


@pytest.fixture(scope="module")
def client(service):
    with TestClient(create_app(Served(service, SETTINGS))) as client:
        yield client


def test_the_model_comes_with_what_makes_p_same(service):
    assert service.same_model.model_id == service.model_id
    # better than even at the default threshold, the surer the better the pictures
    good, fair = (service.same_model.probability(0.45, q, q, 0.5).value for q in (0.9, 0.4))
    assert 0.95 < fair < good


def test_the_self_test_passes(service):
    service.self_test()  # raises a BackendError where a network does not work


def test_a_portrait_has_one_face(service):
    (template,) = service.extract(decode(read("astronaut.jpg")))
    assert template.model_id == service.model_id
    assert template.model_id.startswith("rts-")
    assert template.face.probability > 0.99


def test_another_file_of_the_same_picture_is_like_it(service, portrait):
    smaller = portrait.resize(
        (portrait.width * 3 // 4, portrait.height * 3 // 4), Image.Resampling.LANCZOS
    )
    compared = service.compare(decode(jpeg(portrait)), decode(jpeg(smaller, 70)))
    assert compared.similarity > 0.8


def test_one_person_is_more_like_himself_than_like_another(service):
    names = ["obama_1.jpg", "obama_2.jpg", "obama_3.jpg"]
    obama = [service.extract_one(decode(read(name)))[0] for name in names]
    other = [service.extract_one(decode(read("biden_1.jpg")))[0]]
    same = [service.compare_templates(*pair).similarity for pair in combinations(obama, 2)]
    different = [service.compare_templates(*pair).similarity for pair in product(obama, other)]
    assert min(same) > max(different)


def test_heavy_blur_lowers_the_score(service, portrait):
    sharp = service.extract(decode(jpeg(portrait)))[0]
    blurred = service.extract(decode(jpeg(portrait.filter(ImageFilter.GaussianBlur(3)))))
    assert blurred
    assert blurred[0].ood_score < sharp.ood_score


@pytest.mark.parametrize("name", ["coffee.jpg", "rocket.jpg"])
def test_a_picture_without_a_face(service, name):
    with pytest.raises(NoFaceError):
        service.extract_one(decode(read(name)))


def test_two_faces_of_one_size(service):
    image = decode(read("astronaut.jpg"))
    twice = np.concatenate([image, image], axis=1)
    assert len(service.extract(twice)) == 2
    with pytest.raises(MultipleFacesError, match="2 faces"):
        service.extract_one(twice)


def test_two_people_in_one_picture(service):
    large, small = service.extract(decode(read("two_people.jpg")))
    assert large.face.area_px2 > small.face.area_px2
    assert np.dot(large.feature, small.feature) < 0.9


def test_the_order_of_the_pictures_does_not_matter(service):
    image_a, image_b = decode(read("obama_1.jpg")), decode(read("biden_1.jpg"))
    there, back = service.compare(image_a, image_b), service.compare(image_b, image_a)
    assert there.similarity == pytest.approx(back.similarity, abs=1e-5)
    assert there.verdict == back.verdict


def test_the_api_says_what_the_service_says(client, service):
    file = read("astronaut.jpg")
    answer = client.post("/v1/extract", files={"image": ("a.jpg", file)})
    (face,) = answer.json()["faces"]
    (template,) = service.extract(decode(file))
    np.testing.assert_allclose(face["feature"], template.feature, atol=1e-6)
    assert face["quality"] == template.quality
    assert client.get("/readyz").status_code == 200
    assert client.get("/v1/model").json()["model_id"] == service.model_id


def test_the_command_says_what_the_service_says(service):
    paths = [str(PICTURES / name) for name in ("obama_1.jpg", "biden_1.jpg")]
    result = CliRunner().invoke(cli, ["compare", *paths, "--json"])
    body = json.loads(result.stdout)
    expected = service.compare(*(decode(Path(path).read_bytes()) for path in paths))
    assert body["similarity"] == pytest.approx(expected.similarity, abs=1e-5)
    assert body["verdict"] == expected.verdict
    assert body["model_id"] == service.model_id
    codes = {"same": 0, "different": 1, "review": 3, "recapture": 4}
    assert result.exit_code == codes[expected.verdict]
    assert CliRunner().invoke(cli, ["weights", "verify"]).exit_code == 0


def test_weights_that_are_missing_or_changed_are_refused(tmp_path):
    with pytest.raises(WeightsMissingError, match=r"manifest\.toml"):
        ood_face.open_service(Settings(weights_dir=tmp_path))
    for path in SETTINGS.weights_dir.rglob("*"):
        target = tmp_path / path.relative_to(SETTINGS.weights_dir)
        if path.is_file():
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(path.read_bytes())
    weights = next(tmp_path.glob("rts-*/*.pdiparams"))
    weights.write_bytes(weights.read_bytes()[:-1] + b"\x00\x01")
    with pytest.raises(ChecksumError, match="sha256"):
        ood_face.open_service(Settings(weights_dir=tmp_path))


def test_an_unknown_model_is_named():
    with pytest.raises(WeightsMissingError, match="no-such-model"):
        ood_face.open_service(Settings(model="no-such-model"))


def test_the_other_detector_is_chosen_by_a_setting():
    settings = Settings(detector="facenet-pytorch")
    if importlib.util.find_spec("facenet_pytorch") is None:
        with pytest.raises(BackendError, match=r"ood-face\[facenet\]"):
            ood_face.open_service(settings)
    else:
        image = decode(read("astronaut.jpg"))
        assert len(ood_face.open_service(settings).detect(image)) == 1
