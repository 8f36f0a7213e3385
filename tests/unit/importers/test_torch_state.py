from __future__ import annotations

import io
import os
import pickle
import zipfile
from collections import OrderedDict

import numpy as np
import pytest
import torch

from ood_face.errors import ArtifactError
from ood_face.importers import torch_state
from ood_face.importers.torch_state import LEGACY_MAGIC, read_state_dict


@pytest.fixture(params=["zip", "legacy"])
def save(tmp_path, request):
    def write(content):
        path = tmp_path / "state.bin"
        torch.save(content, path, _use_new_zipfile_serialization=request.param == "zip")
        return path

    return write


def test_what_torch_saved_is_read(save):
    torch.manual_seed(0)
    network = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.BatchNorm2d(4))
    read = read_state_dict(save(network.state_dict()))
    assert list(read) == list(network.state_dict())
    for name, tensor in network.state_dict().items():
        assert read[name].dtype == tensor.numpy().dtype
        assert np.array_equal(read[name], tensor.numpy())


def test_parameters_and_other_widths_are_read(save):
    tensors = {
        "parameter": torch.nn.Parameter(torch.arange(3.0)),
        "half": torch.tensor([1.5, 2.5], dtype=torch.float16),
        "double": torch.tensor([[1e-300]], dtype=torch.float64),
        "int": torch.tensor([7], dtype=torch.int32),
    }
    read = read_state_dict(save(tensors))
    for name, tensor in tensors.items():
        assert np.array_equal(read[name], tensor.detach().numpy())


def test_views_of_one_storage_are_told_apart(save):
    whole = torch.arange(24, dtype=torch.float32).reshape(4, 6)
    tensors = {"whole": whole, "turned": whole.T, "part": whole[1:3, ::2], "none": whole[:0]}
    read = read_state_dict(save(tensors))
    for name, tensor in tensors.items():
        assert np.array_equal(read[name], tensor.numpy())


class Command:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.system, (f"touch {self.path}",)


@pytest.mark.parametrize("protocol", [0, 2, 4])
@pytest.mark.parametrize("form", ["zip", "legacy"])
def test_a_file_that_would_run_a_command_is_refused_unrun(tmp_path, form, protocol):
    proof = tmp_path / "proof"
    path = tmp_path / "evil.bin"
    evil = pickle.dumps(OrderedDict(a=Command(proof)), protocol=protocol)
    if form == "zip":
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("archive/data.pkl", evil)
    else:
        plain = [pickle.dumps(part, protocol=2) for part in (LEGACY_MAGIC, 1001, {})]
        path.write_bytes(b"".join([*plain, evil]))
    with pytest.raises(ArtifactError) as caught:
        read_state_dict(path)
    assert not proof.exists()
    if protocol:  # protocol 0 is refused at its first instruction already
        assert caught.value.key == "import.foreign_name"
        assert "posix.system" in str(caught.value)


@pytest.mark.parametrize("name", ["builtins eval", "torch.nn Linear", "os system", "torch load"])
def test_every_foreign_name_is_named(tmp_path, name):
    path = tmp_path / "foreign.bin"
    module, attribute = name.split()
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", f"\x80\x02c{module}\n{attribute}\n.".encode("latin-1"))
    with pytest.raises(ArtifactError, match=f"{module}.{attribute}, which is no part of a model"):
        read_state_dict(path)


def test_an_instruction_that_no_state_dict_needs_is_refused(tmp_path):
    path = tmp_path / "odd.bin"
    for content, what in (
        (b"\x80\x02)\x81.", "NEWOBJ"),
        (b"\x80\x02]r\xff\xff\xff\x7f.", "LONG_BINPUT"),
        (b"\x80\x05\x96\xff\xff\xff\xff\xff\xff\xff\x00.", "bytearray8"),
    ):
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("archive/data.pkl", content)
        with pytest.raises(ArtifactError, match=what):
            read_state_dict(path)


