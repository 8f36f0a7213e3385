"""What fitting needs and applying does not: SciPy and scikit-learn, the extra ``calibrate``."""

from __future__ import annotations

import importlib
from typing import Any

from ood_face.errors import ConfigError

__all__ = ["fitting_module"]


def fitting_module(name: str) -> Any:  # noqa: ANN401 - a module without types
    """Import a module that only fitting needs.

    Parameters
    ----------
    name : dotted, such as ``scipy.optimize``

    Raises
    ------
    ConfigError
        It is not installed.
    """
    try:
        return importlib.import_module(name)
    except ImportError as exc:
        raise ConfigError(
            "scaling.no_extra",
            "fitting a calibration needs {module}: pip install 'ood-face[calibrate]' adds it",
            module=name,
        ) from exc
