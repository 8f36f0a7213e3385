from __future__ import annotations

import hmac
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from ood_face.access import KeyStore
from ood_face.errors import AccessError, InputError, StorageCorruptError, UnauthenticatedError
from ood_face.types import Role

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def store(tmp_path, clock) -> Iterator[KeyStore]:
    with closing(KeyStore(tmp_path, clock)) as store:
        yield store


def refusal(store: KeyStore, presented: str) -> str:
    with pytest.raises(UnauthenticatedError) as caught:
        store.authenticate(presented)
    return caught.value.key


def in_another_process(folder, statement: str) -> str:
    code = (
        "import sys; from pathlib import Path; from ood_face.access import KeyStore; "
        f"from ood_face.types import Role; store = KeyStore(Path(sys.argv[1])); {statement}"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(folder)],
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    return done.stdout.strip()


def test_a_new_key_opens(store, clock):
    made = store.create("gate-2", [Role.IDENTIFY, Role.READ], rate_per_minute=30)

    found = store.authenticate(made.presented)

    assert (found.id, found.name, found.rate_per_minute) == (made.key.id, "gate-2", 30)
    assert found.roles == {Role.IDENTIFY, Role.READ}
    assert (found.created_at, found.expires_at, found.revoked_at) == (clock.start, None, None)


def test_keys_are_long_and_never_the_same(store):
    first, second = (store.create(name, [Role.READ]).presented for name in "ab")

    prefix, key_id, secret = first.split("_")
    assert (prefix, len(key_id), len(secret)) == ("odf", 16, 64)
    assert len({int(key.split("_")[2], 16) for key in (first, second)}) == 2


def test_no_file_holds_the_secret(tmp_path, store):
    made = store.create("gate", [Role.READ])
    store.authenticate(made.presented)
    secret = made.presented.split("_")[2]

    files = [path for path in tmp_path.iterdir() if path.is_file()]

    assert files
    for path in files:
        content = path.read_bytes()
        assert secret.encode() not in content
        assert bytes.fromhex(secret) not in content
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert secret not in repr(made)


@pytest.mark.parametrize("held", Role)
@pytest.mark.parametrize("needed", [None, *Role])
def test_a_key_may_what_its_role_says(store, held, needed):
    key = store.authenticate(store.create("k", [held]).presented)

    assert key.may(needed) == (needed in (None, held) or held is Role.ADMIN)


def test_a_key_with_two_roles_may_both_and_no_third(store):
    key = store.authenticate(store.create("k", [Role.READ, Role.ENROLL]).presented)

    assert key.may(Role.READ)
    assert key.may(Role.ENROLL)
    assert not key.may(Role.IDENTIFY)
    assert not key.may(Role.ADMIN)


@pytest.mark.parametrize(
    "garble",
    [
        lambda key: key[:0],
        lambda key: key[:-1],
        lambda key: key + "0",
        lambda key: key + "\n",
        lambda key: key.upper(),
        lambda key: key[:-1] + ("0" if key[-1] != "0" else "1"),
        lambda key: key.replace("odf_", "odf_0", 1),
        lambda key: "odf_" + "0" * 16 + key[20:],
        lambda key: key[:4] + "0" * 16 + "_" + "0" * 64,
        lambda key: key * 100_000,
        lambda key: "\ud800" + key,
        lambda key: "odf_' OR 1=1 --_" + key[21:],
    ],
)
def test_what_is_not_the_key_is_refused(store, garble):
    made = store.create("gate", [Role.ADMIN])

    assert refusal(store, garble(made.presented)) == "access.unknown_key"


def test_every_refusal_takes_the_same_comparison(store, monkeypatch):
    made = store.create("gate", [Role.ADMIN])
    key = made.presented
    compared: list[tuple[int, int]] = []
    real = hmac.compare_digest

    def counted(a: bytes, b: bytes) -> bool:
        compared.append((len(a), len(b)))
        return real(a, b)

    monkeypatch.setattr(hmac, "compare_digest", counted)
    wrong_secret = key[:21] + "0" * 64
    unknown_id = "odf_" + "f" * 16 + key[20:]
    for presented in (wrong_secret, unknown_id, "nonsense"):
        refusal(store, presented)
    store.authenticate(key)

    assert compared == [(32, 32)] * 4


def test_an_expired_key_is_refused_from_its_moment_on(store, clock):
    made = store.create("guest", [Role.READ], expires_days=2)
    clock.advance(days=2, microseconds=-1)
    assert store.authenticate(made.presented).expires_at == clock.start + timedelta(days=2)

    clock.advance(microseconds=1)

    assert refusal(store, made.presented) == "access.expired"


