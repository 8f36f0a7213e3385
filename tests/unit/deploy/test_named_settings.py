"""Every variable that anything here names is one that something reads."""

from __future__ import annotations

import re
from pathlib import Path

from ood_face.config import Settings

ROOT = Path(__file__).resolve().parents[3]
READ = {f"OOD_FACE_{name.upper()}" for name in Settings.model_fields}
# by compose itself, to fill its file in
BY_COMPOSE = {"CERTIFICATES", "CPUS", "DOCKERFILE", "IMAGE", "MEMORY", "PUBLISHED_PORT"}
FILES = [
    path
    for folder in ("deploy", "ood_face", "webui")
    for path in (ROOT / folder).rglob("*")
    if path.suffix in {"", ".conf", ".md", ".py", ".service", ".toml", ".yaml", ".yml"}
    and path.is_file()
]


def named(path: Path) -> set[str]:
    # a name that ends in an underscore is the beginning of some
    return {
        name
        for name in re.findall(r"OOD_FACE_[A-Z0-9_]+", path.read_text(encoding="utf-8"))
        if not name.endswith("_")
    }


def test_no_file_names_a_setting_that_nobody_reads() -> None:
    compose = {f"OOD_FACE_{name}" for name in BY_COMPOSE}
    for path in [*FILES, ROOT / "Makefile", ROOT / "README.md"]:
        extra = compose if path.is_relative_to(ROOT / "deploy") else set()
        assert named(path) <= READ | extra, path
    assert len(FILES) > 200
