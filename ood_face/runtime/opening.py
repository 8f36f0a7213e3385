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
from ood_face.runtime.precision import choose_precision
from ood_face.runtime.program import read_input_specs
from ood_face.runtime.session import PaddleSession, open_paddle_session

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from ood_face.runtime.graph import Graph
    from ood_face.runtime.precision import Precision
    from ood_face.runtime.program import InputSpec

__all__ = ["Engine", "open_session"]

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
        feature by less than 1e-3 in cosine; weights, inputs and outputs stay float32
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
        specs = read_input_specs(program)
        if not params.is_file():
            raise BackendError(
                "runtime.no_params", "the weights file {file} does not exist", file=str(params)
            )
        try:
            library()
            graph = read_graph(program, params)
        except (EngineMissingError, UnsupportedProgramError) as exc:
            if engine == "onednn":
                raise
            logger.info("%s runs on Paddle: %s", program.name, exc)
        else:
            return _open_onednn(graph, specs, program.name, (workers, threads), precision)
    return open_paddle_session(
        program, params, workers=workers, threads=threads, precision=precision
    )


def _open_onednn(
    graph: Graph,
    specs: Mapping[str, InputSpec],
    name: str,
    pool: tuple[int, int],
    precision: Precision,
) -> OneDnnSession:
    keep_freed_memory()
    workers, threads = pool
    chosen = choose_precision(precision)
    session = OneDnnSession(
        graph, specs, workers=workers, threads=threads, bfloat16=chosen == "bfloat16"
    )
    logger.info("loaded %s on oneDNN: %d workers of %d threads, %s", name, workers, threads, chosen)
    return session
