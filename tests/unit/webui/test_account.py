"""Who is at the page: what the corner says, and what a session allows."""

from __future__ import annotations

import json
from contextlib import closing
from html import unescape
from typing import TYPE_CHECKING

import gradio as gr
import pytest
from starlette.requests import Request

from ood_face.access import KeyStore
from ood_face.api.auth import Access
from ood_face.config import Settings
from ood_face.errors import ForbiddenError, UnauthenticatedError
from ood_face.messages import LANGUAGES
from ood_face.types import Role
from webui.catalogue import texts
from webui.guard import SIGNED_IN
from webui.signin_bar import Account
from webui.views.signin_bar import account_view
from webui.visitor import address_of, signed_in, visitor

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ood_face.access import ApiKey

EN = texts("en")


@pytest.fixture
def store(tmp_path) -> Iterator[KeyStore]:
    with closing(KeyStore(tmp_path)) as store:
        yield store


@pytest.fixture
def access(store) -> Access:
    return Access(store, Settings())


def event(key: ApiKey | None = None, scheme: str = "http") -> gr.Request:
    """Return the request of an event, from a browser that signed in or did not."""
    scope = {
        "type": "http",
        "method": "POST",
        "path": "/gradio_api/run/predict",
        "scheme": scheme,
        "query_string": b"",
        "headers": [(b"host", b"localhost:7860")],
        "state": {} if key is None else {SIGNED_IN: key},
    }
    return gr.Request(Request(scope))


def test_a_session_allows_what_its_key_allows(store, access):
    key = store.create("desk", [Role.READ]).key

    assert visitor(event(key), access, Role.READ).name == "desk"
    assert visitor(event(key), access, None).name == "desk"
    with pytest.raises(ForbiddenError) as caught:
        visitor(event(key), access, Role.ENROLL)
    assert caught.value.key == "access.role"


def test_a_session_whose_key_was_revoked_allows_nothing(store, access):
    key = store.create("desk", [Role.ADMIN]).key
    store.revoke("desk")

    with pytest.raises(UnauthenticatedError):
        visitor(event(key), access, None)


def test_without_a_session_keys_that_were_made_are_asked_for(store, access):
    assert visitor(event(), access, Role.ADMIN).name == "open"
    store.create("desk", [Role.READ])

    assert signed_in(event()) is None
    with pytest.raises(UnauthenticatedError):
        visitor(event(), access, Role.READ)


def test_the_address_is_what_the_browser_knows():
    assert address_of(event()) == "http://localhost:7860"
    assert address_of(event(scheme="https")) == "https://localhost:7860"


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_corner_names_the_key_and_what_it_may_do(language):
    words = texts(language)
    account = Account("desk <1>", (Role.READ, Role.IDENTIFY), lacks=(Role.ENROLL, Role.ADMIN))
    html = account_view(account, words)

    assert "desk &lt;1&gt;" in html
    assert words("signin.role_read") in html
    assert words("signin.role_identify") in html
    assert words("signin.out") in html
    lacks = json.loads(unescape(html.split('data-lacks="')[1].split('"')[0]))
    role = words("signin.role_enroll")
    assert lacks["enroll"] == words("signin.lacks", role=role)
    assert set(lacks) == {"enroll", "admin"}


def test_an_administrator_may_do_everything():
    html = account_view(Account("boss", (Role.READ, Role.ADMIN)), EN)

    assert EN("signin.role_admin") in html
    assert EN("signin.role_read") not in html


def test_the_corner_is_empty_where_nobody_needs_to_sign_in():
    assert account_view(None, EN) == account_view(Account(), EN) == ""
    assert 'href="sign-in"' in account_view(Account(offered=True), EN)
