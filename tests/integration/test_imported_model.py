"""A service on an imported network: features as usual, no quality score, and nobody let through."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from ood_face.artifacts import Manifest, write_entry
from ood_face.bootstrap import open_rts_embedder, open_service, read_settings
from ood_face.errors import ArtifactError
from ood_face.imaging import decode
from ood_face.importers import import_onnx
from ood_face.types import QualityScore, Verdict
from tests.fakes.onnx_network import onnx_network

PICTURES = Path(__file__).parents[1] / "pictures"


@pytest.fixture(scope="module")
def settings(tmp_path_factory):
    weights = tmp_path_factory.mktemp("weights")
    shipped = Manifest.load(read_settings().weights_dir).model("mtcnn")
    shutil.copytree(shipped.weights_dir / "mtcnn", weights / "mtcnn")
    write_entry(weights, "mtcnn", shipped.files, {"kind": "detector", "version": "1"})
    (weights / "net.onnx").write_bytes(onnx_network("N"))
    name = import_onnx(weights / "net.onnx", weights, "net").name
    return read_settings(weights_dir=weights, model=name)


def picture(name):
    return decode((PICTURES / name).read_bytes())


def test_it_serves_features_and_sends_every_comparison_to_a_person(settings):
    service = open_service(settings)
    service.self_test()
    assert service.quality_score is QualityScore.NONE
    assert service.model_id.startswith("net@")
    (template,) = service.extract(picture("obama_1.jpg"))
    assert (template.ood_score, template.quality, template.quality_level) == (None, None, None)
    comparison = service.compare(picture("obama_1.jpg"), picture("obama_1.jpg"))
    assert comparison.similarity == pytest.approx(1, abs=1e-5)
    assert comparison.verdict is Verdict.REVIEW
    assert comparison.reasons[0].key == "quality.none"
    alone = service.compare(picture("obama_1.jpg"), picture("obama_1.jpg"), "attendance")
    assert alone.verdict is Verdict.SAME
    assert alone.reasons[-1].key == "quality.none_accepted"


def test_what_needs_a_variance_refuses_it(settings):
    with pytest.raises(ArtifactError, match=r"net@\w+ gives no variance"):
        open_rts_embedder(settings)
