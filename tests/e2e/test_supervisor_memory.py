"""The real memmon restarts the real server when it holds more memory than it may."""

from __future__ import annotations

import re

import pytest

from tests.e2e.page_server import free_port
from tests.e2e.supervised import PATIENCE_S, PROGRAM, Supervised, home_folder

pytestmark = pytest.mark.timeout(4 * PATIENCE_S)

# the least that the setting takes; a server that is ready holds more
LIMIT_MIB = 256


def test_a_server_above_its_memory_limit_is_replaced_in_order() -> None:
    with home_folder() as home:
        conf = home / "deploy" / "supervisord.conf"
        text = conf.read_text(encoding="utf-8")
        assert text.count("TICK_60") == 1
        # looked at every five seconds, not every minute
        conf.write_text(text.replace("TICK_60", "TICK_5"), encoding="utf-8")
        server = Supervised(home, free_port(), {"memory_limit_mib": LIMIT_MIB})
        server.start()
        try:
            server.wait_until(lambda: server.pid() != 0, "a process")
            before = server.pid()
            server.wait_until(lambda: server.pid() not in (0, before), "another process")
            watched, log = server.log("memmon"), server.log("supervisord")
        finally:
            server.stop()

    assert f"{LIMIT_MIB} MiB" in watched
    assert f"Restarting {PROGRAM}" in watched
    # asked to end, not killed; one that is still loading ends by the signal itself
    assert re.search(rf"stopped: {PROGRAM} \((exit status 0|terminated by SIGTERM)\)", log)
