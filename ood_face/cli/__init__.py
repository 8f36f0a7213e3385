"""The ``ood-face`` command."""

from ood_face.cli.app import main

__all__ = ["main"]
