"""Pictures of a few people as files, and short ways to ask about them."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING

from tests.fakes import picture, png

if TYPE_CHECKING:
    from fastapi.testclient import TestClient
    from httpx2 import Response

# all of the same brightness, hence of the same score, 0.67; features follow the colour
ANN = (250, 130, 130)
BEN = (130, 250, 130)
CAT = (130, 130, 250)

GALLERIES = "/v1/galleries"
GALLERY = f"{GALLERIES}/staff"
SUBJECTS = f"{GALLERY}/subjects"


def shot(colour: tuple[int, int, int], width_px: int = 48) -> bytes:
    """Return a picture of one person; another width is another picture of the same face."""
    return png(picture(width_px, colour=colour))


def dim_shot(colour: tuple[int, int, int]) -> bytes:
    """Return a picture too dark to be enrolled: its score is 0.4."""
    red, green, blue = (int(0.6 * value) for value in colour)
    return shot((red, green, blue))


def in_base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def enroll(
    client: TestClient,
    subject_id: str,
    *shots: bytes,
    headers: dict[str, str] | None = None,
    **fields: object,
) -> Response:
    """Send a new subject as JSON."""
    body = {"subject_id": subject_id, "image": [in_base64(data) for data in shots], **fields}
    return client.post(SUBJECTS, json=body, headers=headers)


def send_batch(client: TestClient, *subjects: object, **options: object) -> list[dict]:
    """Send a batch as JSON; return its lines."""
    answer = client.post(f"{SUBJECTS}:batch", json={"subjects": subjects, **options})
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/x-ndjson"
    return [json.loads(line) for line in answer.text.splitlines()]


def known(subject_id: str, *shots: bytes, **fields: object) -> dict[str, object]:
    """Return one subject of a batch."""
    return {"subject_id": subject_id, "images": [in_base64(data) for data in shots], **fields}


def statuses(lines: list[dict]) -> list[tuple[str, str]]:
    """Return id and status of each line but the last."""
    return [(line.get("subject_id"), line["status"]) for line in lines[:-1]]