@pytest.mark.parametrize("by", ["name", "id"])
def test_a_revoked_key_is_refused_at_once(store, clock, by):
    made = store.create("gate", [Role.READ])
    other = store.create("other", [Role.READ])
    store.authenticate(made.presented)
    clock.advance(hours=1)

    assert store.revoke(getattr(made.key, by)).id == made.key.id

    assert refusal(store, made.presented) == "access.revoked"
    assert store.authenticate(other.presented).name == "other"
    revoked = {key.name: key.revoked_at for key in store.all()}
    assert revoked == {"gate": clock.now, "other": None}


def test_what_became_of_a_key_is_told_only_to_who_has_it(store):
    made = store.create("gate", [Role.READ])
    store.revoke("gate")

    assert refusal(store, made.presented[:21] + "0" * 64) == "access.unknown_key"


@pytest.mark.parametrize("name", ["gone", "nobody", "", "' OR 1=1 --"])
def test_only_a_key_that_counts_can_be_revoked(store, name):
    store.create("gone", [Role.READ])
    store.revoke("gone")
    store.create("gate", [Role.READ])

    with pytest.raises(AccessError) as caught:
        store.revoke(name)

    assert caught.value.key == "access.no_such_key"
    assert {key.name for key in store.all() if key.revoked_at is None} == {"gate"}


def test_a_name_is_taken_until_its_key_is_revoked(store, clock):
    store.create("gate", [Role.READ])
    with pytest.raises(AccessError) as caught:
        store.create("gate", [Role.ADMIN])
    assert caught.value.key == "access.name_taken"

    store.revoke("gate")
    clock.advance(seconds=1)
    store.create("gate", [Role.ADMIN])

    assert [sorted(key.roles) for key in store.all()] == [["read"], ["admin"]]


@pytest.mark.parametrize(
    "name", ["", "a b", "-a", ".a", "a" * 64, "名", "a\n", "open", "local", "a/b"]
)
def test_a_wrong_name_is_refused(store, name):
    with pytest.raises(InputError) as caught:
        store.create(name, [Role.READ])
    assert caught.value.key == "access.name"
    assert not store.any_made()


@pytest.mark.parametrize(
    ("given", "key"),
    [
        ({"roles": []}, "access.no_role"),
        ({"expires_days": 0}, "access.expires_days"),
        ({"expires_days": 10**12}, "access.expires_days"),
        ({"rate_per_minute": 0}, "access.rate"),
        ({"rate_per_minute": 10**12}, "access.rate"),
    ],
)
def test_a_key_is_not_made_of_wrong_values(store, given, key):
    with pytest.raises(InputError) as caught:
        store.create("gate", **({"roles": [Role.READ]} | given))
    assert caught.value.key == key
    assert store.all() == []


def test_a_key_was_ever_made_also_if_none_counts_any_more(store):
    assert not store.any_made()
    store.create("gate", [Role.READ])
    store.revoke("gate")
    assert store.any_made()


def test_the_last_use_is_noted_to_ten_minutes(store, clock):
    made = store.create("gate", [Role.READ])
    assert store.all()[0].last_used_at is None

    noted = []
    for _ in range(4):
        store.authenticate(made.presented)
        noted.append((store.all()[0].last_used_at - clock.start) / timedelta(minutes=1))
        clock.advance(minutes=4)

    assert noted == [0, 0, 0, 12]


def test_another_process_makes_and_revokes_keys_while_this_one_runs(tmp_path, store):
    assert not store.any_made()
    presented = in_another_process(tmp_path, "print(store.create('gate', [Role.ENROLL]).presented)")
    assert store.authenticate(presented).name == "gate"

    in_another_process(tmp_path, "store.revoke('gate')")

    assert refusal(store, presented) == "access.revoked"


def test_many_threads_use_and_make_keys_at_once(store):
    made = store.create("gate", [Role.READ])

    def use(number: int) -> str:
        store.create(f"k{number}", [Role.READ])
        return store.authenticate(made.presented).name

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(use, range(40))) == {"gate"}
    assert len(store.all()) == 41


def test_keys_are_there_when_the_store_is_opened_again(tmp_path):
    with closing(KeyStore(tmp_path)) as first:
        made = first.create("gate", [Role.READ])
    with closing(KeyStore(tmp_path)) as second:
        assert second.authenticate(made.presented) == made.key


def test_a_file_that_is_no_database_is_refused(tmp_path):
    (tmp_path / "access.sqlite").write_bytes(b"x" * 5000)

    with pytest.raises(StorageCorruptError):
        KeyStore(tmp_path)
