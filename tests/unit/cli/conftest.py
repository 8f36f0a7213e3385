from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from ood_face.cli import app as cli
from tests.fakes import fake_service, picture, png


class Run:
    """Runs the command over the fakes, in a folder of its own."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
        self.service = fake_service()
        self.folder = folder
        monkeypatch.chdir(folder)
        monkeypatch.setattr(cli, "open_service", lambda settings: self.service)  # noqa: ARG005

    def __call__(self, *args: str, stdin: bytes | None = None):
        return CliRunner().invoke(cli.app, args, input=stdin)

    def file(self, name: str, *widths_px: int, colour=(250, 200, 150)) -> str:
        image = picture(*widths_px, colour=colour) if widths_px else np.zeros((48, 48, 3), np.uint8)
        (self.folder / name).write_bytes(png(image))
        return name


@pytest.fixture
def run(monkeypatch, tmp_path) -> Run:
    return Run(monkeypatch, tmp_path)
