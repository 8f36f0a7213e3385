"""What lies around the code agrees with the code, and with itself."""

from __future__ import annotations

import ast
import importlib.util
import os
import re
import subprocess
import sys
import tomllib
from configparser import RawConfigParser
from pathlib import Path
from types import ModuleType

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from ood_face.api.errors import STATUS_OF
from ood_face.cli.exits import ExitCode
from ood_face.config import Settings
from ood_face.matching import load_scenarios
from webui.server import EXIT_ARTIFACT, EXIT_CONFIG, EXIT_PORT

ROOT = Path(__file__).resolve().parents[2]
LOCKS = ROOT / "deploy" / "locks"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
README = (ROOT / "README.md").read_text(encoding="utf-8")
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
SOURCES = sorted(
    path
    for folder in ("ood_face", "webui", "deploy", "tests")
    for path in (ROOT / folder).rglob("*.py")
)
MAX_LINES = 300
# which extras a lock file serves, and what it leaves out on purpose
EXTRAS = {"serve": [], "dev": ["dev", "train"], "facenet": ["dev", "facenet"]}
NOT_LOCKED = {"serve": set(), "dev": {"torch"}, "facenet": set()}


def locked(name: str) -> dict[str, str]:
    """Return package -> version of a lock file."""
    text = (LOCKS / f"{name}.lock").read_text(encoding="utf-8")
    return {
        canonicalize_name(package): version
        for package, version in re.findall(r"^([\w.-]+)==([\w.+!]+)", text, re.MULTILINE)
    }


