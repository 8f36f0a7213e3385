"""The cascade over fake networks that take white squares for faces."""

from __future__ import annotations

import numpy as np
import pytest

from ood_face.detection import MtcnnDetector, MtcnnSettings
from ood_face.detection.cascade import COARSE_MARGIN, ONET_BATCHES, RNET_BATCHES, Network
from ood_face.detection.pyramid import TILE_SIDES_PX
from ood_face.errors import InputError
from tests.fakes.session import FakeOnet, FakePnet, FakeRnet

EVERYTHING = {"min_face_share": 0.0, "max_side_px": None, "max_faces": None, "min_face_px": 20}


def detector(**settings):
    networks = (Network(net) for net in (FakePnet(), FakeRnet(), FakeOnet()))
    return MtcnnDetector(*networks, MtcnnSettings(**settings))


class Coarse:
    """A network whose logits are off by up to ``error``, differently for each window."""

    def __init__(self, exact, error):
        self.exact, self.error = exact, error

    def run(self, inputs):
        (name, answer) = next(iter(self.exact.run(inputs).items()))
        noise = np.random.default_rng(answer.size).uniform(-self.error, self.error, answer.shape)
        return {name: (answer + noise).astype(np.float32)}


def picture(height, width, *squares):
    image = np.zeros((height, width, 3), dtype=np.uint8)
    for left, top, side in squares:
        image[top : top + side, left : left + side] = 255
    return image


def iou(face, left, top, side):
    box, square = face.box_xyxy_px, np.array([left, top, left + side, top + side])
    shared = np.clip(np.minimum(box[2:], square[2:]) - np.maximum(box[:2], square[:2]), 0, None)
    return shared.prod() / (face.area_px2 + side**2 - shared.prod())


@pytest.mark.parametrize(
    "square", [(40, 30, 40), (14, 12, 60), (150, 100, 90), (201, 17, 25), (90, 50, 110)]
)
def test_a_square_is_found_where_it_is(square):
    (face,) = detector(**EVERYTHING).detect(picture(221, 301, *[square]))
    assert iou(face, *square) > 0.6
    assert 0.9 <= face.probability <= 1
    left, top, right, bottom = face.box_xyxy_px
    assert (face.landmarks_px > (left, top)).all()
    assert (face.landmarks_px < (right, bottom)).all()


def test_the_largest_comes_first_and_no_more_than_asked_for():
    image = picture(300, 600, (20, 20, 40), (200, 60, 150), (450, 40, 80))
    faces = detector(**EVERYTHING).detect(image)
    assert [round(face.area_px2**0.5, -1) for face in faces] == sorted(
        (round(face.area_px2**0.5, -1) for face in faces), reverse=True
    )
    assert len(faces) == 3
    (largest,) = detector(**{**EVERYTHING, "max_faces": 1}).detect(image)
    assert iou(largest, 200, 60, 150) > 0.6


def test_a_square_smaller_than_asked_for_is_not_sought():
    image = picture(300, 600, (20, 20, 26), (200, 60, 150))
    assert len(detector(**{**EVERYTHING, "min_face_px": 70}).detect(image)) == 1
    assert len(detector(**{**EVERYTHING, "min_face_share": 70 / 300}).detect(image)) == 1
    assert len(detector(**{**EVERYTHING, "min_face_share": 0.08}).detect(image)) == 2


def test_a_large_picture_is_scaled_down_and_the_answer_scaled_back():
    image = picture(900, 1600, (800, 300, 320))
    found = detector(**{**EVERYTHING, "max_side_px": 400})
    (face,) = found.detect(image)
    assert iou(face, 800, 300, 320) > 0.6
    full = detector(**EVERYTHING)
    full.detect(image)
    assert len(found._pnet.exact.shapes) < len(full._pnet.exact.shapes)


def test_less_probable_faces_are_left_out():
    image = picture(200, 200, (60, 60, 70))
    (face,) = detector(**EVERYTHING, min_probability=0.0).detect(image)
    assert face.probability < 1
    above = float(np.nextafter(face.probability, 1.0))
    assert detector(**EVERYTHING, min_probability=above).detect(image) == []
    assert len(detector(**EVERYTHING, min_probability=face.probability).detect(image)) == 1


