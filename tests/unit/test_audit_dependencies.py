"""The audit of the locked packages: it never passes without having looked."""

from __future__ import annotations

import importlib.util
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LOCKS = ROOT / "deploy" / "locks"
LOCK = "starlette==0.48.0 \\\n    --hash=sha256:00\nH11==0.16.0 ; python_version < '4' \\\n"
LIST = """
reviewed = 2026-01-31
[[advisory]]
package = "Starlette"
id = "CVE-1"
affected_from = "0.39.0"
fixed_in = "0.49.1"
about = "slow"
[[advisory]]
package = "h11"
id = "CVE-2"
fixed_in = "0.16.0"
about = "smuggling"
"""


@pytest.fixture(scope="module")
def tool():
    spec = importlib.util.spec_from_file_location(
        "audit_dependencies", ROOT / "deploy" / "audit_dependencies.py"
    )
    module = importlib.util.module_from_spec(spec)
    # where its dataclass looks for its own names
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def audited(tool, tmp_path):
    """Return what does an audit of two files: exit code and output."""

    def audit(lock: str, own_list: str, answer: list[str] | None) -> tuple[int, str]:
        (tmp_path / "serve.lock").write_text(lock, encoding="utf-8")
        (tmp_path / "advisories.toml").write_text(own_list, encoding="utf-8")
        said: list[str] = []
        code = tool.audit(
            tmp_path / "serve.lock",
            tmp_path / "advisories.toml",
            lambda _: answer,
            said.append,
        )
        return code, "\n".join(said)

    return audit


def test_where_nobody_answers_our_own_list_is_used_and_the_output_says_so(audited):
    code, said = audited(LOCK, LIST, None)
    assert code == 1
    assert "COULD NOT BE DONE" in said
    assert "2 advisories about 2 of" in said
    assert "starlette 0.48.0: CVE-1, fixed in 0.49.1: slow" in said
    assert "CVE-2" not in said


@pytest.mark.parametrize("version", ["0.38.9", "0.49.1", "1.10.0"])
def test_versions_before_and_after_an_advisory_do_not_have_it(audited, version):
    code, said = audited(LOCK.replace("0.48.0", version), LIST, None)
    assert code == 0
    assert "no known advisories" in said


def test_what_the_online_audit_finds_counts_and_our_own_list_does_not(audited):
    assert audited(LOCK, LIST, []) == (
        0,
        "dependencies: audited online: 2 packages in serve.lock\n"
        "dependencies: no known advisories affect the locked versions",
    )
    code, said = audited(LOCK, LIST, ["h11 0.16.0: CVE-3, fixed in 0.17.0"])
    assert code == 1
    assert "CVE-3" in said


@pytest.mark.parametrize(
    ("lock", "own_list"),
    [
        ("# nothing\n", LIST),
        ("starlette==one\n", LIST),
        (LOCK, "no list"),
        (LOCK, "reviewed = 2026-01-31\nadvisory = []\n"),
        (LOCK, "reviewed = 2026-01-31\nadvisory = 1\n"),
        (LOCK, LIST.replace('fixed_in = "0.16.0"', "")),
        (LOCK, LIST.replace("reviewed", "seen")),
    ],
    ids=["no pin", "no version", "no TOML", "empty", "a number", "no fix", "no day"],
)
def test_files_that_cannot_be_used_pass_nothing(audited, lock, own_list):
    code, said = audited(lock, own_list, None)
    assert code == 2
    assert "NOT AUDITED" in said


REPORT = (
    '{"dependencies": [{"name": "h11", "version": "0.9", "vulns": ['
    '{"id": "CVE-2", "fix_versions": ["0.16.0"]}, {"id": "CVE-4", "fix_versions": []}]},'
    '{"name": "idna", "version": "3", "vulns": []}, {"name": "x", "skip_reason": "y"}]}'
)
LINES = ["h11 0.9: CVE-2, fixed in 0.16.0", "h11 0.9: CVE-4, fixed in no version yet"]


@pytest.mark.parametrize(
    ("printed", "found"), [(REPORT, LINES), ("", None), ("Traceback", None), ("[]", None)]
)
def test_only_a_report_of_pip_audit_is_an_answer(tool, tmp_path, monkeypatch, printed, found):
    # stands in for the interpreter that runs pip-audit
    program = tmp_path / "python"
    program.write_text(f"#!{sys.executable}\nprint({printed!r})\n", encoding="utf-8")
    program.chmod(0o700)
    monkeypatch.setattr(tool.sys, "executable", str(program))
    assert tool.online(LOCKS / "serve.lock") == found


def test_the_shipped_list_is_about_packages_of_the_lock_and_none_has_an_advisory(tool):
    pins = tool.locked((LOCKS / "serve.lock").read_text(encoding="utf-8"))
    text = (LOCKS / "advisories.toml").read_text(encoding="utf-8")
    advisories, _ = tool.read_list(text)
    assert {one.package for one in advisories} <= set(pins)
    assert tool.found_in(pins, advisories) == []
    ids = [(entry["package"], entry["id"]) for entry in tomllib.loads(text)["advisory"]]
    assert len(set(ids)) == len(ids)
    assert all(name.startswith(("CVE-", "GHSA-", "PYSEC-")) for _, name in ids)


def test_make_check_does_the_audit():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    check = makefile.split("\ncheck:")[1].split("\n\n")[0]
    assert "$(DEV_PYTHON) deploy/audit_dependencies.py" in check
