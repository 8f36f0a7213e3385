"""Event listener: superlance's ``memmon`` with the limit of the settings.

``python -m ood_face.supervision.memory PROGRAM``, subscribed to ``TICK_60``.
"""

from __future__ import annotations

import logging
import os
import re
import sys
from contextlib import suppress
from pathlib import Path

from superlance.memmon import Memmon, maxint

from ood_face.supervision.settings import LogLines, begin_log, supervisor_rpc

__all__ = ["machine_memory_bytes", "main", "memory_watch"]

# not __name__: this module is run as a program
_logger = logging.getLogger("ood_face.supervision.memory")
_CGROUP_LIMIT = Path("/sys/fs/cgroup/memory.max")
_SHARE = 0.75
_MIB = 2**20
# memmon says how much is allowed after an equals sign, and how much is held after the word "is"
_BYTES = re.compile(r"(?m)(?:(?<==)|(?<= is ))\d+$")


class _MibLines(LogLines):
    """Bytes, as memmon writes them, become MiB."""

    def write(self, text: str) -> None:
        """Log every line that is not empty."""
        super().write(_BYTES.sub(lambda found: f"{int(found[0]) / _MIB:.0f} MiB", text))


def machine_memory_bytes(cgroup_limit: Path = _CGROUP_LIMIT) -> int:
    """Return the memory of the machine, or of the container if that may use less.

    Parameters
    ----------
    cgroup_limit : file with the container's limit, bytes or ``max``
    """
    machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    with suppress(OSError, ValueError):  # no container, or one without a limit
        return min(machine, int(cgroup_limit.read_text(encoding="ascii")))
    return machine


def memory_watch(program: str, limit_bytes: int) -> Memmon:
    """Return a ``memmon`` for one program.

    Parameters
    ----------
    program : name of the server's program
    limit_bytes : most resident memory
    """
    watch = Memmon(
        cumulative=False,
        programs={program: limit_bytes},
        groups={},
        any=None,
        sendmail=None,
        email=None,
        email_uptime_limit=maxint,
        name=None,
        rpc=supervisor_rpc(),
    )
    # the kernel says it in any container; ps, which memmon would ask, is not in every one
    watch.pscommand = "sed -n 's/^VmRSS:[^0-9]*\\([0-9]*\\) kB$/\\1/p' /proc/%s/status 2>/dev/null"
    watch.stderr = _MibLines(_logger, logging.INFO)
    return watch


def main(arguments: list[str]) -> int:
    """Run under supervisord; return the exit code."""
    settings = begin_log()
    if len(arguments) != 1:
        _logger.error("usage: python -m ood_face.supervision.memory PROGRAM")
        return 2
    limit_mib = None if settings is None else settings.memory_limit_mib
    limit_bytes = int(_SHARE * machine_memory_bytes()) if limit_mib is None else limit_mib * _MIB
    memory_watch(arguments[0], limit_bytes).runforever()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
