"""What the real server says where it cannot start, with which exit code, and how soon."""

from __future__ import annotations

import hashlib
import shutil
import socket
import time

import pytest

from tests.faults.live_server import PATIENCE_S, ROOT, LiveServer, note, until
from webui.server import EXIT_ARTIFACT, EXIT_PORT

TO_DO = "stop the program that listens there, or set OOD_FACE_PORT to another port"


def ended(folder, **settings) -> tuple[int, str, float]:
    """Return exit code, what was said, and seconds to the end of a server that must not start."""
    began_s = time.monotonic()
    server = LiveServer(folder, log_level="ERROR", **settings)
    try:
        code = server.process.wait(timeout=PATIENCE_S)
    finally:
        server.end()
    return code, server.said(), time.monotonic() - began_s


@pytest.fixture
def weights(tmp_path):
    folder = tmp_path / "weights"
    shutil.copytree(ROOT / "weights", folder)
    return folder


@pytest.mark.parametrize(
    ("family", "host", "shown"),
    [(socket.AF_INET, "127.0.0.1", "127.0.0.1"), (socket.AF_INET6, "::1", "[::1]")],
)
def test_a_taken_port_is_told_before_models_are_loaded(tmp_path, family, host, shown):
    with socket.socket(family) as taken:
        taken.bind((host, 0))
        taken.listen()
        port = taken.getsockname()[1]
        server = LiveServer(tmp_path, host=host, listen_port=port, log_level="INFO")
        try:
            code = server.process.wait(timeout=PATIENCE_S)
        finally:
            server.end()

    assert code == EXIT_PORT
    assert server.said().splitlines()[-1] == (
        f"ood_face: cannot listen on {shown}:{port}: Address already in use; {TO_DO}"
    )
    assert "loaded" not in server.said()


def test_a_port_that_is_taken_while_models_are_loaded_is_told_as_well(tmp_path):
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind(("127.0.0.1", 0))
        port = other.getsockname()[1]
        server = LiveServer(tmp_path, listen_port=port)
        try:
            until(lambda: "loaded" in server.said(), server.said)
            other.listen()
            code = server.process.wait(timeout=PATIENCE_S)
        finally:
            server.end()

    assert code == EXIT_PORT
    assert f"cannot listen on 127.0.0.1:{port}: Address already in use; {TO_DO}" in server.said()
    assert "Traceback" not in server.said()


@pytest.mark.parametrize(
    ("host", "to_do"),
    [("192.0.2.7", "Cannot assign"), ("nowhere.invalid", "")],
)
def test_an_address_of_another_machine_is_told_with_what_to_set(tmp_path, host, to_do):
    code, said, _ = ended(tmp_path, host=host)

    assert code == EXIT_PORT
    (line,) = said.splitlines()
    assert line.startswith(f"ood_face: cannot listen on {host}:")
    assert to_do in line
    assert line.endswith("; set OOD_FACE_HOST to an address of this machine")


@pytest.mark.parametrize("damage", ["flipped", "cut", "missing"])
def test_broken_weights_are_named_with_hashes_and_what_to_do(tmp_path, weights, damage):
    victim = max(weights.rglob("*.pdiparams"), key=lambda path: path.stat().st_size)
    data = victim.read_bytes()
    middle = len(data) // 2
    if damage == "flipped":
        victim.write_bytes(data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :])
    elif damage == "cut":
        victim.write_bytes(data[:middle])
    else:
        victim.unlink()
    code, said, took_s = ended(tmp_path, weights_dir=weights)

    note(f"weights file {damage}", f"exit code {code} after {took_s:.1f} s: {said.strip()[:120]}")
    assert code == EXIT_ARTIFACT
    (line,) = said.splitlines()
    assert str(victim) in line
    assert "'ood-face weights verify'" in line
    if damage == "missing":
        assert "No such file or directory" in line
    else:
        assert f"sha256 {hashlib.sha256(data).hexdigest()}" in line
        assert hashlib.sha256(victim.read_bytes()).hexdigest() in line


@pytest.mark.parametrize("damage", ["no toml", "no text", "missing"])
def test_a_manifest_that_cannot_be_read_is_named_with_what_to_do(tmp_path, weights, damage):
    manifest = weights / "manifest.toml"
    if damage == "missing":
        manifest.unlink()
    else:
        manifest.write_bytes(b"[models\n" if damage == "no toml" else b"\xff\xfe\x00")
    code, said, _ = ended(tmp_path, weights_dir=weights)

    assert code == EXIT_ARTIFACT
    (line,) = said.splitlines()
    assert str(manifest) in line
    assert "'ood-face weights verify'" in line


def test_a_server_whose_weights_are_mended_starts(tmp_path, weights):
    victim = next(weights.rglob("*.pdiparams"))
    data = victim.read_bytes()
    victim.write_bytes(b"")
    server = LiveServer(tmp_path, weights_dir=weights)
    try:
        assert server.process.wait(timeout=PATIENCE_S) == EXIT_ARTIFACT
        victim.write_bytes(data)
        server.start()
        server.wait_ready()
        assert server.extract().status_code == 200
    finally:
        server.end()
