"""What a Paddle program file says about its inputs, so that wrong ones never reach the engine."""

from __future__ import annotations

import json
import struct
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ood_face.errors import BackendError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

__all__ = ["InputSpec", "check_inputs", "operations_of", "read_input_specs", "readable"]


@dataclass(frozen=True, slots=True)
class InputSpec:
    """One input of a program; a size of -1 in ``shape`` accepts any size."""

    name: str
    shape: tuple[int, ...]
    dtype: str

    def accepts(self, shape: tuple[int, ...]) -> bool:
        """Whether an array of this shape fits."""
        return len(shape) == len(self.shape) and all(
            got > 0 and want in (-1, got) for want, got in zip(self.shape, shape, strict=True)
        )


def read_input_specs(program: Path) -> dict[str, InputSpec]:
    """Read the inputs of a program in Paddle's PIR form (``.json``).

    Raises
    ------
    BackendError
        The file cannot be read, or is no such program.
    """
    with readable(program):
        specs = [_spec(op["A"]) for op in operations_of(program) if op["#"] == "1.data"]
    return {spec.name: spec for spec in specs}


@contextmanager
def readable(program: Path) -> Iterator[None]:
    """Take what goes wrong within as a fault of the program's files.

    Raises
    ------
    BackendError
        Something did, other than an error of ours.
    """
    try:
        yield
    except (OSError, ValueError, LookupError, TypeError, struct.error) as exc:
        raise BackendError(
            "runtime.bad_program",
            "{file} is no readable Paddle program: {reason}",
            file=str(program),
            reason=repr(exc),
        ) from exc


def operations_of(program: Path) -> Any:  # noqa: ANN401 - as deep as JSON may be
    """Return the operations of a program, within :func:`readable`."""
    document = json.loads(program.read_text(encoding="utf-8"))
    return document["program"]["regions"][0]["blocks"][0]["ops"]


def _spec(attributes: list[dict[str, object]]) -> InputSpec:
    values = {str(item["N"]): item["AT"]["D"] for item in attributes}  # type: ignore[index]
    return InputSpec(str(values["name"]), tuple(values["shape"]), str(values["dtype"]))


def check_inputs(specs: Mapping[str, InputSpec], inputs: Mapping[str, NDArray[np.float32]]) -> None:
    """Compare arrays with what the program wants.

    Raises
    ------
    BackendError
        A name, a dtype or a shape does not fit.
    """
    if set(inputs) != set(specs):
        raise BackendError(
            "runtime.input_names",
            "the network takes the inputs {expected}, got {got}",
            expected=", ".join(sorted(specs)),
            got=", ".join(sorted(inputs)) or "none",
        )
    for name, spec in specs.items():
        array = inputs[name]
        if not isinstance(array, np.ndarray) or array.dtype != np.dtype(spec.dtype):
            raise BackendError(
                "runtime.input_dtype",
                "input {name} must be an array of {expected}, got {got}",
                name=name,
                expected=spec.dtype,
                got=str(getattr(array, "dtype", type(array).__name__)),
            )
        if not spec.accepts(array.shape):
            raise BackendError(
                "runtime.input_shape",
                "input {name} must have shape {expected} (-1: any size), got {got}",
                name=name,
                expected=spec.shape,
                got=array.shape,
            )
