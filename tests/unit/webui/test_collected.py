"""What the server has when it begins to serve is not looked through for garbage again."""

from __future__ import annotations

import gc

import pytest

from ood_face.config import Settings
from webui import server
from webui.listening import bound


class Serving:
    """What runs in the server's place, and notes what the collector does then."""

    def install_signals(self) -> None:
        """Leave them as they are."""

    def run(self, sockets: list[object]) -> None:
        self.listens = len(sockets)
        self.collects = gc.isenabled()
        self.left_alone = gc.get_freeze_count()


@pytest.fixture
def collector():
    yield
    gc.unfreeze()
    gc.enable()


@pytest.mark.usefixtures("collector")
def test_what_is_there_by_then_is_left_alone_and_what_comes_is_collected():
    gc.disable()  # as __main__ does, before the imports
    serving = Serving()
    with bound("127.0.0.1", 0) as listener:
        assert server._run(serving, listener, Settings(port=0)) == 0
    assert serving.listens == 1
    assert serving.collects
    assert serving.left_alone > 10_000
