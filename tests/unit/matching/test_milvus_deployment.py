"""What deploy/milvus says fits the service, the locks and itself."""

from __future__ import annotations

import re
from importlib import metadata
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from ood_face.config import Settings

ROOT = Path(__file__).resolve().parents[3]
FOLDER = ROOT / "deploy" / "milvus"
NGINX = (FOLDER / "nginx.conf").read_text(encoding="utf-8")
DOCKERFILE = (FOLDER / "Dockerfile").read_text(encoding="utf-8")
COMPOSE = yaml.safe_load((FOLDER / "compose.yaml").read_text(encoding="utf-8"))
REPLICAS = ("replica1", "replica2")


def locked(name):
    text = (ROOT / "deploy" / "locks" / f"{name}.lock").read_text(encoding="utf-8")
    return {canonicalize_name(found) for found in re.findall(r"^([\w.-]+)==", text, re.MULTILINE)}


def needed_by(package):
    needed, left = set(), [package]
    while left:
        name = canonicalize_name(left.pop())
        if name not in needed:
            needed.add(name)
            asked = [Requirement(text) for text in metadata.requires(name) or []]
            left += [
                one.name
                for one in asked
                if one.marker is None or one.marker.evaluate({"extra": ""})
            ]
    return needed


def mapped(variable, text):
    """Return what a map of nginx gives for a text, without its captures."""
    (block,) = re.findall(rf"map [^{{}}]+ \${variable} \{{(.*?)\n    \}}", NGINX, re.DOTALL)
    default = None
    for pattern, value in re.findall(r'^\s+(".*?"|default)\s+(\S+);', block, re.MULTILINE):
        if pattern == "default":
            default = value
        elif match := re.search(pattern.strip('"').removeprefix("~").replace("(?<", "(?P<"), text):
            return match.groupdict().get(value.removeprefix("$"), value)
    return default


def test_the_image_has_the_client_of_milvus_with_all_it_needs_and_no_more():
    (names,) = re.findall(r'names="([a-z0-9 -]+)"', DOCKERFILE)

    assert set(names.split()) == needed_by("pymilvus") - locked("serve")
    assert set(names.split()) <= locked("dev")


def test_the_image_is_made_of_what_the_build_may_see():
    ignored = (FOLDER / "Dockerfile.dockerignore").read_text(encoding="utf-8").splitlines()
    copied = re.findall(r"^COPY (?!--from)(.+) \S+$", DOCKERFILE, re.MULTILINE)

    assert {path for line in copied for path in line.split()} == {
        line.removeprefix("!") for line in ignored if line.startswith("!")
    }
    assert all((ROOT / path).exists() for line in copied for path in line.split())


def test_both_replicas_are_the_same_with_settings_that_exist():
    one, other = (COMPOSE["services"][name] for name in REPLICAS)

    assert one == other
    names = [*one["environment"], *re.findall(r"^\s+(OOD_FACE_\w+)=", DOCKERFILE, re.MULTILINE)]
    fields = {f"OOD_FACE_{field.upper()}" for field in Settings.model_fields}
    assert len(names) > 4
    assert set(names) <= fields


def test_nginx_knows_the_replicas_and_nothing_else():
    pools = dict(re.findall(r"upstream (\w+) \{(.*?)\}", NGINX, re.DOTALL))

    assert set(pools) == {"any", "owner", "page"}
    for pool in pools.values():
        assert re.findall(r"server ([\w:]+);", pool) == [f"{name}:7860" for name in REPLICAS]
    assert set(REPLICAS) <= set(COMPOSE["services"])
    assert COMPOSE["services"]["nginx"]["ports"] == ["8080:8080"]


def test_a_service_refers_to_volumes_and_networks_that_are_there():
    for service in COMPOSE["services"].values():
        assert set(service["networks"]) <= set(COMPOSE["networks"])
        assert set(service.get("depends_on", [])) <= set(COMPOSE["services"])
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            assert source in COMPOSE["volumes"] or (FOLDER / source).exists()


@pytest.mark.parametrize(
    ("request_line", "pool"),
    [
        ("GET /v1/galleries", "any"),
        ("GET /v1/galleries/staff/subjects/ada", "any"),
        ("HEAD /v1/galleries/staff", "any"),
        ("POST /v1/galleries/staff:identify", "any"),
        ("POST /v1/galleries/staff/subjects/ada@b:verify", "any"),
        ("POST /v1/extract", "any"),
        ("GET /readyz", "any"),
        ("POST /v1/galleries", "owner"),
        ("POST /v1/galleries/staff/subjects", "owner"),
        ("POST /v1/galleries/staff/subjects:batch", "owner"),
        ("PATCH /v1/galleries/staff", "owner"),
        ("DELETE /v1/galleries/staff/subjects/ada/templates/7", "owner"),
        ("GET /", "page"),
        ("POST /gradio_api/queue/join", "page"),
    ],
)
def test_reads_go_anywhere_and_changes_to_the_gallerys_owner(request_line, pool):
    assert mapped("pool", request_line) == pool


@pytest.mark.parametrize(
    ("path", "gallery"),
    [
        ("/v1/galleries/staff", "staff"),
        ("/v1/galleries/staff/subjects:batch", "staff"),
        ("/v1/galleries/gate_1-b/subjects/ada/templates/7", "gate_1-b"),
        ("/v1/galleries", "galleries"),
    ],
)
def test_all_changes_of_a_gallery_have_one_owner(path, gallery):
    assert mapped("gallery", path) == gallery
