"""Who is signed in, with the way in or out."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from ood_face.types import Role
from webui.markup import Html, tag

if TYPE_CHECKING:
    from webui.catalogue import Texts
    from webui.signin_bar import Account

__all__ = ["account_view", "role_words"]


def account_view(account: Account | None, texts: Texts) -> Html:
    """Return the name, what it may do, and a button; empty where nobody needs to sign in."""
    if account is None:
        return Html()
    if account.name is None:
        if not account.offered:
            return Html()
        link = tag("a", texts("signin.link"), href="sign-in", class_="account-link")
        return tag("div", link, class_="account", data_lacks=_lacks(account, texts))
    roles = (Role.ADMIN,) if Role.ADMIN in account.roles else account.roles
    words = texts("signin.between").join(role_words(role, texts) for role in roles)
    return tag(
        "div",
        tag("span", texts("signin.as", name=account.name), class_="account-name"),
        tag("small", texts("signin.may", roles=words)),
        tag("button", texts("signin.out"), type="button", class_="quiet", data_sign_out=""),
        class_="account",
        data_lacks=_lacks(account, texts),
    )


def _lacks(account: Account, texts: Texts) -> str:
    # for the script: what is said where something needs a role that the visitor has not
    return json.dumps(
        {role.value: texts("signin.lacks", role=role_words(role, texts)) for role in account.lacks},
        ensure_ascii=False,
    )


def role_words(role: Role, texts: Texts) -> str:
    """Return what a role lets people do."""
    return texts(f"signin.role_{role.value}")
