"""Requests made before the load begins, so that who sends them has nothing else to do."""

from __future__ import annotations

import base64
import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from tests.benchmark.load_pictures import PEOPLE, SHAPES, load_picture

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from tests.benchmark.load_pictures import Shape

__all__ = ["GALLERY", "WEIGHTS", "LoadRequest", "make_requests", "multipart", "read", "write"]

GALLERY = "load"
_BOUNDARY = "ood-face-load"
_FORM = {"Content-Type": f"multipart/form-data; boundary={_BOUNDARY}"}

# How often each comes, of 100: extraction feeds the callers who keep templates themselves,
# identification a gate; probes and the page come by themselves.
WEIGHTS = {
    "POST /v1/extract": 32.0,
    "POST /v1/extract (JSON)": 3.0,
    "POST /v1/compare": 15.0,
    "POST :identify": 20.0,
    "POST :verify": 10.0,
    "POST templates": 3.0,
    "GET gallery": 2.0,
    "GET subjects": 3.0,
    "GET subject": 2.0,
    "GET /": 3.0,
    "GET /healthz": 4.0,
    "GET /readyz": 3.0,
}


@dataclass(frozen=True, slots=True)
class LoadRequest:
    """One request, ready to be sent.

    Attributes
    ----------
    name : under which its times are counted
    weight : how often it is sent, relative to the others
    """

    name: str
    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    weight: float


def multipart(parts: Sequence[tuple[str, str | None, bytes]]) -> bytes:
    """Return a form's body of (field, file name or None, content)."""
    written = []
    for field, filename, content in parts:
        named = "" if filename is None else f'; filename="{filename}"'
        head = f'--{_BOUNDARY}\r\nContent-Disposition: form-data; name="{field}"{named}\r\n\r\n'
        written.append(head.encode() + content + b"\r\n")
    return b"".join(written) + f"--{_BOUNDARY}--\r\n".encode()


def make_requests(shapes: Sequence[Shape] = SHAPES) -> list[LoadRequest]:
    """Return all kinds of requests, with a picture of each shape where a kind takes one.

    The gallery ``GALLERY`` must be there, with a subject of each name in ``PEOPLE``.
    """
    made = list(_without_pictures())
    total = sum(shape.weight for shape in shapes)
    people = list(PEOPLE)
    for place, shape in enumerate(shapes):
        person, other = people[place % len(people)], people[(place + 1) % len(people)]
        picture, second = load_picture(person, shape), load_picture(other, shape)
        for name, path, body in _of_picture(person, picture, second):
            weight = WEIGHTS[name] * shape.weight / total
            made.append(LoadRequest(name, "POST", path, _FORM, body, weight))
        document = json.dumps({"image": base64.b64encode(picture).decode()}).encode()
        in_json, weight = "POST /v1/extract (JSON)", shape.weight / total
        made.append(
            LoadRequest(
                in_json,
                "POST",
                "/v1/extract",
                {"Content-Type": "application/json"},
                document,
                WEIGHTS[in_json] * weight,
            )
        )
    return made


def _of_picture(person: str, picture: bytes, second: bytes) -> Iterator[tuple[str, str, bytes]]:
    one = multipart([("image", "a", picture)])
    two = multipart([("image_a", "a", picture), ("image_b", "b", second)])
    gallery = f"/v1/galleries/{GALLERY}"
    yield "POST /v1/extract", "/v1/extract", one
    yield "POST /v1/compare", "/v1/compare", two
    yield "POST :identify", f"{gallery}:identify", one
    yield "POST :verify", f"{gallery}/subjects/{person}:verify", one
    # a subject's best templates stay: what is added later drives others out, or is not taken
    forced = multipart([("image", "a", picture), ("force", None, b"true")])
    yield "POST templates", f"{gallery}/subjects/{person}/templates", forced


def _without_pictures() -> Iterator[LoadRequest]:
    gallery = f"/v1/galleries/{GALLERY}"
    paths = {
        "GET gallery": gallery,
        "GET subjects": f"{gallery}/subjects",
        "GET subject": f"{gallery}/subjects/obama",
        "GET /": "/",
        "GET /healthz": "/healthz",
        "GET /readyz": "/readyz",
    }
    for name, path in paths.items():
        yield LoadRequest(name, "GET", path, {}, b"", WEIGHTS[name])


def write(requests: Sequence[LoadRequest], folder: Path) -> None:
    """Write requests where another process reads them."""
    index = []
    with (folder / "bodies").open("wb") as bodies:
        for request in requests:
            fields = asdict(request) | {"body": len(request.body)}
            index.append(fields)
            bodies.write(request.body)
    (folder / "index.json").write_text(json.dumps(index), encoding="utf-8")


def read(folder: Path) -> list[LoadRequest]:
    """Return what :func:`write` wrote."""
    found = []
    with (folder / "bodies").open("rb") as bodies:
        for fields in json.loads((folder / "index.json").read_text(encoding="utf-8")):
            body = bodies.read(fields.pop("body"))
            found.append(LoadRequest(**fields, body=body))
    return found
