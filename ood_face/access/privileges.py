"""With which rights the server runs, and who else may read what it writes."""

from __future__ import annotations

import logging
import os
import stat
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["keep_to_oneself", "warn_of_rights"]

# what is made from now on is for its owner alone, whoever makes it and however
_UMASK = 0o077

_logger = logging.getLogger(__name__)


def keep_to_oneself() -> None:
    """Let the files and folders that this process makes be for their owner alone."""
    os.umask(_UMASK)


def warn_of_rights(data_dir: Path, user_id: int | None = None) -> None:
    """Say in the log what gives others more than they should have.

    Parameters
    ----------
    data_dir : the data folder; it need not be there
    user_id : under which the process runs; None: the one it does
    """
    if (os.geteuid() if user_id is None else user_id) == 0:
        _logger.warning(
            "the server runs as root, which it never needs: whoever finds a hole in it has the "
            "whole machine; run it as a user of its own, as deploy/ does"
        )
    try:
        mode = data_dir.stat().st_mode
    except OSError:
        # what is not there will be made for its owner alone; what cannot be read is told by
        # whoever opens it
        return
    if mode & (stat.S_IWGRP | stat.S_IWOTH):
        _logger.warning(
            "other users may write into the data folder %s: chmod 700 takes that away", data_dir
        )
