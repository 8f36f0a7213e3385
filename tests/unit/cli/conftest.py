from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from ood_face.cli import app as cli
from ood_face.cli import gallery_opening
from ood_face.service import GalleryRecords, GalleryService
from tests.fakes import fake_service, picture, png
from tests.fakes.audit import RecordingAudit
from tests.fakes.galleries import FakeGalleryStore, Memory


class Run:
    """Runs the command over the fakes, in a folder of its own."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
        self.service = fake_service()
        self.folder = folder
        self.memory = Memory()
        self.audit = RecordingAudit()
        monkeypatch.chdir(folder)
        monkeypatch.setattr(cli, "open_service", lambda settings: self.service)  # noqa: ARG005
        for name in ("open_service", "open_galleries", "open_gallery_records"):
            monkeypatch.setattr(gallery_opening, name, getattr(self, f"_{name}"))

    def __call__(self, *args: str, stdin: bytes | None = None):
        return CliRunner().invoke(cli.app, args, input=stdin)

    def file(self, name: str, *widths_px: int, colour=(250, 200, 150)) -> str:
        image = picture(*widths_px, colour=colour) if widths_px else np.zeros((48, 48, 3), np.uint8)
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(png(image))
        return name

    # what is enrolled outlives a command, as it outlives the process

    def _open_service(self, _settings):
        return self.service

    def _open_galleries(self, _settings, faces):
        return GalleryService(faces, FakeGalleryStore(self.memory), self.audit)

    def _open_gallery_records(self, _settings):
        return GalleryRecords(FakeGalleryStore(self.memory), self.audit)


@pytest.fixture
def run(monkeypatch, tmp_path) -> Run:
    return Run(monkeypatch, tmp_path)
