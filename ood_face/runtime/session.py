"""A network on Paddle Inference: a pool of predictors, each used by one call at a time."""

from __future__ import annotations

import logging
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import numpy as np

from ood_face.allocator import keep_freed_memory
from ood_face.cores import anywhere
from ood_face.errors import BackendError
from ood_face.runtime.binding import engine
from ood_face.runtime.pool import PooledSession, check_pool, first_line
from ood_face.runtime.precision import choose_precision
from ood_face.runtime.program import check_inputs, read_input_specs

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from ood_face.runtime.precision import Precision
    from ood_face.runtime.program import InputSpec

__all__ = ["PaddleSession", "open_paddle_session"]

logger = logging.getLogger(__name__)

# what Paddle's own error classes become in Python
PADDLE_ERRORS = (
    RuntimeError,
    ValueError,
    LookupError,
    TypeError,
    MemoryError,
    OSError,
    SystemError,
)


class _Worker:
    """A predictor on a thread of its own, and its tensors, which stay the same from run to run.

    Paddle keeps oneDNN's primitives by thread. A predictor that is run from one thread after
    another fails with std::exception once two of them run at the same time.
    """

    def __init__(self, predictor: Any, input_names: Iterable[str]) -> None:  # noqa: ANN401
        self._predictor_run = predictor.run
        self._thread = ThreadPoolExecutor(1, "predictor", anywhere)
        # the method that Paddle's Python layer wraps with a check of the type
        self._inputs = {
            name: predictor.get_input_handle(name)._copy_from_cpu_bind for name in input_names
        }
        names = predictor.get_output_names()
        self.outputs = {name: predictor.get_output_handle(name) for name in names}

    def run(self, inputs: Mapping[str, NDArray[np.float32]]) -> dict[str, NDArray[np.float32]]:
        """Run once, on the predictor's thread; the outputs are copies."""
        return self._thread.submit(self._run, inputs).result()

    def close(self) -> None:
        """End the thread."""
        self._thread.shutdown()

    def _run(self, inputs: Mapping[str, NDArray[np.float32]]) -> dict[str, NDArray[np.float32]]:
        for name, array in inputs.items():
            self._inputs[name](np.ascontiguousarray(array))
        self._predictor_run()
        return {name: handle.copy_to_cpu() for name, handle in self.outputs.items()}


class PaddleSession(PooledSession[_Worker]):
    """One network; safe to call from several threads, see :class:`ood_face.ports.Session`.

    Parameters
    ----------
    predictors : Paddle predictors of one program; a call takes one for itself and gives it back
    specs : what the program takes
    """

    def __init__(self, predictors: list[Any], specs: Mapping[str, InputSpec]) -> None:
        super().__init__([_Worker(predictor, specs) for predictor in predictors], specs)

    def run(self, inputs: Mapping[str, NDArray[np.float32]]) -> dict[str, NDArray[np.float32]]:
        """Run the network once; the outputs are copies that belong to the caller.

        Raises
        ------
        BackendError
            The engine failed, the inputs do not fit the network, or the session is closed.
        """
        check_inputs(self._specs, inputs)
        with self._pool.taken() as worker:
            try:
                return worker.run(inputs)
            except PADDLE_ERRORS as exc:
                raise _backend_error(exc) from exc


def open_paddle_session(
    program: Path, params: Path, *, workers: int, threads: int, precision: Precision = "float32"
) -> PaddleSession:
    """Load a network for Paddle's executor on the CPU.

    Parameters
    ----------
    program : the network, Paddle's ``.json``
    params : its weights, ``.pdiparams``
    workers : predictors, that is: calls that run at once; they share one copy of the weights
    threads : threads inside one call
    precision : bfloat16 is several times faster where the processor has it, and moves a face's
        feature by less than 1e-3 in cosine; weights, inputs and outputs stay float32

    Raises
    ------
    BackendError
        A file is missing or damaged, or the engine cannot load it.
    """
    check_pool(workers, threads)
    specs = read_input_specs(program)
    if not params.is_file():
        raise BackendError(
            "runtime.no_params", "the weights file {file} does not exist", file=str(params)
        )
    keep_freed_memory()
    paddle = engine()
    config = _config(paddle, program, params, threads)
    chosen = choose_precision(precision)
    if chosen == "bfloat16":
        config.enable_onednn_bfloat16()
    try:
        first = paddle.create_predictor(config)
        predictors = [first, *(first.clone() for _ in range(workers - 1))]
    except PADDLE_ERRORS as exc:
        raise _backend_error(exc) from exc
    logger.info("loaded %s: %d workers of %d threads, %s", program.name, workers, threads, chosen)
    return PaddleSession(predictors, specs)


def _config(paddle: Any, program: Path, params: Path, threads: int) -> Any:  # noqa: ANN401
    config = paddle.AnalysisConfig(str(program), str(params))
    config.disable_gpu()
    config.disable_glog_info()
    config.enable_onednn()  # 5-8 times slower without
    # no limit: the callers bring few shapes, and with one, a run could throw away what the run
    # of another predictor is using
    config.set_onednn_cache_capacity(0)
    config.switch_ir_optim(True)
    config.enable_new_executor(True)  # the memory optimisation of PIR programs needs it
    config.enable_memory_optim()
    config.set_cpu_math_library_num_threads(threads)
    return config


def _backend_error(exc: BaseException) -> BackendError:
    return BackendError("runtime.engine", "Paddle failed: {reason}", reason=first_line(exc))
