"""The REST API."""

from ood_face.api.app import create_app

__all__ = ["create_app"]
