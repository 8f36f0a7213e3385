"""Addresses of galleries, subjects and templates.

A colon introduces an action (``/v1/galleries/staff:identify``) and is in no name, so a part of an
address ends at it: what is wrong with an action's method is answered 405, not "no such gallery".
"""

from __future__ import annotations

from typing import Annotated
from urllib.parse import quote, urlencode

from fastapi import Path, Query
from starlette.convertors import StringConvertor, register_url_convertor

__all__ = [
    "GALLERIES",
    "GALLERY",
    "SUBJECT",
    "SUBJECTS",
    "TEMPLATE",
    "TEMPLATES",
    "AfterParameter",
    "GalleryParameter",
    "LimitParameter",
    "SubjectParameter",
    "TemplateParameter",
    "address",
    "next_link",
]


class _PartConvertor(StringConvertor):
    regex = "[^/:]+"


register_url_convertor("part", _PartConvertor())

GALLERIES = "/v1/galleries"
GALLERY = f"{GALLERIES}/{{gallery:part}}"
SUBJECTS = f"{GALLERY}/subjects"
SUBJECT = f"{SUBJECTS}/{{subject:part}}"
TEMPLATES = f"{SUBJECT}/templates"
TEMPLATE = f"{TEMPLATES}/{{template:part}}"

_MAX_ID = 2**63 - 1

GalleryParameter = Annotated[str, Path(description="Name of the gallery.", examples=["staff"])]
SubjectParameter = Annotated[str, Path(description="Id of the subject.", examples=["e-1024"])]
TemplateParameter = Annotated[
    int, Path(ge=0, le=_MAX_ID, description="Number of the template.", examples=[1760000000000017])
]
# the service checks the limit, in the caller's language
LimitParameter = Annotated[
    int,
    Query(
        description="At most so many entries, 1 to 1000.",
        json_schema_extra={"minimum": 1, "maximum": 1000},
    ),
]
AfterParameter = Annotated[
    str | None,
    Query(description="`next` of the page before; left out: from the beginning."),
]


def address(gallery: str, subject_id: str | None = None, template_id: int | None = None) -> str:
    """Return the address of a gallery, of a subject in it, or of one of its templates."""
    found = f"{GALLERIES}/{quote(gallery, safe='')}"
    if subject_id is not None:
        found += f"/subjects/{quote(subject_id, safe='@+=')}"
    if template_id is not None:
        found += f"/templates/{template_id}"
    return found


def next_link(path: str, limit: int, after: str) -> str:
    """Return the Link header (RFC 8288) that leads to the next page."""
    return f'<{path}?{urlencode({"limit": limit, "after": after})}>; rel="next"'