def test_the_networks_see_few_shapes_whatever_the_picture():
    found = detector(**EVERYTHING)
    rng = np.random.default_rng(0)
    for _ in range(12):
        height, width = (int(side) for side in rng.integers(20, 500, 2))
        image = picture(height, width)
        for _ in range(int(rng.integers(0, 6))):
            side = int(rng.integers(15, min(height, width)))
            left, top = (int(rng.integers(0, limit - side + 1)) for limit in (width, height))
            image[top : top + side, left : left + side] = 255
        found.detect(image)
    assert set(found._pnet.exact.shapes) <= {(1, 3, side, side) for side in TILE_SIDES_PX}
    assert found._pnet.exact.shapes
    assert set(found._rnet.exact.shapes) <= {(n, 3, 24, 24) for n in RNET_BATCHES}
    assert set(found._onet.exact.shapes) <= {(n, 3, 48, 48) for n in ONET_BATCHES}
    assert found._onet.exact.shapes


def test_a_coarse_first_look_changes_nothing():
    image = picture(300, 600, (20, 20, 40), (200, 60, 150), (450, 40, 80))
    plain = detector(**EVERYTHING)
    pnet, rnet = FakePnet(), FakeRnet()
    looked = MtcnnDetector(
        Network(pnet, Coarse(FakePnet(), 0.9 * COARSE_MARGIN)),
        Network(rnet, Coarse(FakeRnet(), 0.9 * COARSE_MARGIN)),
        Network(FakeOnet()),
        plain.settings,
    )
    expected, found = plain.detect(image), looked.detect(image)
    assert len(found) == len(expected) == 3
    for one, other in zip(found, expected, strict=True):
        assert np.allclose(one.box_xyxy_px, other.box_xyxy_px, atol=1e-3)
        assert one.probability == pytest.approx(other.probability, abs=1e-6)
    # the network itself saw single windows, and no tile
    assert {shape[1:] for shape in pnet.shapes} == {(3, 12, 12)}
    seen = sum(shape[0] for shape in plain._rnet.exact.shapes)
    assert sum(shape[0] for shape in rnet.shapes) <= seen


def test_no_more_candidates_than_allowed_reach_the_second_stage():
    image = picture(400, 400, *[(x, y, 30) for x in range(10, 370, 60) for y in range(10, 370, 60)])
    found = detector(**EVERYTHING, max_candidates=5)
    assert len(found.detect(image)) <= 5
    assert found._rnet.exact.shapes == 2 * [(4, 3, 24, 24)]  # for 5 crops: 4 and 1


@pytest.mark.parametrize("size", [(1, 1), (1, 500), (11, 11), (19, 640), (20, 20)])
def test_a_tiny_picture_has_no_face(size):
    assert detector(**EVERYTHING).detect(picture(*size)) == []


def test_a_picture_is_understood_through_any_view_and_never_changed():
    image = picture(221, 301, (40, 30, 60))
    (plain,) = detector(**EVERYTHING).detect(image)
    image.flags.writeable = False
    (turned,) = detector(**EVERYTHING).detect(image[:, ::-1, ::-1])
    assert turned.probability == pytest.approx(plain.probability, abs=0.2)
    assert iou(turned, 301 - 100, 30, 60) > 0.6


@pytest.mark.parametrize(
    "bad",
    [
        None,
        [[1, 2], [3, 4]],
        np.zeros((10, 10), np.uint8),
        np.zeros((10, 10, 4), np.uint8),
        np.zeros((10, 10, 3), np.float32),
        np.zeros((0, 10, 3), np.uint8),
        np.zeros((1, 10, 10, 3), np.uint8),
    ],
)
def test_what_is_no_picture_is_an_input_error(bad):
    with pytest.raises(InputError, match="must be a uint8 array of shape"):
        detector().detect(bad)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("min_face_px", 11),
        ("min_face_share", 1.1),
        ("max_side_px", 11),
        ("thresholds", (0.6, 0.7)),
        ("thresholds", (0.0, 0.7, 0.7)),
        ("factor", 1.0),
        ("min_probability", -0.1),
        ("max_faces", 0),
        ("max_candidates", 0),
    ],
)
def test_settings_out_of_range_are_named(name, value):
    with pytest.raises(InputError, match=name):
        MtcnnSettings(**{name: value})
