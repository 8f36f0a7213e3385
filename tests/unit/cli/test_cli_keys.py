"""``ood-face keys`` and ``ood-face audit``."""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path

import pytest

from ood_face.access import KeyStore, SqliteAuditLog
from ood_face.types import LOCAL, AuditAction, AuditEvent, Caller, Role


@pytest.fixture
def data_dir(monkeypatch, tmp_path) -> Path:
    folder = tmp_path / "data"
    monkeypatch.setenv("OOD_FACE_DATA_DIR", str(folder))
    return folder


@pytest.fixture
def noted(data_dir) -> None:
    with closing(SqliteAuditLog(data_dir, 365)) as log:
        log.record(
            Caller("gate", "req-1"),
            AuditEvent(AuditAction.IDENTIFY, "staff", "anna", "identified", {"similarity": 0.7126}),
        )
        log.record(LOCAL, AuditEvent(AuditAction.DELETE, "guests", "bert", "ok"))


def test_the_key_is_all_there_is_on_stdout_and_it_opens(run, data_dir):
    result = run("keys", "create", "gate", "--role", "identify", "--role", "enroll")

    assert result.exit_code == 0
    with closing(KeyStore(data_dir)) as store:
        found = store.authenticate(result.stdout.strip())
    assert (found.name, found.roles) == ("gate", {Role.IDENTIFY, Role.ENROLL})
    assert result.stderr == "Keep this key of gate now: it is shown this once and stored nowhere.\n"


def test_a_key_as_json_with_its_limits(run, data_dir):
    result = run(
        "keys", "create", "gate", "--role", "read", "--expires-days", "7", "--rate", "9", "--json"
    )

    made = json.loads(result.stdout)
    with closing(KeyStore(data_dir)) as store:
        found = store.authenticate(made["key"])
    assert (made["id"], made["rate_per_minute"]) == (found.id, 9)
    assert (made["roles"], made["state"]) == (["read"], "active")
    assert (found.expires_at - found.created_at).days == 7


def test_the_list_has_every_key_and_no_secret(run, data_dir):
    secrets = [
        run("keys", "create", name, "--role", "read").stdout.strip() for name in ("one", "two")
    ]
    assert data_dir.is_dir()
    run("keys", "revoke", "one")

    table = run("keys", "list").stdout
    rows = json.loads(run("keys", "list", "--json").stdout)

    assert {row["name"]: row["state"] for row in rows} == {"one": "revoked", "two": "active"}
    assert all(word in table for word in ("one", "two", "revoked", "active", "last used"))
    for secret in secrets:
        assert secret.rpartition("_")[2] not in table + json.dumps(rows)


def test_keys_in_chinese(run, data_dir):
    assert not data_dir.exists()
    assert "只显示这一次" in run("keys", "create", "g", "--role", "read", "--lang", "zh").stderr
    assert "最近使用" in run("keys", "list", "--lang", "zh").stdout
    assert "已失效" in run("keys", "revoke", "g", "--lang", "zh").stdout


@pytest.mark.usefixtures("data_dir")
@pytest.mark.parametrize(
    ("args", "code", "key"),
    [
        (("create", "open", "--role", "read"), 2, "access.name"),
        (("create", "a", "--role", "read", "--expires-days", "0"), 2, "access.expires_days"),
        (("create", "a", "--role", "read", "--rate", "0"), 2, "access.rate"),
        (("revoke", "nobody"), 2, "access.no_such_key"),
        (("create", "taken", "--role", "read"), 10, "access.name_taken"),
    ],
)
def test_what_is_refused_says_so_and_makes_no_key(run, args, code, key):
    run("keys", "create", "taken", "--role", "read")

    result = run("keys", *args, "--json")

    assert (result.exit_code, result.stdout) == (code, "")
    assert json.loads(result.stderr)["error"]["code"] == key
    assert len(json.loads(run("keys", "list", "--json").stdout)) == 1


@pytest.mark.usefixtures("data_dir")
@pytest.mark.parametrize("args", [("a",), ("a", "--role", "god"), ("--role", "read")])
def test_wrong_usage_is_refused(run, args):
    assert run("keys", "create", *args).exit_code == 2


def test_a_data_folder_that_cannot_be_used_is_one_line(run, monkeypatch, tmp_path):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("OOD_FACE_DATA_DIR", str(tmp_path / "file" / "data"))

    result = run("keys", "list")

    assert result.exit_code == 9
    assert len(result.stderr.splitlines()) == 1


@pytest.mark.usefixtures("noted")
def test_the_audit_log_shows_the_newest_first_and_no_ids(run):
    table = run("audit").stdout
    rows = json.loads(run("audit", "--json").stdout)

    assert [row["action"] for row in rows] == ["delete", "identify"]
    assert (rows[1]["caller"], rows[1]["request_id"]) == ("gate", "req-1")
    assert rows[1]["values"] == {"similarity": 0.7126}
    assert "similarity=0.713" in table
    for name in ("anna", "bert"):
        assert name not in table + json.dumps(rows)


@pytest.mark.usefixtures("noted")
@pytest.mark.parametrize(
    ("args", "actions"),
    [
        (("--subject", "anna"), ["identify"]),
        (("--subject", "nobody"), []),
        (("--gallery", "guests"), ["delete"]),
        (("--action", "identify"), ["identify"]),
        (("--action", "identify", "--gallery", "guests"), []),
        (("--limit", "1"), ["delete"]),
        (("--since", "2020-01-01"), ["delete", "identify"]),
        (("--since", "9000-01-01T00:00+08:00"), []),
    ],
)
def test_the_audit_log_is_filtered(run, args, actions):
    rows = json.loads(run("audit", "--json", *args).stdout)
    assert [row["action"] for row in rows] == actions


@pytest.mark.usefixtures("noted")
@pytest.mark.parametrize(
    "args",
    [
        ("--since", "yesterday"),
        ("--since", "0001-01-01T00:00+14:00"),
        ("--subject", "a/b"),
        ("--gallery", "../x"),
        ("--action", "dance"),
        ("--limit", "0"),
    ],
)
def test_a_wrong_filter_is_refused(run, args):
    result = run("audit", *args)
    assert (result.exit_code, result.stdout) == (2, "")


@pytest.mark.usefixtures("noted")
def test_the_audit_log_in_chinese(run):
    assert "调用方" in run("audit", "--lang", "zh").stdout


@pytest.mark.usefixtures("data_dir")
def test_keys_made_and_revoked_are_noted(run):
    run("keys", "create", "gate", "--role", "read")
    run("keys", "revoke", "gate")

    events = json.loads(run("audit", "--json").stdout)

    assert [(event["action"], event["values"]["key"]) for event in events] == [
        ("revoke_key", "gate"),
        ("create_key", "gate"),
    ]
