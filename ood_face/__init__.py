"""Face recognition that says, for every face, how far it can be trusted."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ood_face.bootstrap import open_service

__all__ = ["__version__", "open_service"]

__version__ = "0.1.0"


def __getattr__(name: str) -> object:
    # on first use only: the engine takes a second to import
    if name == "open_service":
        from ood_face.bootstrap import open_service  # noqa: PLC0415

        return open_service
    raise AttributeError(name)
