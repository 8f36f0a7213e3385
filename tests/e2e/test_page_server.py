"""``python -m webui`` starts, says in one line why it can't, and stops when it is told to."""

from __future__ import annotations

import shutil
import signal
import socket
import subprocess
from pathlib import Path

import httpx
import pytest

from tests.e2e.page_server import PATIENCE_S, ROOT, free_port, page_command, page_environment
from webui import server as page


def run_page(data_dir: Path, **settings: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        page_command(),
        cwd=ROOT,
        env=page_environment(data_dir, **settings),
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )


def test_a_taken_port_is_one_line_and_its_own_exit_code(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        ended = run_page(tmp_path, port=port, log_level="ERROR")

    assert ended.returncode == page.EXIT_PORT
    assert ended.stderr.strip().splitlines() == [
        f"ood_face: cannot listen on 127.0.0.1:{port}: Address already in use; stop the program "
        "that listens there, or set OOD_FACE_PORT to another port"
    ]


@pytest.mark.parametrize("damage", ["missing", "broken"])
def test_bad_weights_are_one_line_and_their_own_exit_code(tmp_path, damage):
    weights = tmp_path / "weights"
    if damage == "broken":
        shutil.copytree(ROOT / "weights", weights)
        victim = next(weights.rglob("*.pdiparams"))
        victim.write_bytes(b"x" + victim.read_bytes()[1:])
    ended = run_page(tmp_path, port=free_port(), weights_dir=weights, log_level="ERROR")

    assert ended.returncode == page.EXIT_ARTIFACT
    (line,) = ended.stderr.strip().splitlines()
    assert line.startswith("ood_face: ")
    assert "Traceback" not in ended.stdout + ended.stderr


@pytest.mark.parametrize(
    ("setting", "value"), [("port", "many"), ("scenarios_file", "/nowhere/scenarios.toml")]
)
def test_a_wrong_setting_is_one_line_and_its_own_exit_code(tmp_path, setting, value):
    ended = run_page(tmp_path, **{"port": free_port(), setting: value, "log_level": "ERROR"})

    assert ended.returncode == page.EXIT_CONFIG
    (line,) = ended.stderr.strip().splitlines()
    assert setting.upper() in line or value in line


@pytest.mark.parametrize("host", ["0.0.0.0", "::"])  # noqa: S104 - what it is about
def test_a_server_that_others_reach_does_not_start_without_a_key(tmp_path, host):
    ended = run_page(tmp_path, port=free_port(), host=host, log_level="ERROR")

    assert ended.returncode == page.EXIT_CONFIG
    (line,) = ended.stderr.strip().splitlines()
    assert line.endswith("make one with 'ood-face keys create NAME --role admin'")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_stop_on_request_is_clean(tmp_path, number):
    port = free_port()
    with subprocess.Popen(
        page_command(),
        cwd=ROOT,
        env=page_environment(tmp_path, port=port),
        stderr=subprocess.PIPE,
        text=True,
    ) as server:
        try:
            assert server.stderr is not None
            assert any("startup complete" in line for line in server.stderr)
            with httpx.Client(transport=httpx.HTTPTransport(retries=10)) as visitor:
                answer = visitor.get(f"http://127.0.0.1:{port}/", timeout=PATIENCE_S)
            server.send_signal(number)
            _, rest = server.communicate(timeout=PATIENCE_S)
        finally:
            server.kill()

    assert answer.status_code == httpx.codes.OK
    assert server.returncode == 0
    assert "Traceback" not in rest
