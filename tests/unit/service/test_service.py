from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from ood_face.errors import (
    BackendError,
    BusyError,
    InputError,
    MultipleFacesError,
    NoFaceError,
    UnknownScenarioError,
)
from ood_face.types import DetectedFace, Embeddings, QualityScore, Verdict
from tests.fakes import (
    CountingAdmission,
    FakeDetector,
    FakeEmbedder,
    FullAdmission,
    fake_align,
    fake_service,
    picture,
)

DARK = picture()


class RecordingEmbedder(FakeEmbedder):
    def __init__(self) -> None:
        super().__init__()
        self.batches: list[int] = []

    def embed(self, crops):
        self.batches.append(len(crops))
        return super().embed(crops)


class MeetingDetector(FakeDetector):
    """Returns only once two pictures are inside at the same time."""

    def __init__(self) -> None:
        self._barrier = threading.Barrier(2, timeout=10)

    def detect(self, image):
        self._barrier.wait()
        return super().detect(image)


def test_detect_gives_the_largest_first(service):
    widths = [face.box_xyxy_px[2] - face.box_xyxy_px[0] for face in service.detect(picture(20, 40))]
    assert widths == [40, 20]
    assert service.detect(DARK) == []


def test_detect_sorts_what_a_detector_did_not():
    class Unsorted(FakeDetector):
        def detect(self, image):
            return super().detect(image)[::-1]

    faces = fake_service(detector=Unsorted()).detect(picture(20, 60, 40))
    assert [face.area_px2 for face in faces] == [60 * 48, 40 * 48, 20 * 48]


def test_extract_embeds_all_faces_at_once_and_keeps_each_with_its_own():
    embedder = RecordingEmbedder()
    image = picture(20, 40)
    image[:, 12:32] = (90, 80, 70)
    image[:, 44:84] = (250, 240, 230)
    large, small = fake_service(embedder=embedder).extract(image)
    assert embedder.batches == [2]
    assert large.face.box_xyxy_px[0] == 44
    assert small.face.box_xyxy_px[0] == 12
    assert large.ood_score == pytest.approx(240 / 255, abs=1e-6)
    assert small.ood_score == pytest.approx(80 / 255, abs=1e-6)
    assert {large.model_id, small.model_id} == {"fake-1"}
    for template in (large, small):
        alone = FakeEmbedder().embed(fake_align(image, template.face)[None]).features[0]
        np.testing.assert_allclose(template.feature, alone, atol=1e-6)


def test_extract_of_no_face_runs_no_embedding():
    embedder = RecordingEmbedder()
    assert fake_service(embedder=embedder).extract(DARK) == []
    assert embedder.batches == []


def test_extract_one_takes_a_face_that_stands_out():
    embedder = RecordingEmbedder()
    template, count = fake_service(embedder=embedder).extract_one(picture(20, 40))
    assert count == 2
    assert template.face.box_xyxy_px[2] - template.face.box_xyxy_px[0] == 40
    assert embedder.batches == [1]


def test_extract_one_refuses_to_guess(service):
    with pytest.raises(MultipleFacesError, match=r"2 faces were found in the picture.*2 times"):
        service.extract_one(picture(21, 40))
    with pytest.raises(NoFaceError, match=r"the picture \(12x48 pixels\)"):
        service.extract_one(DARK)


def test_compare_a_picture_with_itself(service):
    compared = service.compare(picture(40), picture(40))
    assert compared.similarity == pytest.approx(1)
    assert compared.verdict == Verdict.SAME


def test_compare_applies_the_scenario(service):
    dim = picture(40, colour=(110, 110, 110))
    assert service.compare(dim, dim).verdict == Verdict.SAME
    assert service.compare(dim, dim, "gate").verdict == Verdict.RECAPTURE


def test_compare_says_that_it_chose_the_largest(service):
    keys = [reason.key for reason in service.compare(picture(40), picture(20, 40)).reasons]
    assert keys == ["similarity.above", "faces.largest_b"]


@pytest.mark.parametrize(
    ("image_a", "image_b", "error", "key"),
    [
        (DARK, picture(40), NoFaceError, "face.none_first"),
        (picture(40), DARK, NoFaceError, "face.none_second"),
        (picture(40, 40), DARK, MultipleFacesError, "face.several_first"),
        (picture(40), picture(40, 40), MultipleFacesError, "face.several_second"),
    ],
)
def test_compare_names_the_picture(service, image_a, image_b, error, key):
    with pytest.raises(error) as caught:
        service.compare(image_a, image_b)
    assert caught.value.key == key
    assert f"the {key.rsplit('_', 1)[1]} picture" in str(caught.value)


def test_an_unknown_scenario_is_named_before_any_work():
    admission = CountingAdmission()
    with pytest.raises(UnknownScenarioError, match="'casino'; known: default, attendance"):
        fake_service(admission=admission).compare(picture(40), picture(40), "casino")
    assert admission.admitted == 0


def test_compare_works_on_both_pictures_at_once():
    service = fake_service(detector=MeetingDetector())
    assert service.compare(picture(40), picture(40)).verdict == Verdict.SAME


