"""What both engines share: the bounds of a pool, and the sentence in an engine's error."""

from __future__ import annotations

from ood_face.errors import BackendError

__all__ = ["check_pool", "first_line"]


def check_pool(workers: int, threads: int) -> None:
    """Refuse a pool that could not run anything.

    Raises
    ------
    BackendError
        There are less than one worker or one thread.
    """
    if workers < 1 or threads < 1:
        raise BackendError(
            "runtime.pool_size",
            "a network needs at least 1 worker and 1 thread, got {workers} and {threads}",
            workers=workers,
            threads=threads,
        )


def first_line(error: BaseException) -> str:
    """Return the first line of an error that says something; the error's class where none does.

    Paddle's messages carry C++ frames, ONNX Runtime's a trace: the sentence comes first.
    """
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0] if lines else type(error).__name__
