"""Extraction with the model's uncertainty: only where it is asked for, and within its limits."""

from __future__ import annotations

import numpy as np
import pytest

from ood_face.errors import InputError
from ood_face.types import QualityScore
from tests.fakes import CountingAdmission, FakeEmbedder, fake_service, picture

DARK = picture()


def test_uncertainty_comes_where_it_is_asked_for(service):
    image = picture(20, 40, colour=(200, 90, 70))
    plain, asked = service.extract(image), service.extract(image, uncertainty="mc", passes=10)
    assert [template.uncertainty for template in plain] == [None, None]
    for without, template in zip(plain, asked, strict=True):
        np.testing.assert_array_equal(template.feature, without.feature)
        assert (template.ood_score, template.face.area_px2) == (
            without.ood_score,
            without.face.area_px2,
        )
        assert template.uncertainty is not None
        assert template.uncertainty.passes == 10
        assert template.uncertainty.rts_variance == pytest.approx(1 - template.ood_score)
    assert service.extract(image, "mc")[0].uncertainty.passes == 20
    assert service.extract(DARK, "mc") == []


def test_each_face_gets_its_own_uncertainty(service):
    image = picture(20, 40)
    image[:, 12:32] = (90, 80, 70)
    image[:, 44:84] = (250, 240, 230)
    large, small = service.extract(image, "mc")
    assert large.uncertainty.feature_spread < small.uncertainty.feature_spread


@pytest.mark.parametrize(
    ("uncertainty", "passes", "said"),
    [
        ("mc", 1, "from 2 to 200, this is 1"),
        ("mc", 201, "from 2 to 200, this is 201"),
        ("mc", 3.5, "integer"),
        ("ensemble", 20, "must be mc or left out, this is 'ensemble'"),
        ("", 20, "must be mc"),
    ],
)
def test_what_uncertainty_cannot_be_is_refused_before_any_work(uncertainty, passes, said):
    admission = CountingAdmission()
    with pytest.raises(InputError, match=said):
        fake_service(admission=admission).extract(picture(40), uncertainty, passes)
    assert admission.admitted == 0


def test_a_model_that_cannot_estimate_its_uncertainty_says_so():
    service = fake_service(embedder=FakeEmbedder(quality_score=QualityScore.NONE))
    with pytest.raises(InputError, match="fake-1 cannot estimate its uncertainty"):
        service.extract(picture(40), "mc")
    assert len(service.extract(picture(40))) == 1
