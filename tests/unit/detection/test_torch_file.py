from __future__ import annotations

import io
import os
import pickle
from collections import OrderedDict

import numpy as np
import pytest
import torch

from ood_face.detection.torch_file import MAGIC, read_state_dict
from ood_face.errors import ArtifactError


@pytest.fixture
def save(tmp_path):
    def write(tensors):
        path = tmp_path / "state.pt"
        torch.save(OrderedDict(tensors), path, _use_new_zipfile_serialization=False)
        return path

    return write


def test_what_torch_saved_is_read(save):
    torch.manual_seed(0)
    tensors = {"a.weight": torch.randn(4, 3, 2, 2), "a.bias": torch.randn(4), "b": torch.randn(1)}
    read = read_state_dict(save(tensors))
    assert list(read) == list(tensors)
    for name, tensor in tensors.items():
        assert read[name].dtype == np.float32
        assert np.array_equal(read[name], tensor.numpy())


def test_views_of_one_storage_are_told_apart(save):
    whole = torch.arange(24, dtype=torch.float32).reshape(4, 6)
    tensors = {"whole": whole, "turned": whole.T, "part": whole[1:3, ::2], "none": whole[:0]}
    read = read_state_dict(save(tensors))
    for name, tensor in tensors.items():
        assert np.array_equal(read[name], tensor.numpy())


def test_other_types_than_float32_are_refused(save):
    with pytest.raises(ArtifactError, match="forbidden torch DoubleStorage"):
        read_state_dict(save({"a": torch.zeros(2, dtype=torch.float64)}))


class Command:
    def __reduce__(self):
        return os.system, ("touch /tmp/should-not-exist",)


def test_a_file_that_would_run_a_command_is_refused_before_it_runs(tmp_path):
    stream = io.BytesIO()
    for content in (MAGIC, 1001, {}, Command()):
        pickle.dump(content, stream, protocol=2)
    path = tmp_path / "evil.pt"
    path.write_bytes(stream.getvalue())
    with pytest.raises(ArtifactError, match="forbidden posix system"):
        read_state_dict(path)


@pytest.mark.parametrize("keep", [0, 1, 10, 100, 300])
def test_a_truncated_file_is_refused(save, keep):
    path = save({"a": torch.zeros(50)})
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(ArtifactError, match="no readable PyTorch state dict"):
        read_state_dict(path)


@pytest.mark.parametrize("content", [b"PK\x03\x04 a zip", b"text", b"\x80\x02K\x01."])
def test_another_file_is_refused(tmp_path, content):
    path = tmp_path / "other.pt"
    path.write_bytes(content)
    with pytest.raises(ArtifactError, match=r"other\.pt"):
        read_state_dict(path)


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(ArtifactError, match=r"gone\.pt"):
        read_state_dict(tmp_path / "gone.pt")
