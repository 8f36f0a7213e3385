"""Who may do what in the tab Trust: the roles are those of the API."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, TypeVar

import gradio as gr
import numpy as np
import pytest
from starlette.requests import Request

from ood_face.api.served import Served
from ood_face.config import Settings
from ood_face.errors import ForbiddenError
from ood_face.service import ReviewService
from ood_face.types import ReviewKind, Role
from tests.fakes import fake_service
from tests.fakes.audit import RecordingAudit
from tests.fakes.review import FakeReviewQueue, case, everything, yes
from webui.controls import Localized
from webui.served import PageServed
from webui.trust_own import OwnPart
from webui.trust_own_outcomes import OwnOutcome
from webui.trust_review import ReviewPart

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")
CROP = np.full((112, 112, 3), 90, np.uint8)


class OnlyRoles:
    """Lets everyone in who asks for one of these roles."""

    def __init__(self, *roles: Role) -> None:
        self.roles = roles

    def admit(self, _presented: str | None, role: Role, _headers: object, _address: str) -> str:
        if role not in self.roles:
            raise ForbiddenError(
                "access.role", "the key {name} lacks the role {role}, which this needs",
                name="desk", role=role,
            )  # fmt: skip
        return "desk"


@pytest.fixture
def queue() -> FakeReviewQueue:
    queue = FakeReviewQueue(keeps_crops=True)
    queue.offer(case(1, kind=ReviewKind.COMPARE, crops=(CROP, CROP)), yes)
    return queue


def request() -> gr.Request:
    return gr.Request(Request({"type": "http", "headers": []}), session_hash="one")


def served(tmp_path, queue, *roles: Role) -> PageServed:
    review = ReviewService(queue, RecordingAudit())
    settings, access = Settings(data_dir=tmp_path), OnlyRoles(*roles)
    return PageServed.of(Served(fake_service(), settings, access, review=review))


def review_part(tmp_path, queue, *roles: Role) -> ReviewPart:
    found = served(tmp_path, queue, *roles)
    return built(lambda: ReviewPart(found, found.review))


def built(make: Callable[[], T]) -> T:
    async def build() -> T:
        with gr.Blocks():
            return make()

    # where no event loop runs, Gradio makes its own and never closes them
    return asyncio.run(build())


def test_who_has_no_role_sees_no_case(tmp_path, queue):
    outcome = review_part(tmp_path, queue)._answer({"do": "show"}, None, "en", request())[0]

    assert isinstance(outcome.error, ForbiddenError)
    assert outcome.cards == ()


def test_readers_see_cases_and_no_faces(tmp_path, queue):
    outcome = review_part(tmp_path, queue, Role.READ)._answer({}, None, "en", request())[0]

    assert [card.faces for card in outcome.cards] == [()]


def test_administrators_see_the_faces(tmp_path, queue):
    part = review_part(tmp_path, queue, Role.READ, Role.ADMIN)
    (card,) = part._answer({}, None, "en", request())[0].cards

    assert [face[:4] for face in card.faces] == [b"\x89PNG", b"\x89PNG"]


@pytest.mark.parametrize("wish", ["label", "delete", "undo", "export"])
def test_readers_change_and_take_nothing(tmp_path, queue, wish):
    sent = {"do": wish, "item": "1", "label": "same"}
    part = review_part(tmp_path, queue, Role.READ)
    outcome = part._answer(sent, None, "en", request())[0]

    assert isinstance(outcome.error, ForbiddenError)
    assert everything(queue)[0].mark is None
    # the list they may see stays, and the next request is not refused for it
    assert part._answer({"do": "show"}, outcome, "en", request())[0].error is None


def test_who_may_label_is_named_in_the_label(tmp_path, queue):
    part = review_part(tmp_path, queue, Role.READ, Role.ENROLL)
    part._answer({"do": "label", "item": "1", "label": "same"}, None, "en", request())

    assert everything(queue)[0].mark.by == "desk"


@pytest.mark.parametrize("wish", [{"do": "measure"}, {"do": "save", "name": "a", "fmr": ""}])
def test_only_administrators_measure_and_save(tmp_path, queue, wish):
    found = served(tmp_path, queue, Role.READ, Role.ENROLL)
    part = built(lambda: OwnPart(found, Localized()))
    answer = part._answer(wish, OwnOutcome(bundle_id="0" * 32), "en", request())

    (outcome,) = [value for value in answer if isinstance(value, OwnOutcome)]
    assert isinstance(outcome.error, ForbiddenError)
    assert outcome.job_id == ""
