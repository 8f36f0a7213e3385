"""The kinds of gallery stores that keep the contract."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import pytest

from ood_face.matching.milvus import MilvusGalleryStore
from ood_face.matching.sqlite import SqliteGalleryStore
from tests.fakes.galleries import FakeGalleryStore, Memory
from tests.fakes.templates import gallery_info

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ood_face.ports import Gallery, GalleryStore


class Home(Protocol):
    """Where a store of one kind lives; only one is open at a time."""

    def open(self) -> GalleryStore:
        """Open the store, with what earlier ones have left there."""
        ...


class FakeHome:
    def __init__(self, _: Path) -> None:
        self._memory = Memory()

    def open(self) -> GalleryStore:
        return FakeGalleryStore(self._memory)


class SqliteHome:
    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def open(self) -> GalleryStore:
        return SqliteGalleryStore(self._folder / "data")


class MilvusHome:
    def __init__(self, folder: Path) -> None:
        self._file = folder / "galleries.db"

    def open(self) -> GalleryStore:
        return MilvusGalleryStore(str(self._file))


# a store under test is added here
HOMES = {"fake": FakeHome, "sqlite": SqliteHome, "milvus": MilvusHome}


@pytest.fixture(params=HOMES)
def home(request: pytest.FixtureRequest, tmp_path: Path) -> Home:
    return HOMES[request.param](tmp_path)


@pytest.fixture
def store(home: Home) -> Iterator[GalleryStore]:
    opened = home.open()
    yield opened
    opened.close()


@pytest.fixture
def gallery(store: GalleryStore) -> Gallery:
    return store.create(gallery_info())
