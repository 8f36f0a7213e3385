"""Where the libraries under the page may write: in the data folder, and nowhere else."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["keep_in"]

# by the variables that the libraries read when they are imported. Gradio's own choice is
# /tmp/gradio, which may belong to another user, and then it cannot be imported; matplotlib's is
# the home folder
_FOLDERS = {"GRADIO_TEMP_DIR": "gradio", "MPLCONFIGDIR": "matplotlib"}


def keep_in(data_dir: Path) -> None:
    """Give Gradio and matplotlib folders of their own, unless the environment names others.

    Call it before they are imported. Where nothing can be written it does nothing: the server
    says so when it opens its files.

    Parameters
    ----------
    data_dir : the data folder; made where it is not there, for its owner alone
    """
    wanted = {name: folder for name, folder in _FOLDERS.items() if not os.environ.get(name)}
    cache = data_dir.absolute() / "cache"
    try:
        data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        cache.mkdir(exist_ok=True, mode=0o700)
        for folder in wanted.values():
            (cache / folder).mkdir(exist_ok=True, mode=0o700)
    except OSError:
        return
    for name, folder in wanted.items():
        os.environ[name] = str(cache / folder)