@pytest.mark.parametrize("keep", [0, 3, 10, 100, 500, -40, -1])
def test_a_truncated_file_is_refused(save, keep):
    path = save({"a": torch.zeros(500)})
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(ArtifactError, match="no readable PyTorch state dict"):
        read_state_dict(path)


@pytest.mark.parametrize("content", [b"PK\x03\x04 a zip", b"text", b"\x80\x02K\x01.", b""])
def test_another_file_is_refused(tmp_path, content):
    path = tmp_path / "other.bin"
    path.write_bytes(content)
    with pytest.raises(ArtifactError, match=r"other\.bin is no readable"):
        read_state_dict(path)


def test_a_missing_file_and_a_folder_are_refused(tmp_path):
    for path in (tmp_path / "gone.bin", tmp_path):
        with pytest.raises(ArtifactError, match="no readable"):
            read_state_dict(path)


@pytest.mark.parametrize("content", [[torch.zeros(1)], {}, {"a": 1}, {1: torch.zeros(1)}])
def test_what_is_no_dictionary_of_tensors_is_refused(save, content):
    with pytest.raises(ArtifactError, match=r"dictionary|is no tensor"):
        read_state_dict(save(content))


def test_sizes_are_bounded(save, monkeypatch):
    path = save({"a": torch.zeros(5000)})
    monkeypatch.setattr(torch_state, "MAX_FILE_BYTES", 10_000)
    with pytest.raises(ArtifactError, match=r"bytes, the limit is 10000"):
        read_state_dict(path)
    path = save({"a": torch.zeros(1000), "b": torch.zeros(1000)})
    monkeypatch.setattr(torch_state, "MAX_FILE_BYTES", path.stat().st_size)
    assert len(read_state_dict(path)) == 2
    monkeypatch.setattr(torch_state, "MAX_PICKLE_BYTES", 100)
    with pytest.raises(ArtifactError, match="no readable"):
        read_state_dict(path)


def forged(tmp_path, **changes):
    """Return a state dict whose description was changed; its storage has 4 numbers."""
    values = {"offset": 0, "shape": (4,), "strides": (1,), "length": 4, **changes}

    class Storage:
        pass

    class Tensor:
        def __reduce__(self):
            return torch._utils._rebuild_tensor_v2, (
                Storage(),
                values["offset"],
                values["shape"],
                values["strides"],
                False,
                OrderedDict(),
            )

    class Pickler(pickle.Pickler):
        def persistent_id(self, obj):
            if isinstance(obj, Storage):
                return "storage", torch.FloatStorage, "0", "cpu", values["length"]
            return None

    stream = io.BytesIO()
    Pickler(stream, protocol=2).dump({"a": Tensor()})
    path = tmp_path / "forged.bin"
    with zipfile.ZipFile(path, "w", changes.get("packing", zipfile.ZIP_STORED)) as archive:
        archive.writestr("x/data.pkl", stream.getvalue())
        archive.writestr("x/byteorder", changes.get("order", "little"))
        archive.writestr("x/data/0", np.arange(4, dtype=np.float32).tobytes())
    return path


def test_the_forger_can_write_a_good_file(tmp_path):
    assert read_state_dict(forged(tmp_path))["a"].tolist() == [0, 1, 2, 3]


@pytest.mark.parametrize(
    "changes",
    [
        {"offset": 1},
        {"offset": -1},
        {"shape": (5,)},
        {"shape": (-4,)},
        {"strides": (2,)},
        {"strides": (-1,)},
        {"shape": (2, 2), "strides": (1,)},
        {"shape": (10**6, 10**6), "strides": (0, 0)},
        {"length": 5},
        {"length": -1},
        {"length": 2**62},
        {"packing": zipfile.ZIP_DEFLATED},
        {"order": "big"},
    ],
    ids=str,
)
def test_a_forged_description_is_refused(tmp_path, changes):
    with pytest.raises(ArtifactError, match="no readable PyTorch state dict"):
        read_state_dict(forged(tmp_path, **changes))
