"""Paddle's inference engine without the rest of Paddle.

``import paddle`` loads all that training needs as well: several seconds and a hundred megabytes.
Inference lives in one compiled module, ``paddle.base.libpaddle``, which is loaded here by itself
and made ready as ``paddle.base`` would. A later ``import paddle`` in the same process, for which
conversions and tests have reasons, finds the module there and works.
"""

from __future__ import annotations

import atexit
import importlib.machinery
import importlib.util
import logging
import os
import sys
import warnings
from pathlib import Path
from typing import Any

from ood_face.errors import BackendError

__all__ = ["engine"]

_NAME = "paddle.base.libpaddle"
# what a release must have for the short way; one that lacks something is imported whole
_NEEDED = (
    "AnalysisConfig",
    "create_predictor",
    "disable_signal_handler",
    "globals",
    "init_default_kernel_signatures",
    "init_devices",
    "init_gflags",
    "init_glog",
    "init_memory_method",
    "init_tensor_operants",
)
# what Paddle cleans up at the end of the process, in this order
_AT_EXIT = ("clear_kernel_factory", "clear_device_manager", "clear_executor_cache")

_logger = logging.getLogger(__name__)


def engine() -> Any:  # noqa: ANN401 - a compiled module without type information
    """Return the module with ``AnalysisConfig`` and ``create_predictor``, ready for use.

    Raises
    ------
    BackendError
        Paddle is not installed, or cannot be loaded on this machine.
    """
    if "paddle.base.core" in sys.modules:
        found: Any = sys.modules["paddle.base.core"]
    else:
        found = sys.modules.get(_NAME) or _load() or _import_whole()
    # Paddle's handler turns SIGTERM into a crash report; stopping is the server's business
    found.disable_signal_handler()
    return found


def _load() -> Any:  # noqa: ANN401 - None: this release has to be imported whole
    package = importlib.util.find_spec("paddle")
    folders = [] if package is None else list(package.submodule_search_locations or ())
    files = [
        Path(folder, "base", f"libpaddle{ending}")
        for folder in folders
        for ending in importlib.machinery.EXTENSION_SUFFIXES
    ]
    file = next((file for file in files if file.is_file()), None)
    if file is None:
        return None
    spec = importlib.util.spec_from_file_location(_NAME, file)
    if spec is None or spec.loader is None:
        return None
    # its log, which is read as it is loaded, tells on standard error what the processor can do
    os.environ.setdefault("GLOG_minloglevel", "1")
    try:
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    except ImportError as exc:
        raise _not_loaded(exc) from exc
    lacking = [name for name in _NEEDED if not hasattr(module, name)]
    sys.modules[_NAME] = module
    if lacking:
        _logger.info("this Paddle is imported whole: it has no %s", ", ".join(lacking))
        return None
    _make_ready(module)
    return module


def _make_ready(module: Any) -> None:  # noqa: ANN401
    # Paddle does so before its OpenMP starts: each predictor brings its own number of threads
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    prefix = "FLAGS_"
    flags = [name.removeprefix(prefix) for name in module.globals().keys() if prefix in name]  # noqa: SIM118 - no dict
    module.init_gflags(["--tryfromenv=" + ",".join(flags)])
    module.init_glog(sys.argv[0] if sys.argv else "")
    module.init_memory_method()
    module.init_devices()
    module.init_tensor_operants()
    module.init_default_kernel_signatures()
    for name in reversed(_AT_EXIT):
        if hasattr(module, name):
            atexit.register(getattr(module, name))


def _import_whole() -> Any:  # noqa: ANN401
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="No ccache found")
        try:
            from paddle.base import core  # noqa: PLC0415 - seconds
        except ImportError as exc:
            raise _not_loaded(exc) from exc
    # importing Paddle configures the root logger, which belongs to the program
    root.handlers[:] = handlers
    root.setLevel(level)
    return core


def _not_loaded(exc: ImportError) -> BackendError:
    return BackendError("runtime.no_paddle", "Paddle cannot be loaded: {reason}", reason=str(exc))
