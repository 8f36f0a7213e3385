"""Endpoints of the review queue: list, look at, label, erase, export."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import urlencode

import numpy as np
from fastapi import APIRouter, Path, Query, Request, Response

from ood_face.api.addresses import LimitParameter
from ood_face.api.answers import language_of, reasons_of
from ood_face.api.bodies import LINK_HEADERS, fields_body
from ood_face.api.callers import AdminCaller, EnrollCaller, ReadCaller
from ood_face.api.errors import RequestFormError
from ood_face.api.forms import ReadBody
from ood_face.api.openapi import problems
from ood_face.api.review_schemas import ReviewItemOut, ReviewPageOut
from ood_face.imaging import encode_png
from ood_face.messages import translate
from ood_face.types import ReviewKind, ReviewLabel, ReviewOrder, ReviewQuery, ReviewState

if TYPE_CHECKING:
    from ood_face.messages import Language
    from ood_face.service import ReviewService
    from ood_face.types import ReviewItem

__all__ = ["make_review_router"]

REVIEW = "/v1/review"
ITEM = f"{REVIEW}/{{item:part}}"

_PNG = {"image/png": {"schema": {"type": "string", "format": "binary"}}}
_NPZ_TYPE = "application/octet-stream"
_NPZ = {_NPZ_TYPE: {"schema": {"type": "string", "format": "binary"}}}
_LABEL = {
    "type": "string",
    "enum": [label.value for label in ReviewLabel],
    "description": "same or different person; unusable: nobody can tell.",
    "examples": ["same"],
}

ItemParameter = Annotated[
    int, Path(ge=0, le=2**63 - 1, description="Id of the item.", examples=[1762071330123456])
]


def make_review_router(review: ReviewService) -> APIRouter:
    """Return the endpoints of the review queue."""
    router = APIRouter(tags=["review"], responses=problems(401, 403, 422, 429, 500, 503))
    _add_reads(router, review)
    _add_faces_and_export(router, review)
    _add_changes(router, review)
    return router


def _add_reads(router: APIRouter, review: ReviewService) -> None:
    @router.get(REVIEW, responses={200: {"headers": LINK_HEADERS}})
    def list_items(
        _caller: ReadCaller,
        request: Request,
        response: Response,
        state: Annotated[
            ReviewState, Query(description="open: nobody has labelled it; labelled; all.")
        ] = ReviewState.OPEN,
        order: Annotated[
            ReviewOrder, Query(description="newest or most uncertain first.")
        ] = ReviewOrder.NEWEST,
        limit: LimitParameter = 100,
        after: Annotated[
            str | None, Query(description="`next` of the page before, in the same order.")
        ] = None,
    ) -> ReviewPageOut:
        """List doubtful verdicts, a page at a time."""
        page = review.page(ReviewQuery(state, order, after, limit))
        if page.following is not None:
            asked = {"state": state, "order": order, "limit": limit, "after": page.following}
            response.headers["Link"] = f'<{REVIEW}?{urlencode(asked)}>; rel="next"'
        language = language_of(request)
        return ReviewPageOut(
            items=[_out(item, language) for item in page.items], next=page.following
        )

    @router.get(ITEM, responses=problems(404))
    def get_item(_caller: ReadCaller, request: Request, item: ItemParameter) -> ReviewItemOut:
        """Return one item."""
        return _out(review.item(item), language_of(request))


def _add_faces_and_export(router: APIRouter, review: ReviewService) -> None:
    @router.get(
        f"{ITEM}/crops/{{index}}",
        response_class=Response,
        responses=problems(404) | {200: {"content": _PNG, "description": "112x112 pixels."}},
    )
    def get_review_crop(
        _caller: AdminCaller,
        item: ItemParameter,
        index: Annotated[
            int, Path(ge=0, le=1, description="0: the picture sent; 1: the second.", examples=[0])
        ],
    ) -> Response:
        """Return an aligned face as PNG, where the operator keeps them."""
        return Response(encode_png(review.crop(item, index)), media_type="image/png")

    @router.get(
        f"{REVIEW}:export",
        response_class=Response,
        responses={200: {"content": _NPZ, "description": "An .npz file."}},
    )
    def export(
        caller: AdminCaller,
        model_id: Annotated[
            str | None, Query(description="Only items of this model; needed if there are several.")
        ] = None,
    ) -> Response:
        """Return what is labelled same or different as a calibration set.

        It is what `ood-face calibrate --calib-data` reads: `scores`, `labels`, `groups`, with
        `ood_score_a`, `ood_score_b` and `model_id` besides.
        """
        stream = io.BytesIO()
        arrays: dict[str, Any] = dict(review.export(model_id, caller))
        np.savez(stream, **arrays)
        headers = {"Content-Disposition": 'attachment; filename="review.npz"'}
        return Response(stream.getvalue(), media_type=_NPZ_TYPE, headers=headers)


def _add_changes(router: APIRouter, review: ReviewService) -> None:
    @router.post(
        f"{ITEM}:label",
        openapi_extra=fields_body({"label": _LABEL}, {}),
        responses=problems(404, 408, 413, 415, 507),
    )
    def label_item(
        caller: EnrollCaller, request: Request, item: ItemParameter, sent: ReadBody
    ) -> ReviewItemOut:
        """Say what an item shows, in place of what was said before."""
        told = sent.values(("label",), ()).text("label")
        if told not in set(ReviewLabel):
            raise RequestFormError(
                "review.label",
                "the label must be one of {known}, not {got}",
                known=", ".join(ReviewLabel),
                got=ascii(told)[:64],
            )
        return _out(review.label(item, ReviewLabel(told), caller), language_of(request))

    @router.delete(ITEM, status_code=204, responses=problems(404, 507))
    def delete_item(caller: EnrollCaller, item: ItemParameter) -> None:
        """Erase an item, with its faces."""
        review.delete(item, caller)


def _out(item: ReviewItem, language: Language) -> ReviewItemOut:
    case, mark = item.case, item.mark
    names = "identity" if case.kind is ReviewKind.IDENTIFY else "verdict"
    return ReviewItemOut(
        id=item.item_id,
        at=item.at,
        kind=case.kind,
        verdict=case.verdict,
        verdict_name=translate(f"{names}.{case.verdict}", {}, language),
        reasons=reasons_of(case.reasons, language),
        scenario=case.scenario,
        model_id=case.model_id,
        similarity=case.similarity,
        ood_score_a=case.score_a,
        ood_score_b=case.score_b,
        probability=case.probability,
        ambiguity=case.ambiguity,
        gallery=case.gallery,
        subject_id=case.subject_id,
        template_id=case.template_id,
        crops=item.crop_count,
        label=None if mark is None else mark.label,
        labelled_by=None if mark is None else mark.by,
        labelled_at=None if mark is None else mark.at,
    )
