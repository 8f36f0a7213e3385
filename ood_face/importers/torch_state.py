"""Read the tensors of a PyTorch state dict without PyTorch, and without running what a file says.

A file of ``torch.save`` is a zip whose ``data.pkl`` describes tensors and whose ``data/KEY``
members hold their raw numbers; before PyTorch 1.6 it was a chain of pickles with the numbers
behind them. A pickle is a program. Two gates stand before it: its instructions are listed first,
without running any, and one that a state dict does not need is refused; then the unpickler knows
the handful of names in ``_ALLOWED`` and refuses, by name, every other.
"""

from __future__ import annotations

import io
import pickle  # nosec B403
import pickletools
import re
import zipfile
import zlib
from collections import OrderedDict
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple, NoReturn

import numpy as np

from ood_face.errors import ArtifactError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from numpy.typing import NDArray

__all__ = ["read_state_dict"]

# DAMO's network has 183 MiB in 700 tensors, its description 60 KB
MAX_FILE_BYTES = 2**30
MAX_PICKLE_BYTES = 4 * 2**20
# torch.serialization's magic number of the format before zip
LEGACY_MAGIC = 0x1950A86A20F9469CFC6C

# what a damaged or forged file makes the readers below raise
_READ_ERRORS = (
    ArithmeticError,
    AttributeError,
    EOFError,
    LookupError,
    MemoryError,
    NotImplementedError,  # zipfile's, for a packing or an encryption that it does not know
    OSError,
    RecursionError,
    TypeError,
    ValueError,
    pickle.UnpicklingError,
    zipfile.BadZipFile,
    zlib.error,
)
# what torch.save writes for a state dict in the pickle protocols 2 to 5
_OPCODES = re.compile(
    "PROTO|FRAME|STOP|MARK|EMPTY_DICT|EMPTY_LIST|EMPTY_TUPLE|TUPLE[123]?|NONE|NEWTRUE|NEWFALSE|"
    "BININT[12]?|LONG1|BINFLOAT|BINUNICODE|SHORT_BINUNICODE|BINPUT|LONG_BINPUT|BINGET|"
    "LONG_BINGET|MEMOIZE|GLOBAL|STACK_GLOBAL|BINPERSID|REDUCE|BUILD|SETITEMS?|APPENDS?"
)
# the unpickler keeps a table as long as the largest number given to these
_MEMO_WRITES = ("BINPUT", "LONG_BINPUT")
_DTYPES = {
    "FloatStorage": "<f4",
    "DoubleStorage": "<f8",
    "HalfStorage": "<f2",
    "LongStorage": "<i8",
    "IntStorage": "<i4",
}


class _Storage(NamedTuple):
    dtype: str
    key: str
    length: int


class _Layout(NamedTuple):
    storage: _Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


def _layout(
    storage: _Storage, offset: int, shape: tuple[int, ...], strides: tuple[int, ...], *_: object
) -> _Layout:
    return _Layout(storage, int(offset), tuple(map(int, shape)), tuple(map(int, strides)))


def _parameter(data: _Layout, *_: object) -> _Layout:
    return data


_ALLOWED: dict[tuple[str, str], Callable[..., Any] | str] = {
    ("collections", "OrderedDict"): OrderedDict,
    ("torch._utils", "_rebuild_tensor_v2"): _layout,
    ("torch._utils", "_rebuild_parameter"): _parameter,
    **{("torch", name): dtype for name, dtype in _DTYPES.items()},
}


def read_state_dict(path: Path) -> dict[str, NDArray[np.generic]]:
    """Return name -> array, numbers of any width as they are in the file.

    Raises
    ------
    ArtifactError
        The file cannot be read, is too large, names something that no state dict needs, or
        holds no state dict.
    """
    try:
        size = path.stat().st_size
        if size > MAX_FILE_BYTES:
            raise ArtifactError(
                "import.too_large",
                "{file} has {size} bytes, the limit is {limit}",
                file=str(path),
                size=size,
                limit=MAX_FILE_BYTES,
            )
        with path.open("rb") as stream:
            zipped = stream.read(4) == b"PK\x03\x04"
            stream.seek(0)
            return _read_zip(stream) if zipped else _read_legacy(stream)
    except _ForeignNameError as exc:
        raise ArtifactError(
            "import.foreign_name",
            "{file} names {name}, which is no part of a model; nothing of the file was run",
            file=str(path),
            name=str(exc),
        ) from exc
    except _READ_ERRORS as exc:
        raise ArtifactError(
            "import.bad_torch_file",
            "{file} is no readable PyTorch state dict: {reason}",
            file=str(path),
            reason=str(exc) or type(exc).__name__,
        ) from exc


def _read_zip(stream: BinaryIO) -> dict[str, NDArray[np.generic]]:
    with zipfile.ZipFile(stream) as archive:
        descriptions = [name for name in archive.namelist() if name.endswith("/data.pkl")]
        if len(descriptions) != 1:
            _refuse(f"it has {len(descriptions)} descriptions data.pkl, not one")
        folder = descriptions[0].removesuffix("data.pkl")
        order = f"{folder}byteorder"
        if order in archive.namelist() and _member(archive, order, 16) != b"little":
            _refuse("its numbers are not in little-endian order")
        content = _unpickle(io.BytesIO(_member(archive, descriptions[0], MAX_PICKLE_BYTES)))
        read = _Budget(lambda key, size: _member(archive, f"{folder}data/{key}", size))
        return _tensors(content, read)


