"""Which engine runs a network."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Literal

from ood_face.allocator import keep_freed_memory
from ood_face.errors import BackendError
from ood_face.runtime.graph_reader import UnsupportedProgramError, read_graph
from ood_face.runtime.onednn import OneDnnSession
from ood_face.runtime.onednn.library import EngineMissingError, library
from ood_face.runtime.pool import check_pool
from ood_face.runtime.precision import choose_precision, has_int8
from ood_face.runtime.program import read_input_specs
from ood_face.runtime.quantization import NOTHING, quantize
from ood_face.runtime.session import PaddleSession, open_paddle_session

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from ood_face.runtime.graph import Graph
    from ood_face.runtime.precision import Precision
    from ood_face.runtime.program import InputSpec
    from ood_face.runtime.quantization import Quantization

__all__ = ["Engine", "open_int8_session", "open_session"]

Engine = Literal["auto", "onednn", "paddle"]

logger = logging.getLogger(__name__)


def open_session(
    program: Path,
    params: Path,
    *,
    workers: int,
    threads: int,
    precision: Precision = "float32",
    engine: Engine = "auto",
) -> OneDnnSession | PaddleSession:
    """Load a network for the CPU.

    Parameters
    ----------
    program : the network, Paddle's ``.json``
    params : its weights, ``.pdiparams``
    workers : calls that run at once; they share one copy of the weights
    threads : threads inside one call
    precision : bfloat16 is several times faster where the processor has it, and moves a face's
        feature by less than 1e-3 in cosine; weights, inputs and outputs stay float32. ``int8``
        is ``auto`` here: see :func:`open_int8_session`
    engine : ``onednn``: the library itself, measured 1.0 to 12 times as fast as Paddle's executor,
        which calls it as well, and other threads go on meanwhile; ``paddle``: that executor, for
        every network; ``auto``: oneDNN where it can

    Raises
    ------
    BackendError
        A file is missing or damaged, or the engine cannot load it.
    """
    if engine != "paddle":
        check_pool(workers, threads)
        specs = _specs(program, params)
        try:
            library()
            graph = read_graph(program, params)
        except (EngineMissingError, UnsupportedProgramError) as exc:
            if engine == "onednn":
                raise
            logger.info("%s runs on Paddle: %s", program.name, exc)
        else:
            return _open_onednn(graph, specs, (workers, threads), program.name, precision)
    return open_paddle_session(
        program, params, workers=workers, threads=threads, precision=precision
    )


def open_int8_session(
    program: Path, params: Path, ranges: Sequence[float], *, workers: int, threads: int
) -> OneDnnSession:
    """Load a network for the CPU that multiplies integers of 8 bits.

    Measured, the shipped backbone takes 0.87 of bfloat16's time with AVX-512 and 0.29 of
    float32's; see the README for what that costs in accuracy.

    Parameters
    ----------
    program, params, workers, threads : as of :func:`open_session`
    ranges : the largest magnitude of what each step gives that is told apart, in order

    Raises
    ------
    BackendError
        A file is missing or damaged, oneDNN cannot run the program, or the processor does not
        multiply such integers.
    ArtifactError
        The ranges are not those of this network.
    """
    if not has_int8():
        raise BackendError(
            "runtime.no_int8",
            "this processor does not multiply integers of 8 bits as int8 needs it (AVX-VNNI, "
            "AVX-512-VNNI or AMX); auto does without",
        )
    check_pool(workers, threads)
    specs = _specs(program, params)
    library()
    graph = read_graph(program, params)
    return _open_onednn(
        graph, specs, (workers, threads), program.name, "int8", quantize(graph, ranges)
    )


def _specs(program: Path, params: Path) -> Mapping[str, InputSpec]:
    specs = read_input_specs(program)
    if not params.is_file():
        raise BackendError(
            "runtime.no_params", "the weights file {file} does not exist", file=str(params)
        )
    return specs


def _open_onednn(
    graph: Graph,
    specs: Mapping[str, InputSpec],
    pool: tuple[int, int],
    name: str,
    precision: Precision,
    quantization: Quantization = NOTHING,
) -> OneDnnSession:
    keep_freed_memory()
    workers, threads = pool
    chosen = choose_precision(precision)
    session = OneDnnSession(
        graph,
        specs,
        workers=workers,
        threads=threads,
        bfloat16=chosen == "bfloat16",
        quantization=quantization,
    )
    told = chosen if quantization is NOTHING else f"int8 and {chosen}"
    logger.info("loaded %s on oneDNN: %d workers of %d threads, %s", name, workers, threads, told)
    return session
