"""Requests about a gallery of the real server, in which all have the same face."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx

from tests.faults.live_server import PATIENCE_S, PICTURES

if TYPE_CHECKING:
    from tests.faults.live_server import LiveServer

__all__ = ["PICTURE", "best", "enrol", "make_gallery", "subject"]

PICTURE = (PICTURES / "obama_1.jpg").read_bytes()


def make_gallery(server: LiveServer) -> None:
    """Make the gallery ``staff``."""
    answer = httpx.post(f"{server.address}/v1/galleries", json={"name": "staff"}, timeout=60)
    assert answer.status_code == 201, answer.text


def enrol(server: LiveServer, subject_id: str) -> httpx.Response:
    """Enrol somebody; all have the same face."""
    return httpx.post(
        f"{server.address}/v1/galleries/staff/subjects",
        data={"subject_id": subject_id, "force": "true"},
        files={"image": ("a.jpg", PICTURE)},
        timeout=PATIENCE_S,
    )


def subject(server: LiveServer, subject_id: str) -> httpx.Response:
    """Ask for somebody."""
    return httpx.get(f"{server.address}/v1/galleries/staff/subjects/{subject_id}", timeout=60)


def best(server: LiveServer) -> float:
    """Return the similarity of the face to the most similar person."""
    answer = httpx.post(
        f"{server.address}/v1/galleries/staff:identify",
        files={"image": ("a.jpg", PICTURE)},
        timeout=60,
    )
    assert answer.status_code == 200, answer.text
    return float(answer.json()["candidates"][0]["similarity"])
