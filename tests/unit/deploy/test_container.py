"""Dockerfile, compose and the systemd unit fit the settings, the locks and each other."""

from __future__ import annotations

import re
from configparser import RawConfigParser
from pathlib import Path

import yaml

from ood_face.config import Settings

ROOT = Path(__file__).resolve().parents[3]
DEPLOY = ROOT / "deploy"
DOCKERFILE = (DEPLOY / "Dockerfile").read_text(encoding="utf-8")
BUILD, FINAL = DOCKERFILE.split("\nFROM ")[1:]
COMPOSE = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))
MILVUS = yaml.safe_load((DEPLOY / "milvus" / "compose.yaml").read_text(encoding="utf-8"))
SERVER = COMPOSE["services"]["server"]
UNIT_TEXT = (DEPLOY / "face-recognition-ood.service").read_text(encoding="utf-8")
SETTINGS = {f"OOD_FACE_{name.upper()}" for name in Settings.model_fields}


def unit() -> dict[str, list[str]]:
    """Return what the unit's section Service says; a directive may stand there several times."""
    section = UNIT_TEXT.partition("[Service]")[2].partition("[Install]")[0]
    found: dict[str, list[str]] = {}
    for name, value in re.findall(r"^(\w+)=(.*)$", section, re.MULTILINE):
        found.setdefault(name, []).append(value)
    return found


def supervised() -> dict[str, str]:
    conf = RawConfigParser(inline_comment_prefixes=(" ;",), strict=False)
    conf.read(DEPLOY / "supervisord.conf", encoding="utf-8")
    return dict(conf["program:face-recognition-ood"])


