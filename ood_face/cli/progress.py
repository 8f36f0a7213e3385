"""Progress of a long command on standard error: a bar, or one line a step in a log file."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import TracebackType

__all__ = ["ConsoleProgress", "bar"]


@contextmanager
def bar(total: int) -> Iterator[Callable[[int], None]]:
    """Show a bar on standard error, if that is a terminal; lends what is told how many are done.

    Parameters
    ----------
    total : how many there are in all
    """
    console = Console(stderr=True)
    with Progress(
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
        # lines for the same terminal go above the bar; lines for a file must not end up there
        redirect_stdout=sys.stdout.isatty(),
    ) as progress:
        task = progress.add_task("", total=total)
        yield lambda done: progress.update(task, completed=done)


class ConsoleProgress:
    """See :class:`ood_face.evaluation.instruments.Progress`; a context that shows and clears it."""

    def __init__(self, console: Console | None = None) -> None:
        self._console = Console(stderr=True) if console is None else console
        self._bars = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            console=self._console,
            disable=not self._console.is_terminal,
        )
        self._task = self._bars.add_task("", visible=False)

    def __enter__(self) -> ConsoleProgress:
        self._bars.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._bars.stop()

    def begin(self, what: str, total: int | None = None) -> None:
        """Start a step of so many pictures; None: not known."""
        self._bars.remove_task(self._task)
        self._task = self._bars.add_task(what, total=total)
        if not self._console.is_terminal:
            self._console.print(what if total is None else f"{what}: {total} pictures")

    def advance(self, count: int) -> None:
        """Count pictures as done."""
        self._bars.advance(self._task, count)
