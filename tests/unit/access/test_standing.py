"""Keys that were shown before: they are asked for again by their id, at every step."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from ood_face.access import KeyStore
from ood_face.errors import UnauthenticatedError
from ood_face.types import Role

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def store(tmp_path, clock) -> Iterator[KeyStore]:
    with closing(KeyStore(tmp_path, clock)) as store:
        yield store


def refusal(store: KeyStore, key_id: str) -> str:
    with pytest.raises(UnauthenticatedError) as caught:
        store.standing(key_id)
    return caught.value.key


def test_a_key_that_counts_is_returned_and_its_use_is_noted(store, clock):
    key = store.create("desk", [Role.READ]).key

    assert store.standing(key.id).name == "desk"
    (found,) = store.all()
    assert found.last_used_at == clock.start


def test_a_revoked_or_expired_key_stands_no_more(store, clock):
    gone = store.create("gone", [Role.READ]).key
    guest = store.create("guest", [Role.READ], expires_days=1).key
    store.revoke("gone")
    clock.advance(days=1)

    assert refusal(store, gone.id) == "access.revoked"
    assert refusal(store, guest.id) == "access.expired"


@pytest.mark.parametrize("key_id", ["", "0" * 16, "' OR 1=1 --"])
def test_an_id_that_no_key_has_is_refused(store, key_id):
    store.create("desk", [Role.READ])

    assert refusal(store, key_id) == "access.unknown_key"
