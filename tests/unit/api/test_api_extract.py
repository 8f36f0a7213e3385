from __future__ import annotations

import base64
from dataclasses import asdict

import numpy as np
import pytest

from ood_face.types import QualityScore
from tests.fakes import FakeEmbedder, fake_service, picture, png


def test_a_form_gives_every_face_largest_first(client, service):
    image = picture(20, 40)
    answer = client.post("/v1/extract", files={"image": ("a.png", png(image))})
    assert answer.status_code == 200
    body = answer.json()
    assert body["model_id"] == "fake-1"
    expected = service.extract(image)
    assert len(body["faces"]) == len(expected) == 2
    for face, template in zip(body["faces"], expected, strict=True):
        # what was sent is the very float32 numbers
        sent = np.array(face["feature"], np.float32)
        np.testing.assert_array_equal(sent, template.feature)
        assert face["ood_score"] == template.ood_score
        assert face["quality"] == round(100 * template.ood_score)
        assert face["quality_level"] == "good"
        assert face["quality_level_name"] == "good"
        assert face["box_xyxy_px"] == template.face.box_xyxy_px.tolist()
        assert face["probability"] == template.face.probability
        np.testing.assert_allclose(face["landmarks_px"], template.face.landmarks_px, atol=0.005)


def test_json_gives_the_same_as_a_form(client):
    data = png(picture(40))
    form = client.post("/v1/extract", files={"image": ("a.png", data)})
    text = base64.b64encode(data).decode()
    assert client.post("/v1/extract", json={"image": text}).json() == form.json()
    wrapped = base64.encodebytes(data).decode()
    assert client.post("/v1/extract", json={"image": wrapped}).json() == form.json()


def test_a_picture_without_a_face(client):
    files = {"image": ("a.png", png(picture()[:, :12].repeat(4, axis=1)))}
    answer = client.post("/v1/extract", files=files)
    assert (answer.status_code, answer.json()["code"]) == (422, "face.none")
    answer = client.post("/v1/extract?allow_empty=true", files=files)
    assert (answer.status_code, answer.json()) == (200, {"model_id": "fake-1", "faces": []})


@pytest.mark.parametrize(
    ("header", "name"),
    [("zh", "良好"), ("zh-CN,zh;q=0.9,en;q=0.8", "良好"), ("de", "good"), ("", "good")],
)
def test_the_callers_language(client, header, name):
    answer = client.post(
        "/v1/extract",
        files={"image": ("a.png", png(picture(40)))},
        headers={"Accept-Language": header},
    )
    assert answer.json()["faces"][0]["quality_level_name"] == name


def test_a_model_without_a_quality_score_gives_nulls(client_of):
    service = fake_service(embedder=FakeEmbedder(quality_score=QualityScore.NONE))
    with client_of(service) as client:
        answer = client.post("/v1/extract", files={"image": ("a.png", png(picture(20, 40)))})
    assert answer.status_code == 200
    faces = answer.json()["faces"]
    assert len(faces) == 2
    for face in faces:
        for name in ("ood_score", "quality", "quality_level", "quality_level_name"):
            assert face[name] is None
        assert len(face["feature"]) == 512


def test_uncertainty_comes_where_it_is_asked_for(client, service):
    image = picture(20, 40)
    files = {"image": ("a.png", png(image))}
    plain = client.post("/v1/extract?passes=7", files=files).json()["faces"]
    asked = client.post("/v1/extract?uncertainty=mc&passes=7", files=files).json()["faces"]
    expected = service.extract(image, "mc", 7)
    assert len(asked) == len(expected) == 2
    for without, face, template in zip(plain, asked, expected, strict=True):
        assert without["uncertainty"] is None
        assert face["uncertainty"] == asdict(template.uncertainty)
        assert face["uncertainty"]["passes"] == 7
        assert {**face, "uncertainty": None} == without
    default = client.post("/v1/extract?uncertainty=mc", files=files).json()["faces"]
    assert default[0]["uncertainty"]["passes"] == 20


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("uncertainty=mc&passes=1", "passes is wrong: Input should be greater than or equal to 2"),
        ("uncertainty=mc&passes=201", "less than or equal to 200"),
        ("uncertainty=mc&passes=many", "passes"),
        ("uncertainty=ensemble", "uncertainty"),
    ],
)
def test_what_uncertainty_cannot_be_is_refused(client, query, said):
    answer = client.post(f"/v1/extract?{query}", files={"image": ("a.png", png(picture(40)))})
    assert (answer.status_code, answer.json()["code"]) == (422, "request.parameter")
    assert answer.headers["content-type"] == "application/problem+json"
    assert said in answer.json()["detail"]


def test_a_model_that_cannot_estimate_its_uncertainty_says_so(client_of):
    service = fake_service(embedder=FakeEmbedder(quality_score=QualityScore.NONE))
    files = {"image": ("a.png", png(picture(40)))}
    with client_of(service) as client:
        answer = client.post("/v1/extract?uncertainty=mc", files=files)
        chinese = client.post(
            "/v1/extract?uncertainty=mc", files=files, headers={"Accept-Language": "zh"}
        )
    assert (answer.status_code, answer.json()["code"]) == (422, "uncertainty.no_dropout")
    assert "fake-1 cannot estimate its uncertainty" in answer.json()["detail"]
    assert "无法估计不确定性" in chinese.json()["detail"]
