"""supervisord's protocol for event listeners: events in, an OK for each out."""

from __future__ import annotations

from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["ticks"]


def ticks(events: TextIO, answers: TextIO) -> Iterator[str]:
    """Yield the name of each event; it counts as handled when the next is asked for.

    Ends when supervisord has gone.

    Parameters
    ----------
    events : where supervisord writes; a header line ``name:value ...``, then ``len`` characters
    answers : where it reads
    """
    try:
        while True:
            answers.write("READY\n")
            answers.flush()
            line = events.readline()
            if not line:
                return
            header = dict(pair.split(":", 1) for pair in line.split())
            events.read(int(header["len"]))
            yield header["eventname"]
            answers.write("RESULT 2\nOK")
            answers.flush()
    except BrokenPipeError:
        return
