"""The corner of the page that says who is signed in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import gradio as gr

from ood_face.errors import BackendError
from ood_face.types import Role
from webui.catalogue import texts
from webui.controls import QUIET
from webui.views.signin_bar import account_view
from webui.visitor import signed_in

if TYPE_CHECKING:
    from ood_face.api.served import Served
    from webui.catalogue import Texts

__all__ = ["Account", "AccountBar"]

# what a visitor may not do is closed, with the reason beside it
_MOUNT = """
(function mount() {
  if (!window.oodFace) return setTimeout(mount, 10);
  const close = () => window.oodFace.closeWhatNeeds(element);
  watch("value", close);
  close();
})();
"""


@dataclass(frozen=True, slots=True)
class Account:
    """Who is at the page.

    Attributes
    ----------
    name : of the key; None: nobody signed in
    roles : what the key may do
    offered : signing in gives more than there is without
    lacks : roles that the visitor has not, here and now
    """

    name: str | None = None
    roles: tuple[Role, ...] = ()
    offered: bool = False
    lacks: tuple[Role, ...] = ()


class AccountBar:
    """Name and roles with a button to sign out, or the way to sign in; see :class:`PageTab`.

    Parameters
    ----------
    served : knows the keys
    """

    def __init__(self, served: Served) -> None:
        self._access = served.access
        self._account = gr.State(None)
        self._view = gr.HTML("", js_on_load=_MOUNT, apply_default_css=False, elem_id="account")

    @property
    def remembered(self) -> list[Any]:
        """Who is at the page."""
        return [self._account]

    @property
    def results(self) -> list[Any]:
        """What says so."""
        return [self._view]

    def show(self, words: Texts, *remembered: Any) -> list[Any]:  # noqa: ANN401 - Gradio's values
        """Return the values of ``results`` in a language."""
        (account,) = remembered
        return [account_view(account, words)]

    def connect(self, language: gr.Radio) -> None:
        """Bind nothing: the page asks when it is opened."""

    def opened(self, loaded: Any, language: gr.Radio) -> None:  # noqa: ANN401 - Gradio's event
        """Ask who it is after an event of the page's opening."""
        loaded.then(self._who, [language], [self._account, self._view], **QUIET)

    def _who(self, language: str, request: gr.Request) -> list[Any]:
        account = self._found(request)
        return [account, account_view(account, texts(language))]

    def _found(self, request: gr.Request) -> Account:
        if self._access is None:
            return Account()
        key = signed_in(request)
        if key is not None:
            held = tuple(role for role in Role if role in key.roles)
            return Account(key.name, held, lacks=tuple(r for r in Role if not key.may(r)))
        try:
            # where the page itself is closed, whoever comes with a key in a header is no browser
            offered = self._access.needs_key() and not self._access.closed
        except BackendError:
            return Account()
        return Account(offered=offered, lacks=tuple(Role) if offered else ())
