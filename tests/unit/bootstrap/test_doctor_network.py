"""``ood-face doctor`` about the port, the keys and supervisord."""

from __future__ import annotations

import json
import os
import shutil
import socket
import tempfile
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from socketserver import UnixStreamServer

import pytest

from ood_face.access import KeyStore
from ood_face.bootstrap.doctor import State, network, supervisor
from ood_face.bootstrap.doctor.network import check_keys, check_port
from ood_face.bootstrap.doctor.supervisor import check_supervisor, socket_path
from ood_face.config import Settings
from ood_face.types import Role

ROOT = Path(__file__).resolve().parents[3]
EVERYWHERE = "0.0.0.0"  # noqa: S104 - nothing listens there
READY = {"status": "ready", "model_id": "rts-r18@2"}


def served(handler: type[BaseHTTPRequestHandler], server_class, address):
    server = server_class(address, handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    return server, thread


@contextmanager
def answering(answers: dict[str, tuple[int, str]], silent: str = "") -> Iterator[int]:
    """Serve these answers by path, and 404 else, but nothing at one; yield the port."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            if self.path == silent:
                return
            status, body = answers.get(self.path, (404, "<html>"))
            self.send_response(status)
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *_arguments):
            pass

    server, thread = served(Handler, HTTPServer, ("127.0.0.1", 0))
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def port_key(port: int, host: str = "127.0.0.1") -> tuple[State, str]:
    found = check_port(Settings(_env_file=None, host=host, port=port))
    return found.state, found.key


def test_a_free_port_is_free():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    assert port_key(port) == (State.OK, "port_free")
    assert port_key(0) == (State.OK, "port_any")


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", EVERYWHERE])
def test_our_own_server_is_known_by_its_answers(host):
    answers = {"/healthz": (200, '{"status":"ok"}'), "/readyz": (200, json.dumps(READY))}
    with answering(answers) as port:
        assert port_key(port, host) == (State.OK, "port_ours")
    answers["/readyz"] = (503, '{"status":503,"code":"request.self_test"}')
    with answering(answers) as port:
        assert port_key(port, host) == (State.PROBLEM, "port_not_ready")


def test_our_own_server_is_known_also_where_it_does_not_say_whether_it_is_ready():
    with answering({"/healthz": (200, '{"status":"ok"}')}, silent="/readyz") as port:
        found = check_port(Settings(_env_file=None, host="127.0.0.1", port=port))
    assert (found.state, found.key) == (State.PROBLEM, "port_not_ready")


@pytest.mark.parametrize("body", ["<html>", '{"status":"up"}', "[1]", "\xff"])
def test_another_program_on_the_port_is_a_problem(body):
    with answering({"/healthz": (200, body)}) as port:
        assert port_key(port) == (State.PROBLEM, "port_taken")


def test_a_program_that_says_nothing_is_a_problem(monkeypatch):
    monkeypatch.setattr(network, "_ANSWER_S", 0.05)
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        assert port_key(listener.getsockname()[1]) == (State.PROBLEM, "port_taken")


def test_an_address_that_is_not_ours_is_a_problem():
    # kept for documentation (RFC 5737, RFC 2606): no machine has them
    assert port_key(7860, "192.0.2.77") == (State.PROBLEM, "port_not_here")
    assert port_key(7860, "nowhere.invalid") == (State.PROBLEM, "port_no_host")


def test_a_port_for_root_alone_is_a_problem_for_others(monkeypatch, tmp_path):
    first = tmp_path / "first"
    first.write_text("65535\n")
    monkeypatch.setattr(network, "_FIRST_FREE", first)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    monkeypatch.setattr(network.os, "geteuid", lambda: 1000)
    assert port_key(port) == (State.PROBLEM, "port_privileged")
    monkeypatch.setattr(network.os, "geteuid", lambda: 0)
    assert port_key(port) == (State.OK, "port_free")


def key_key(folder: Path, **settings: object) -> tuple[State, str]:
    found = check_keys(Settings(_env_file=None, data_dir=folder, **settings))
    return found.state, found.key


def test_without_keys_only_this_machine_may_be_served(tmp_path):
    assert key_key(tmp_path) == (State.OK, "keys_none_needed")
    assert key_key(tmp_path, host=EVERYWHERE) == (State.PROBLEM, "keys_none_beyond")
    assert key_key(tmp_path, api_keys="required") == (State.WARNING, "keys_none_standing")
    assert list(tmp_path.iterdir()) == []


def test_keys_that_count_are_told_from_those_that_do_not(tmp_path):
    with closing(KeyStore(tmp_path)) as store:
        store.create("gate", [Role.READ])
        assert key_key(tmp_path, host=EVERYWHERE) == (State.OK, "keys_sound")
        store.revoke("gate")
        assert key_key(tmp_path) == (State.WARNING, "keys_none_standing")
    assert key_key(tmp_path) == (State.WARNING, "keys_none_standing")
    (tmp_path / "access.sqlite").write_bytes(b"no database" * 100)
    assert key_key(tmp_path) == (State.PROBLEM, "keys_unreadable")


@pytest.fixture
def home() -> Iterator[Path]:
    # not tmp_path: a socket's path may have 107 characters at most
    folder = Path(tempfile.mkdtemp(prefix="ood-face-"))
    (folder / "deploy").mkdir()
    (folder / "var" / "run").mkdir(parents=True)
    shutil.copy(ROOT / "deploy" / "supervisord.conf", folder / "deploy")
    yield folder
    shutil.rmtree(folder)


def supervisor_keys(home: Path) -> list[tuple[str, str]]:
    found = check_supervisor(home / "deploy" / "supervisord.conf")
    return [(one.state.value, one.key) for one in found]


@contextmanager
def supervisord(home: Path, states: dict[str, str], *, status: int = 200) -> Iterator[None]:
    """Answer on the control socket as supervisord does."""
    members = "".join(
        "<value><struct>"
        f"<member><name>name</name><value><string>{name}</string></value></member>"
        f"<member><name>statename</name><value><string>{state}</string></value></member>"
        "</struct></value>"
        for name, state in states.items()
    )
    body = (
        "<?xml version='1.0'?><methodResponse><params><param><value><array><data>"
        f"{members}</data></array></value></param></params></methodResponse>"
    ).encode()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            asked = self.rfile.read(int(self.headers["Content-Length"]))
            assert b"supervisor.getAllProcessInfo" in asked
            self.send_response(status)
            self.send_header("Content-Type", "text/xml")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def address_string(self):
            return "unix"

        def log_message(self, *_arguments):
            pass

    path = str(home / "var" / "run" / "supervisor.sock")
    server, thread = served(Handler, UnixStreamServer, path)
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_where_nobody_supervises_that_is_all_right(home, tmp_path):
    assert supervisor_keys(tmp_path) == [("ok", "supervisor_none")]
    assert supervisor_keys(home) == [("ok", "supervisor_down")]
    assert socket_path(home / "deploy" / "supervisord.conf") == home / "var/run/supervisor.sock"


def test_the_states_of_all_programs_are_told(home):
    with supervisord(home, {"face-recognition-ood": "RUNNING", "memmon": "RUNNING"}):
        assert supervisor_keys(home) == [("ok", "supervisor_sound")]
    (home / "var" / "run" / "supervisor.sock").unlink()
    with supervisord(home, {"face-recognition-ood": "FATAL", "memmon": "STOPPED"}):
        assert supervisor_keys(home) == [
            ("problem", "supervisor_program"),
            ("warning", "supervisor_program"),
        ]


def test_a_supervisord_that_answers_nonsense_is_a_problem(home):
    with supervisord(home, {}, status=500):
        assert supervisor_keys(home) == [("problem", "supervisor_silent")]


def test_a_socket_that_was_left_behind_is_a_warning(home):
    path = home / "var" / "run" / "supervisor.sock"
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(path))
    assert supervisor_keys(home) == [("warning", "supervisor_stale")]


def test_a_path_too_long_for_a_socket_is_a_problem(home):
    deep = home / ("d" * 90) / "deploy"
    deep.mkdir(parents=True)
    shutil.copy(ROOT / "deploy" / "supervisord.conf", deep)
    assert supervisor_keys(deep.parent) == [("problem", "supervisor_long_path")]


def test_the_socket_of_another_user_is_told(home, monkeypatch):
    with supervisord(home, {}):

        class Refusing(socket.socket):
            def connect(self, _address):
                raise PermissionError

        monkeypatch.setattr(supervisor.socket, "socket", Refusing)
        assert supervisor_keys(home) == [("warning", "supervisor_forbidden")]
    assert os.path.lexists(home / "var" / "run" / "supervisor.sock")