def _member(archive: zipfile.ZipFile, name: str, limit: int) -> bytes:
    info = archive.getinfo(name)
    # torch packs nothing, and a packed member can be far larger than the file
    if info.compress_type != zipfile.ZIP_STORED or info.file_size > limit:
        _refuse(f"its part {name[-80:]!r} is packed, or larger than {limit} bytes")
    return archive.read(info)


def _read_legacy(stream: BinaryIO) -> dict[str, NDArray[np.generic]]:
    if _unpickle(stream) != LEGACY_MAGIC:
        _refuse("it is no file of torch.save")
    _unpickle(stream)  # version of the protocol
    _unpickle(stream)  # widths of the writer's integers
    content = _unpickle(stream)
    keys = _unpickle(stream)
    widths = {
        item.storage.key: np.dtype(item.storage.dtype).itemsize
        for item in _layouts(content).values()
    }
    parts = {}
    for key in keys:
        count = int.from_bytes(stream.read(8), "little")
        size = count * widths[key]
        if size > MAX_FILE_BYTES:
            _refuse(f"a tensor of {size} bytes is larger than {MAX_FILE_BYTES}")
        parts[key] = stream.read(size)
    return _tensors(content, _Budget(lambda key, _size: parts[key]))


class _Budget:
    """Reads storages by key, all of them together no larger than a file may be."""

    def __init__(self, read: Callable[[str, int], bytes]) -> None:
        self._read = read
        self._left = MAX_FILE_BYTES

    def __call__(self, storage: _Storage) -> NDArray[np.generic]:
        size = storage.length * np.dtype(storage.dtype).itemsize
        if not 0 <= size <= self._left:
            _refuse(f"its tensors have more than {MAX_FILE_BYTES} bytes")
        self._left -= size
        data = self._read(storage.key, size)
        if len(data) != size:
            _refuse(f"storage {storage.key[:20]!r} has {len(data)} bytes, not {size}")
        return np.frombuffer(data, storage.dtype)


def _layouts(content: object) -> dict[str, _Layout]:
    if not isinstance(content, dict) or not content:
        _refuse("it holds no dictionary of tensors")
    for name, item in content.items():
        if not isinstance(name, str):
            _refuse("it holds a dictionary, but not one of tensors by name")
        if not isinstance(item, _Layout):
            _refuse(f"its entry {name[:80]!r} is no tensor")
    return dict(content)


def _tensors(content: object, read: _Budget) -> dict[str, NDArray[np.generic]]:
    return {name: _tensor(item, read(item.storage)) for name, item in _layouts(content).items()}


def _tensor(layout: _Layout, storage: NDArray[np.generic]) -> NDArray[np.generic]:
    numbers = (layout.offset, *layout.shape, *layout.strides)
    steps = zip(layout.shape, layout.strides, strict=True)
    last = layout.offset + sum((size - 1) * stride for size, stride in steps)
    # no tensor is larger than its storage, so a stride of 0 cannot blow it up
    fits = min(numbers) >= 0 and np.prod(layout.shape, dtype=float) <= len(storage)
    if not fits or (0 not in layout.shape and last >= len(storage)):
        _refuse("a tensor lies outside its storage")
    width = storage.itemsize
    view = np.lib.stride_tricks.as_strided(
        storage[layout.offset :], layout.shape, [width * stride for stride in layout.strides]
    )
    return np.array(view)


def _refuse(reason: str) -> NoReturn:
    raise pickle.UnpicklingError(reason)


def _unpickle(stream: BinaryIO) -> Any:  # noqa: ANN401  (whatever the file holds)
    start = stream.tell()
    content = io.BytesIO(stream.read(MAX_PICKLE_BYTES))
    for number, (opcode, argument, _) in enumerate(pickletools.genops(content)):
        if opcode.name == "GLOBAL":
            _allowed(*str(argument).split(" ", 1))
        if _OPCODES.fullmatch(opcode.name) is None:
            _refuse(f"its description has the instruction {opcode.name}, which a model never needs")
        if opcode.name in _MEMO_WRITES and int(argument or 0) > number:
            _refuse(f"its description has the instruction {opcode.name} {argument}: out of range")
    stream.seek(start + content.tell())
    content.seek(0)
    return _Unpickler(content).load()


def _allowed(module: str, name: str) -> Any:  # noqa: ANN401
    found = _ALLOWED.get((module, name))
    if found is None:
        raise _ForeignNameError(f"{module}.{name}"[:160])
    return found


class _ForeignNameError(Exception):
    """The pickle asks for something that no state dict is made of."""


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:  # noqa: ANN401  (pickle's own signature)
        return _allowed(module, name)

    def persistent_load(self, pid: Iterable[Any]) -> _Storage:
        kind, dtype, key, _location, length, *_ = pid
        if kind != "storage" or dtype not in _DTYPES.values() or not isinstance(key, str):
            _refuse("its description refers to something that is no storage of numbers")
        return _Storage(dtype, key, int(length))
