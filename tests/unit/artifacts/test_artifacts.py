from __future__ import annotations

import hashlib
import os

import pytest

from ood_face.artifacts import Manifest, sha256_of, verified_path, verify, write_entry
from ood_face.errors import ArtifactError, ChecksumError, WeightsMissingError

CONTENT = b"some weights"


@pytest.fixture
def weights(tmp_path):
    (tmp_path / "net").mkdir()
    (tmp_path / "net" / "a.bin").write_bytes(CONTENT)
    (tmp_path / "net" / "b.bin").write_bytes(b"")
    return tmp_path


def write(weights, name="net", **extra):
    keys = {"kind": "embedder", "version": "3", "license": "MIT", **extra}
    return write_entry(weights, name, ["net/a.bin", "net/b.bin"], keys)


def test_what_was_written_is_read_again(weights):
    written = write(weights, side_px=112, mean=[0.5, -1e-9], note='a "quoted"\nnote, 人脸 😀')
    read = Manifest.load(weights).model("net")
    assert read == written
    assert (read.name, read.kind, read.version, read.license) == ("net", "embedder", "3", "MIT")
    assert read.files["net/a.bin"] == hashlib.sha256(CONTENT).hexdigest()
    assert read.extra == {
        "side_px": 112,
        "mean": [0.5, -1e-9],
        "note": 'a "quoted"\nnote, 人脸 😀',
    }


def test_tables_within_an_entry_survive(weights):
    write(weights, score={"curve": {"x": [1.0], "y": [0.5]}, "unit": "nat"})
    extra = Manifest.load(weights).model("net").extra
    assert extra["score"] == {"curve": {"x": [1.0], "y": [0.5]}, "unit": "nat"}


def test_other_entries_and_the_default_are_kept(weights):
    write_entry(weights, "first", ["net/a.bin"], {"kind": "detector"}, make_default=True)
    write(weights, "second")
    write(weights, "second", side_px=96)
    manifest = Manifest.load(weights)
    assert sorted(manifest.models) == ["first", "second"]
    assert manifest.default_model == "first"
    assert manifest.model("second").extra["side_px"] == 96


def test_the_default_model_is_taken_where_none_is_named(weights):
    write(weights, "first")
    write(weights, "second")
    with pytest.raises(ArtifactError, match="names no default_model"):
        Manifest.load(weights).chosen(None)
    write_entry(weights, "second", [], {"kind": "embedder", "version": "1"}, make_default=True)
    manifest = Manifest.load(weights)
    assert manifest.chosen(None).name == "second"
    assert manifest.chosen("first").name == "first"


def test_a_complete_model_verifies(weights):
    entry = write(weights)
    verify(entry)
    assert verified_path(entry, "net/a.bin").read_bytes() == CONTENT


def test_a_changed_file_is_named_with_both_sums(weights):
    entry = write(weights)
    path = weights / "net" / "a.bin"
    path.write_bytes(CONTENT + b"!")
    with pytest.raises(ChecksumError) as caught:
        verify(entry)
    assert caught.value.values["file"] == str(path)
    assert caught.value.values["expected"] == hashlib.sha256(CONTENT).hexdigest()
    assert caught.value.values["found"] == sha256_of(path)


def test_a_missing_file_is_named(weights):
    entry = write(weights)
    (weights / "net" / "b.bin").unlink()
    with pytest.raises(WeightsMissingError, match=r"b\.bin"):
        verify(entry)


def test_a_file_that_the_model_does_not_list_is_refused(weights):
    entry = write(weights)
    with pytest.raises(WeightsMissingError, match=r"net lists no file net/c\.bin"):
        verified_path(entry, "net/c.bin")


def test_an_unknown_model_is_answered_with_the_known_ones(weights):
    write(weights)
    with pytest.raises(WeightsMissingError, match="no model other; it has: net"):
        Manifest.load(weights).model("other")


def test_a_folder_without_a_manifest(tmp_path):
    with pytest.raises(WeightsMissingError, match=r"manifest\.toml cannot be read"):
        Manifest.load(tmp_path)


@pytest.mark.parametrize("escape", ["../secret", "/etc/passwd", "net/../../x", "", "."])
def test_a_path_outside_the_folder_is_refused(weights, escape):
    text = f'[models.net]\nkind = "detector"\n[models.net.files]\n"{escape}" = "00"\n'
    (weights / "manifest.toml").write_text(text)
    with pytest.raises(ArtifactError, match="leaves the weights folder"):
        Manifest.load(weights)
    with pytest.raises(ArtifactError, match="leaves the weights folder"):
        write_entry(weights, "other", [escape], {"kind": "detector"})


def test_a_link_out_of_the_folder_is_refused(weights, tmp_path_factory):
    outside = tmp_path_factory.mktemp("outside") / "x.bin"
    outside.write_bytes(b"x")
    (weights / "link.bin").symlink_to(outside)
    with pytest.raises(ArtifactError, match="leaves the weights folder"):
        write_entry(weights, "net", ["link.bin"], {"kind": "detector"})


@pytest.mark.parametrize(
    "text",
    [
        "not toml at all",
        "[models]\nnet = 3",
        '[models.net]\nkind = "detector"',
        '[models.net]\nkind = "detector"\nfiles = []',
        '[models.net]\nkind = "toaster"\n[models.net.files]',
        "[models.net.files]",
        "\ufeff\x00",
    ],
)
def test_a_wrong_manifest_is_an_artifact_error(weights, text):
    (weights / "manifest.toml").write_text(text)
    with pytest.raises(ArtifactError):
        Manifest.load(weights)


@pytest.mark.parametrize("value", [object(), float("nan"), [{"a": 1}], None, (1, 2)])
def test_a_value_that_toml_would_change_is_refused_and_nothing_is_written(weights, value):
    write(weights)
    before = (weights / "manifest.toml").read_text()
    with pytest.raises(ArtifactError, match="cannot hold"):
        write(weights, odd=value)
    assert (weights / "manifest.toml").read_text() == before


def test_a_crash_while_writing_leaves_the_old_manifest(weights, monkeypatch):
    write(weights)
    before = (weights / "manifest.toml").read_text()

    def crash(_descriptor):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", crash)
    with pytest.raises(KeyboardInterrupt):
        write(weights, side_px=1)
    assert (weights / "manifest.toml").read_text() == before
    assert sorted(path.name for path in weights.iterdir()) == ["manifest.toml", "net"]
