"""The endpoint that enrols many subjects at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import StreamingResponse

from ood_face.api.addresses import SUBJECTS, GalleryParameter
from ood_face.api.answers import language_of
from ood_face.api.batch import MAX_ITEMS, BatchRun, read_batch
from ood_face.api.bodies import FORCE, METADATA, NAME, SCENARIO, SUBJECT_ID
from ood_face.api.callers import EnrollCaller, may_enroll
from ood_face.api.forms import Body, read_body
from ood_face.api.openapi import problems
from ood_face.api.search_schemas import BatchEnd, BatchLine, BatchSummary
from ood_face.errors import BusyError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from ood_face.api.bodies import Schema
    from ood_face.config import Settings
    from ood_face.service import FaceService, GalleryService

__all__ = ["NDJSON", "BatchPlaces", "add_batches"]

NDJSON = "application/x-ndjson"
# each holds its whole body in memory; others may come when one is done
MAX_BATCHES = 2
# one manifest, and so many pictures: 10 of each subject of the largest batch
_MAX_PARTS = 10 * MAX_ITEMS + 1
# enough for 256 MiB over 5 Mbit/s
_TIMEOUT_S = 450.0

ReadBatch = Annotated[
    Body,
    Depends(
        read_body(
            "application/json",
            "multipart/form-data",
            max_parts=_MAX_PARTS,
            timeout_s=_TIMEOUT_S,
        )
    ),
]


class BatchPlaces:
    """Lets a bounded number of batches in, from before their bodies are read to their last line.

    Parameters
    ----------
    limit : so many at once
    """

    def __init__(self, limit: int = MAX_BATCHES) -> None:
        self._limit = limit
        self._taken = 0

    # on the event loop, one after the other: no lock is needed
    async def hold(self) -> AsyncIterator[None]:
        """Hold a place while a request is answered.

        Raises
        ------
        BusyError
            All are taken.
        """
        if self._taken >= self._limit:
            raise BusyError(
                "batch.busy",
                "{limit} batches are being enrolled already; try again later",
                limit=self._limit,
            )
        self._taken += 1
        try:
            yield
        finally:
            self._taken -= 1


def add_batches(
    router: APIRouter, service: FaceService, galleries: GalleryService, settings: Settings
) -> None:
    """Add the endpoint of batches."""

    @router.post(
        f"{SUBJECTS}:batch",
        response_class=StreamingResponse,
        # who may not enrol takes no place
        dependencies=[Depends(may_enroll), Depends(BatchPlaces().hold)],
        openapi_extra=_body(),
        responses=problems(404, 408, 413, 415, 507) | {200: _lines()},
    )
    def enroll_batch(
        caller: EnrollCaller,
        request: Request,
        gallery: GalleryParameter,
        sent: ReadBatch,
    ) -> StreamingResponse:
        """Enrol up to 1000 people, and answer a line of JSON for each as soon as it is done.

        Each subject is new, or enrolled already: then its pictures are added, and of name and
        metadata, what is sent is replaced. A subject is enrolled as a whole or refused; one
        that is refused stops no other. Sent again after an interruption, what is enrolled is
        recognised by the hashes of its pictures, so no Idempotency-Key is needed. The last line
        is the summary; an answer without it was cut off. A form has a part `manifest`, in which
        `images` holds the names of the file parts.
        """
        batch = read_batch(sent)
        galleries.open(gallery)
        if batch.scenario is not None:
            service.scenario(batch.scenario)
        run = BatchRun(galleries, gallery, caller, settings, language_of(request))
        return StreamingResponse(run.lines(batch), media_type=NDJSON)


def _body() -> Schema:
    subject = {
        "type": "object",
        "required": ["subject_id"],
        "properties": {
            "subject_id": SUBJECT_ID,
            "name": NAME,
            "metadata": METADATA,
            "images": {
                "type": "array",
                "maxItems": 20,
                "items": {"type": "string"},
                "description": "Base64 of picture files; in a form, names of its file parts.",
            },
        },
        "additionalProperties": False,
    }
    batch = {
        "type": "object",
        "required": ["subjects"],
        "properties": {
            "subjects": {"type": "array", "maxItems": MAX_ITEMS, "items": subject},
            "force": FORCE,
            "scenario": SCENARIO,
        },
        "additionalProperties": False,
    }
    form = {
        "type": "object",
        "required": ["manifest"],
        "properties": {"manifest": batch},
        "additionalProperties": {"type": "string", "format": "binary"},
    }
    content = {"application/json": {"schema": batch}, "multipart/form-data": {"schema": form}}
    return {"requestBody": {"required": True, "content": content}}


def _lines() -> Schema:
    line = BatchLine.model_json_schema(ref_template="#/components/schemas/{model}")
    end = BatchEnd.model_json_schema()
    # no endpoint answers a summary as such, so it is no component
    end["properties"]["summary"] = BatchSummary.model_json_schema()
    for schema in (line, end):
        schema.pop("$defs")
    return {
        "description": "A line for each subject, then the summary.",
        "content": {NDJSON: {"schema": {"anyOf": [line, end]}}},
    }