def ignored(path: str) -> bool:
    """Whether .dockerignore keeps a path out; the last line that fits decides."""
    out = False
    for line in (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            pattern = line.removeprefix("!")
            regular = re.escape(pattern).replace(r"\*\*/", "(.*/)?").replace(r"\*", "[^/]*")
            if re.match(rf"{regular}(/|$)", path):
                out = not line.startswith("!")
    return out


def test_the_image_is_made_of_what_the_build_may_see() -> None:
    copied = re.findall(r"^COPY (?!--from)(.+) \S+$", DOCKERFILE, re.MULTILINE)
    paths = {path for line in copied for path in line.split()}

    assert {"ood_face", "webui", "weights", "deploy/locks/serve.lock"} <= paths
    assert all((ROOT / path).exists() and not ignored(path) for path in paths)


def test_nothing_private_gets_into_the_image() -> None:
    for path in (".env", "var/data/galleries.sqlite", ".git/config", "tests/pictures/a.jpg"):
        assert ignored(path), path
    assert ignored("weights/rts-r18/calibration/night.toml")
    assert ignored("ood_face/__pycache__/errors.cpython-311.pyc")
    assert not ignored("weights/rts-r18/backbone.json")


def test_the_library_is_compiled_in_the_image_itself() -> None:
    compiler, _, rest = BUILD.partition("COPY ood_face")
    there = re.search(r"RUN .*-c \"from ood_face.native import library; library\(\)\"", rest)

    assert re.search(r"apt-get install .* gcc libc6-dev\b", compiler)
    assert there is not None
    assert "gcc" not in FINAL
    assert not ignored("ood_face/native/loops.c")
    assert ignored("ood_face/native/_native.cpython-311-x86_64-linux-gnu.so")


def test_packages_come_by_hash_and_nothing_that_installs_stays() -> None:
    assert "--require-hashes -r serve.lock" in BUILD
    assert "--without-pip" in BUILD
    assert "uninstall --yes setuptools" in BUILD
    assert "pip uninstall --yes --root-user-action=ignore setuptools wheel pip" in FINAL
    assert "install" not in FINAL.partition("COPY --from=build")[2]


def test_the_container_runs_unprivileged_and_stops_in_order() -> None:
    assert re.search(r"^USER 10001:10001$", FINAL, re.MULTILINE)
    assert "--uid 10001" in FINAL
    assert re.search(r"^STOPSIGNAL SIGTERM$", FINAL, re.MULTILINE)
    assert "/readyz" in FINAL.partition("HEALTHCHECK")[2]
    assert FINAL.rstrip().endswith('CMD ["python", "-m", "webui"]')


def test_both_name_settings_that_exist() -> None:
    named = {*SERVER["environment"], *re.findall(r"^\s+(OOD_FACE_\w+)=", FINAL, re.MULTILINE)}

    assert {"OOD_FACE_DATA_DIR", "OOD_FACE_WEIGHTS_DIR", "OOD_FACE_API_KEYS"} <= named
    assert named <= SETTINGS
    # what a person may put into the file .env for compose itself is no setting of the server
    asked = set(re.findall(r"\$\{(OOD_FACE_\w+)", (DEPLOY / "compose.yaml").read_text("utf-8")))
    own = {"CERTIFICATES", "CPUS", "DOCKERFILE", "IMAGE", "MEMORY", "PUBLISHED_PORT"}
    assert asked - SETTINGS == {f"OOD_FACE_{name}" for name in own}


def test_the_service_may_write_its_volume_and_nothing_else() -> None:
    assert SERVER["read_only"] is True
    assert SERVER["cap_drop"] == ["ALL"]
    assert SERVER["security_opt"] == ["no-new-privileges:true"]
    assert SERVER["volumes"] == ["data:/data"]
    (mount,) = SERVER["tmpfs"]
    assert {"size=64m", "noexec", "nosuid"} <= set(mount.partition(":")[2].split(","))
    assert re.search(r"OOD_FACE_DATA_DIR=/data\b", FINAL)
    assert {"mem_limit", "cpus", "pids_limit", "healthcheck"} <= set(SERVER)


def test_the_server_has_as_many_workers_as_cores_are_lent() -> None:
    environment = SERVER["environment"]

    assert environment["OOD_FACE_WORKERS"] == SERVER["cpus"]


def test_only_this_machine_reaches_the_server_and_only_nginx_is_believed() -> None:
    nginx = COMPOSE["services"]["nginx"]

    assert all(port.startswith("127.0.0.1:") for port in SERVER["ports"])
    assert (
        SERVER["environment"]["OOD_FACE_TRUSTED_PROXIES"]
        == nginx["networks"]["front"]["ipv4_address"]
    )
    assert nginx["profiles"] == ["nginx"]
    assert "./nginx.conf:/site.conf:ro" in nginx["volumes"]
    pattern, there = re.findall(r"sed 's/([^/]+)/([^/]+)/'", nginx["command"][0])[0]
    site = (DEPLOY / "nginx.conf").read_text(encoding="utf-8")
    assert len(re.findall(pattern, site)) == 1
    assert there == "server:7860"


def test_there_is_time_for_what_the_server_has_taken() -> None:
    grace_s = Settings(_env_file=None).stop_timeout_s

    assert int(SERVER["stop_grace_period"].removesuffix("s")) > grace_s
    assert int(supervised()["stopwaitsecs"]) > grace_s
    assert int(unit()["TimeoutStopSec"][0]) > int(supervised()["stopwaitsecs"])


def test_milvus_is_the_one_that_the_larger_deployment_has() -> None:
    for name in ("milvus", "etcd", "minio"):
        one, other = COMPOSE["services"][name], MILVUS["services"][name]
        assert one["profiles"] == ["milvus"]
        for key in ("image", "command", "healthcheck", "volumes", "networks"):
            assert one.get(key) == other.get(key), f"{name}: {key}"


def test_the_unit_starts_what_is_there_as_nobody_special() -> None:
    service = unit()
    home = service["WorkingDirectory"][0]
    started = service["ExecStart"][0].split()

    assert service["User"] == service["Group"] == ["ood_face"]
    assert started[0] == f"{home}/.venv/bin/supervisord"
    assert started[-1].removeprefix(f"{home}/") == "deploy/supervisord.conf"
    assert (ROOT / started[-1].removeprefix(f"{home}/")).is_file()
    assert service["ReadWritePaths"] == [f"{home}/var"]
    assert f"/usr/bin/install -d -m 0750 {home}/var/log" in service["ExecStartPre"]
    (private,) = [line for line in service["ExecStartPre"] if "0700" in line]
    assert private.split()[-2:] == [f"{home}/var/run", f"{home}/var/data"]


def test_one_signal_stops_the_server_and_nothing_outlives_supervisord() -> None:
    # mixed: TERM to supervisord alone, and KILL to whatever is left when it has ended
    assert unit()["KillMode"] == ["mixed"]
    assert "--supervised" in supervised()["command"]
    assert unit()["Restart"] == ["on-failure"]
    assert int(unit()["RestartSec"][0]) <= 2
    assert unit()["OOMPolicy"] == ["continue"]


def test_the_unit_takes_away_what_the_server_does_not_need_and_leaves_what_it_does() -> None:
    service = unit()

    for name in ("NoNewPrivileges", "PrivateTmp", "PrivateDevices", "ProtectHome"):
        assert service[name] == ["true"]
    assert service["ProtectSystem"] == ["strict"]
    assert service["CapabilityBoundingSet"] == service["AmbientCapabilities"] == [""]
    # oneDNN compiles kernels; the processor's features are read from /proc
    assert "MemoryDenyWriteExecute" not in service
    assert "ProcSubset" not in service
    # a Unix socket's owner is set by supervisord
    assert service["SystemCallFilter"] == ["@system-service", "~@privileged", "@chown"]
    assert int(service["LimitNOFILE"][0]) > Settings(_env_file=None).max_connections