def test_each_call_holds_one_place_and_gives_it_back():
    admission = CountingAdmission()
    service = fake_service(admission=admission)
    service.detect(picture(40))
    service.extract(picture(40))
    service.compare(picture(40), picture(40))
    service.embed_crops(np.zeros((1, 112, 112, 3), np.uint8))
    with pytest.raises(NoFaceError):
        service.extract_one(DARK)
    assert (admission.admitted, admission.inside) == (5, 0)


def test_a_place_is_held_until_the_second_picture_is_done():
    admission = CountingAdmission()
    inside: list[int] = []
    first_failed = threading.Event()

    class SlowSecond(FakeDetector):
        def detect(self, image):
            if image.shape[1] == DARK.shape[1]:
                first_failed.set()
                return []
            first_failed.wait(10)
            faces = super().detect(image)
            inside.append(admission.inside)
            return faces

    with pytest.raises(NoFaceError):
        fake_service(detector=SlowSecond(), admission=admission).compare(DARK, picture(40))
    assert inside == [1]


def test_a_full_service_says_so():
    service = fake_service(admission=FullAdmission())
    with pytest.raises(BusyError):
        service.extract(picture(40))
    service.self_test()


@pytest.mark.parametrize(
    "image",
    [
        np.zeros((10, 10), np.uint8),
        np.zeros((10, 10, 4), np.uint8),
        np.zeros((10, 10, 3), np.float32),
        np.zeros((0, 10, 3), np.uint8),
    ],
)
def test_what_is_no_rgb_picture_is_refused(service, image):
    for call in (service.detect, service.extract, service.extract_one):
        with pytest.raises(InputError, match=r"uint8 array of shape \(H, W, 3\)"):
            call(image)
    with pytest.raises(InputError, match="uint8 array"):
        service.compare(picture(40), image)


def test_embed_crops(service):
    crops = np.stack([np.full((112, 112, 3), value, np.uint8) for value in (0, 51, 255)])
    features, scores = service.embed_crops(crops)
    assert features.shape == (3, 512)
    np.testing.assert_allclose(np.linalg.norm(features, axis=1), 1, atol=1e-6)
    np.testing.assert_allclose(scores, [0, 0.2, 1], atol=1e-6)
    features, scores = service.embed_crops(crops[:0])
    assert (features.shape, scores.shape) == ((0, 512), (0,))
    with pytest.raises(InputError, match=r"\(N, 112, 112, 3\)"):
        service.embed_crops(crops[:, :100])


def test_compare_templates_is_compare(service):
    image_a, image_b = picture(40), picture(20, 40, colour=(100, 250, 90))
    (template_a, count_a), (template_b, count_b) = map(service.extract_one, (image_a, image_b))
    whole = service.compare(image_a, image_b)
    parts = service.compare_templates(template_a, template_b, counts=(count_a, count_b))
    assert (whole.similarity, whole.verdict, whole.reasons) == (
        parts.similarity,
        parts.verdict,
        parts.reasons,
    )


def test_what_it_says_of_itself(service):
    assert service.model_id == "fake-1"
    assert set(service.scenarios) == {"default", "attendance", "gate", "finance"}


def test_self_test_passes(service):
    service.self_test()


@pytest.mark.parametrize(
    ("norm", "score"), [(np.nan, 0.5), (0.5, 0.5), (1, np.nan), (1, 1.5), (1, -0.1)]
)
def test_self_test_finds_a_broken_model(norm, score):
    class Broken(FakeEmbedder):
        def embed(self, crops):
            good = super().embed(crops)
            return Embeddings(good.features * norm, np.full(len(crops), score), good.variances)

    with pytest.raises(BackendError, match="the model does not work"):
        fake_service(embedder=Broken()).self_test()


def test_self_test_finds_a_broken_detector():
    class Broken(FakeDetector):
        def detect(self, image: object) -> list[DetectedFace]:  # noqa: ARG002 - a port's argument
            raise BackendError("runtime.failed", "the engine failed")

    with pytest.raises(BackendError, match="the engine failed"):
        fake_service(detector=Broken()).self_test()


def test_threads_get_their_own_answers(service):
    images = [picture(40, colour=(60 + 12 * i, 90, 250 - 12 * i)) for i in range(16)]
    alone = [service.extract(image)[0] for image in images]
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(lambda image: service.extract(image)[0], images * 4))
    for i, template in enumerate(together):
        np.testing.assert_array_equal(template.feature, alone[i % 16].feature)
        assert template.ood_score == alone[i % 16].ood_score


def test_a_model_without_scores():
    service = fake_service(embedder=FakeEmbedder(quality_score=QualityScore.NONE))
    service.self_test()
    assert service.quality_score is QualityScore.NONE
    (template,) = service.extract(picture(40))
    assert (template.ood_score, template.quality, template.quality_level) == (None, None, None)
    assert service.embed_crops(np.zeros((2, 112, 112, 3), np.uint8))[1] is None
