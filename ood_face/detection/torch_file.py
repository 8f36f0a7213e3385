"""Read the tensors of a PyTorch state dict (the format before zip files) without PyTorch.

Such a file is four pickles (a magic number, the protocol, the writer's integer sizes, the state
dict), a pickled list of storage keys, and then each storage: its length as int64, its raw values.
The unpickler accepts exactly the three names a state dict of float tensors needs; anything else
in the file is refused before it can run.
"""

from __future__ import annotations

import pickle  # nosec B403
from collections import OrderedDict
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from ood_face.errors import ArtifactError

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

__all__ = ["read_state_dict"]

# torch.serialization's MAGIC_NUMBER
MAGIC = 0x1950A86A20F9469CFC6C

_Layout = tuple[str, int, tuple[int, ...], tuple[int, ...]]


def read_state_dict(path: Path) -> dict[str, NDArray[np.float32]]:
    """Return name -> float32 array.

    Raises
    ------
    ArtifactError
        The file is no state dict of float32 tensors in this format.
    """
    try:
        with path.open("rb") as stream:
            return _read(stream)
    except (
        OSError,
        EOFError,
        ValueError,
        TypeError,
        LookupError,
        AttributeError,
        pickle.UnpicklingError,
    ) as exc:
        raise ArtifactError(
            "detection.bad_torch_file",
            "{file} is no readable PyTorch state dict: {reason}",
            file=str(path),
            reason=str(exc),
        ) from exc


def _read(stream: BinaryIO) -> dict[str, NDArray[np.float32]]:
    magic = _Unpickler(stream).load()
    if magic != MAGIC:
        raise _refusal("magic-number", magic)
    _Unpickler(stream).load()
    _Unpickler(stream).load()
    layouts: dict[str, _Layout] = _Unpickler(stream).load()
    storages = {}
    for key in _Unpickler(stream).load():
        length = int(np.frombuffer(stream.read(8), "<i8")[0])
        storages[key] = np.frombuffer(stream.read(4 * length), "<f4")
    return {
        name: _tensor(storages[key], offset, shape, strides)
        for name, (key, offset, shape, strides) in layouts.items()
    }


def _tensor(
    storage: NDArray[np.float32], offset: int, shape: tuple[int, ...], strides: tuple[int, ...]
) -> NDArray[np.float32]:
    index = np.full(shape, offset, dtype=np.int64)
    for axis, stride in enumerate(strides):
        steps = np.arange(shape[axis], dtype=np.int64) * stride
        index += steps.reshape([-1 if other == axis else 1 for other in range(len(shape))])
    return np.ascontiguousarray(storage[index], dtype=np.float32)


def _layout(
    storage: str, offset: int, shape: tuple[int, ...], strides: tuple[int, ...], *_: object
) -> _Layout:
    return storage, offset, shape, strides


def _refusal(*what: object) -> pickle.UnpicklingError:
    return pickle.UnpicklingError(" ".join(str(part) for part in what))


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:  # noqa: ANN401  (pickle's own signature)
        allowed = {
            ("collections", "OrderedDict"): OrderedDict,
            ("torch._utils", "_rebuild_tensor_v2"): _layout,
            ("torch", "FloatStorage"): "FloatStorage",
        }
        if (module, name) not in allowed:
            raise _refusal("forbidden", module, name)
        return allowed[module, name]

    def persistent_load(self, pid: Any) -> str:  # noqa: ANN401  (pickle's own signature)
        kind, storage_type, key, *_ = pid
        if kind != "storage" or storage_type != "FloatStorage":
            raise _refusal("storage", storage_type)
        return str(key)
