"""Protocols: what the service needs, said without naming who does it."""

from __future__ import annotations

from ood_face.ports.galleries import Gallery, GalleryStore, SelfChecking
from ood_face.ports.networks import Detector, Embedder, Session, SharedSession
from ood_face.ports.observing import Observer, WorkObserver
from ood_face.ports.requests import Admission, AuditLog
from ood_face.ports.review import ReviewQueue

__all__ = [
    "Admission",
    "AuditLog",
    "Detector",
    "Embedder",
    "Gallery",
    "GalleryStore",
    "Observer",
    "ReviewQueue",
    "SelfChecking",
    "Session",
    "SharedSession",
    "WorkObserver",
]