def relative(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.fixture(scope="module")
def reference() -> ModuleType:
    spec = importlib.util.spec_from_file_location(
        "settings_reference", ROOT / "deploy" / "settings_reference.py"
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", EXTRAS)
def test_a_lock_satisfies_what_pyproject_asks_for(name: str) -> None:
    asked = [*PROJECT["dependencies"]]
    for extra in EXTRAS[name]:
        asked += PROJECT["optional-dependencies"][extra]
    versions = locked(name)

    for requirement in map(Requirement, asked):
        if requirement.name in NOT_LOCKED[name]:
            assert requirement.name not in versions
        else:
            version = versions.get(canonicalize_name(requirement.name), "missing: run make lock")
            assert requirement.specifier.contains(version), f"{requirement}: {version}"


@pytest.mark.parametrize("name", EXTRAS)
def test_a_lock_has_hashes_and_names_no_place(name: str) -> None:
    lines = (LOCKS / f"{name}.lock").read_text(encoding="utf-8").splitlines()
    entries = [i for i, line in enumerate(lines) if "==" in line and not line.startswith(" ")]
    entries = [i for i in entries if not lines[i].startswith("#")]

    assert entries
    assert all(lines[i + 1].startswith("    --hash=sha256:") for i in entries)
    assert not [line for line in lines if "://" in line or line.startswith("--")]


def test_the_serving_lock_has_no_torch_and_agrees_with_the_one_for_tests() -> None:
    serve, dev = locked("serve"), locked("dev")

    assert not [package for package in serve if package.startswith(("torch", "nvidia", "triton"))]
    assert serve.items() <= dev.items()


def test_the_makefile_installs_a_torch_that_pyproject_allows() -> None:
    pinned = re.search(r"^TORCH \?= torch==(\S+)$", MAKEFILE, re.MULTILINE)
    allowed = [
        requirement
        for requirement in map(Requirement, PROJECT["optional-dependencies"]["train"])
        if requirement.name == "torch"
    ]

    assert pinned is not None
    assert allowed[0].specifier.contains(pinned[1])


def test_serving_imports_no_torch() -> None:
    code = "import sys, webui.server, ood_face.cli; sys.exit('torch' in sys.modules)"

    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, check=False)

    assert done.returncode == 0, done.stderr.decode()


def test_the_layers_hold() -> None:
    program = Path(sys.executable).with_name("lint-imports")

    done = subprocess.run(
        [str(program), "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stdout
    assert "0 broken" in done.stdout


@pytest.mark.parametrize("path", SOURCES, ids=relative)
def test_a_file_keeps_to_the_budget_of_lines(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= MAX_LINES


@pytest.mark.parametrize(
    "path",
    [path for path in SOURCES if relative(path).startswith(("ood_face", "webui"))],
    ids=relative,
)
def test_all_is_true(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    exported: list[str] = []
    defined: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            defined |= {(alias.asname or alias.name).split(".")[0] for alias in node.names}
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            defined.add(node.id)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            defined.add(node.name)
    for node in tree.body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            exported = ast.literal_eval(node.value)

    assert set(exported) <= defined
    assert len(set(exported)) == len(exported)


def test_env_example_is_what_the_settings_say(reference: ModuleType) -> None:
    text = (ROOT / "deploy" / "env.example").read_text(encoding="utf-8")

    assert text == reference.env_example(), "run make settings"
    for name in Settings.model_fields:
        assert f"# OOD_FACE_{name.upper()}=" in text


def test_env_example_uncommented_gives_the_defaults(
    reference: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in os.environ if name.startswith("OOD_FACE_")]:
        monkeypatch.delenv(name)
    lines = re.findall(r"^# (OOD_FACE_\w+=.*)$", reference.env_example(), re.MULTILINE)
    file = tmp_path / "settings.env"
    file.write_text("\n".join(lines), encoding="utf-8")
    monkeypatch.chdir(ROOT)  # folders are written as seen from here

    read = Settings(_env_file=file)
    default = Settings(_env_file=None)

    assert len(lines) == len(Settings.model_fields)
    folders = ("weights_dir", "data_dir")
    resolved = {name: getattr(read, name).resolve() for name in folders}
    assert read.model_copy(update=resolved) == default


def test_the_readme_has_every_setting(reference: ModuleType) -> None:
    assert reference.with_table(README) == README, "run make settings"


def test_every_setting_is_described() -> None:
    assert [name for name, field in Settings.model_fields.items() if not field.description] == []


def test_the_readme_names_only_targets_that_exist() -> None:
    targets = set(re.findall(r"^([a-z-]+):", MAKEFILE, re.MULTILINE))
    named = set(re.findall(r"\bmake ([a-z][a-z-]+)", README))

    assert named <= targets, named - targets
    assert {"serve", "test", "check", "bench", "train", "evaluate", "supervise"} <= named


def section(title: str) -> str:
    return README.partition(f"## {title}\n")[2].partition("\n## ")[0]


def test_the_readme_has_every_exit_code() -> None:
    codes = re.findall(r"^\| (\d+) \|", section("Exit codes of `ood-face`"), re.MULTILINE)

    assert [int(code) for code in codes] == sorted(ExitCode)


def test_the_readme_has_every_status_of_the_api() -> None:
    statuses = re.findall(r"^\| (\d+) \|", section("Errors of the API"), re.MULTILINE)

    assert {int(status) for status in STATUS_OF.values()} <= {int(status) for status in statuses}


def test_the_readme_has_every_scenario() -> None:
    named = re.findall(r"^\| `(\w+)` \|", section("Quality, verdicts, scenarios"), re.MULTILINE)

    assert set(load_scenarios()) <= set(named)


def test_every_link_into_the_repository_leads_somewhere() -> None:
    links = re.findall(r"\]\(([^)#:]+)\)", README)

    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []


def test_the_changelog_ends_with_this_version() -> None:
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    versions = re.findall(r"^## \[(\d+\.\d+\.\d+)\]", changelog, re.MULTILINE)

    assert versions[0] == PROJECT["version"]


def test_the_licence_is_the_one_pyproject_names() -> None:
    text = (ROOT / "LICENSE").read_text(encoding="utf-8")

    assert PROJECT["license"] == "Apache-2.0"
    assert "Apache License" in text
    assert "END OF TERMS AND CONDITIONS" in text


def test_supervisord_logs_into_rotated_files_and_opens_no_port() -> None:
    conf = RawConfigParser(inline_comment_prefixes=(" ;",))
    conf.read(ROOT / "deploy" / "supervisord.conf", encoding="utf-8")
    program = conf["program:face-recognition-ood"]

    assert "inet_http_server" not in conf
    # a wrong setting, broken weights and a taken port are not mended by another start
    assert program["autorestart"] == "unexpected"
    assert program["exitcodes"] == f"{EXIT_CONFIG},{EXIT_ARTIFACT},{EXIT_PORT}"
    assert program["stdout_logfile"].endswith("var/log/face-recognition-ood.log")
    assert int(program["stdout_logfile_backups"]) > 0
    assert program["stopasgroup"] == program["killasgroup"] == "true"
