"""A network on ONNX Runtime, for models that came as ONNX files: the one place that touches it."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING, Any

import numpy as np

from ood_face.errors import BackendError
from ood_face.runtime.pool import check_pool, first_line
from ood_face.runtime.program import InputSpec, check_inputs

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

__all__ = ["OnnxSession", "open_onnx_session"]

logger = logging.getLogger(__name__)

# ONNX Runtime's names of the types a network of pictures takes; any other is kept as it is called
_DTYPES = {
    "tensor(float)": "float32",
    "tensor(float16)": "float16",
    "tensor(double)": "float64",
    "tensor(uint8)": "uint8",
}
_ONLY_ERRORS = 3  # severity of its log: warnings about a graph say nothing to an operator


class OnnxSession:
    """One network; safe to call from several threads, see :class:`ood_face.ports.Session`.

    Parameters
    ----------
    session : ONNX Runtime's session, which takes several calls at once
    failures : its classes of errors
    workers : calls that run at once; further ones wait
    """

    def __init__(
        self,
        session: Any,  # noqa: ANN401  (onnxruntime has no type information)
        failures: tuple[type[Exception], ...],
        workers: int,
    ) -> None:
        self._session = session
        self._failures = failures
        self._places = threading.BoundedSemaphore(workers)
        self._specs = {item.name: _spec(item) for item in session.get_inputs()}
        self._outputs = [item.name for item in session.get_outputs()]

    @property
    def input_specs(self) -> Mapping[str, InputSpec]:
        """Name -> what that input accepts."""
        return dict(self._specs)

    def run(self, inputs: Mapping[str, NDArray[np.float32]]) -> dict[str, NDArray[np.float32]]:
        """Run the network once; the outputs belong to the caller.

        Raises
        ------
        BackendError
            The engine failed, or the inputs do not fit the network.
        """
        check_inputs(self._specs, inputs)
        feed = {name: np.ascontiguousarray(array) for name, array in inputs.items()}
        with self._places:
            try:
                values = self._session.run(self._outputs, feed)
            except self._failures as exc:
                raise _backend_error(exc) from exc
        return dict(zip(self._outputs, values, strict=True))


def open_onnx_session(network: Path, *, workers: int, threads: int) -> OnnxSession:
    """Load a network for the CPU.

    Parameters
    ----------
    network : ``.onnx`` file
    workers : calls that run at once; they share one copy of the weights
    threads : threads inside one call

    Raises
    ------
    BackendError
        The file is missing, damaged or no ONNX network, or the engine cannot load it.
    """
    check_pool(workers, threads)
    engine, failures = _engine()
    options = engine.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = _ONLY_ERRORS
    try:
        session = engine.InferenceSession(
            str(network), sess_options=options, providers=["CPUExecutionProvider"]
        )
    except failures as exc:
        raise _backend_error(exc) from exc
    logger.info("loaded %s: %d workers of %d threads", network.name, workers, threads)
    return OnnxSession(session, failures, workers)


def _engine() -> tuple[Any, tuple[type[Exception], ...]]:
    # imported on first use: only a model that came as ONNX needs it
    try:
        import onnxruntime  # noqa: PLC0415
        from onnxruntime.capi import onnxruntime_pybind11_state as state  # noqa: PLC0415
    except ImportError as exc:
        raise BackendError(
            "runtime.no_onnx", "ONNX Runtime cannot be loaded: {reason}", reason=str(exc)
        ) from exc
    # its errors have no common class of their own
    own = {
        item
        for item in vars(state).values()
        if isinstance(item, type) and issubclass(item, Exception)
    }
    return onnxruntime, (*own, RuntimeError, ValueError, TypeError, OSError, MemoryError)


def _spec(item: Any) -> InputSpec:  # noqa: ANN401
    # a size that has a name or none is free
    shape = tuple(size if isinstance(size, int) else -1 for size in item.shape)
    return InputSpec(item.name, shape, _DTYPES.get(item.type, item.type))


def _backend_error(exc: Exception) -> BackendError:
    return BackendError("runtime.onnx", "ONNX Runtime failed: {reason}", reason=first_line(exc))
