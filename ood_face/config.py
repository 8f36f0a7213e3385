"""Settings from the environment (prefix ``OOD_FACE_``) and a ``.env`` file: the only door to it."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Literal, NamedTuple

from dotenv import dotenv_values
from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

__all__ = ["Given", "Settings", "given"]

PROJECT_ROOT = Path(__file__).resolve().parent.parent


def _cores() -> int:
    return len(os.sched_getaffinity(0))


class Settings(BaseSettings):
    """Everything an operator can set; each field is the variable ``OOD_FACE_<FIELD>``."""

    model_config = SettingsConfigDict(
        env_prefix="OOD_FACE_", env_file=".env", env_ignore_empty=True, frozen=True, extra="ignore"
    )

    host: str = Field("127.0.0.1", description="Address to listen on.")
    port: int = Field(7860, ge=0, le=65535, description="Port of the page and the API.")
    weights_dir: Path = Field(PROJECT_ROOT / "weights", description="Folder with manifest.toml.")
    model: str | None = Field(None, description="Embedding model; unset: the manifest's default.")
    scenarios_file: Path | None = Field(
        None, description="TOML file whose scenarios are added to the built-in ones."
    )
    probability_file: Path | None = Field(
        None,
        description="What makes P(same), from 'ood-face weights fit-probability'; unset: the "
        "model's own.",
    )
    detector: Literal["mtcnn", "facenet-pytorch"] = Field("mtcnn", description="Face detector.")
    min_face_share: float = Field(
        0.05, gt=0, le=1, description="Smallest face sought, as a share of the shorter side."
    )
    min_face_px: int = Field(24, ge=20, description="No face smaller than this is sought.")
    detection_max_side_px: int = Field(
        1280, ge=64, description="Larger pictures are scaled down to this for detection only."
    )
    min_probability: float = Field(0.9, ge=0, le=1, description="Lowest face probability kept.")
    dominant_face_ratio: float = Field(
        2.0,
        ge=1,
        description="Where one face is wanted, the largest is taken if its area is this many "
        "times the next one's; otherwise the picture is refused. 1: always the largest.",
    )
    max_faces: int = Field(
        32, ge=1, description="At most this many faces, the largest, per picture."
    )
    max_image_bytes: int = Field(15 * 2**20, ge=1, description="Largest encoded picture.")
    max_image_pixels: int = Field(50_000_000, ge=1, description="Largest picture, width x height.")
    workers: int = Field(
        default_factory=_cores,
        ge=1,
        description="Predictors of each network: pictures processed at once; unset: one per core.",
    )
    # pictures side by side use the cores better than threads at one picture
    threads_per_worker: int = Field(
        1,
        ge=1,
        description="Threads that share one picture, its windows and its faces; as many as cores "
        "answer a single caller sooner, and many callers later.",
    )
    precision: Literal["auto", "float32", "bfloat16", "int8"] = Field(
        "auto",
        description="Number format of the networks; auto: bfloat16 where the processor has it; "
        "int8: the backbone in integers, faster and a little less exact.",
    )
    engine: Literal["auto", "onednn", "paddle"] = Field(
        "auto",
        description="What runs the networks: oneDNN itself, or Paddle's executor; auto: oneDNN for "
        "every network that it can run.",
    )
    queue_size: int = Field(32, ge=0, description="Requests that may wait; more are answered 503.")
    queue_timeout_s: float = Field(10.0, gt=0, description="Longest wait for a free worker.")
    data_dir: Path = Field(
        PROJECT_ROOT / "var" / "data",
        description="Folder of the galleries, the API keys and the audit log; one process at a "
        "time may serve it.",
    )
    milvus_uri: str | None = Field(
        None,
        description="Keep galleries in this Milvus (http://host:19530, or a file for Milvus Lite) "
        "and not in the data folder.",
    )
    milvus_token: SecretStr | None = Field(None, description="User and password, or token.")
    compress_above: int = Field(
        100_000,
        ge=1000,
        description="A gallery with more templates than this is searched through a compressed "
        "index.",
    )
    api_keys: Literal["auto", "required"] = Field(
        "auto",
        description="auto: the API asks for a key as soon as one exists, and always when it "
        "listens beyond this machine; required: always, and the page asks as well.",
    )
    trusted_proxies: str = Field(
        "127.0.0.1,::1",
        description="Addresses or networks of proxies, separated by commas, of which it is "
        "believed who their client is and whether it spoke TLS (X-Forwarded-For and -Proto).",
    )
    rate_limit_per_minute: int = Field(
        600, ge=1, description="Requests a key may make a minute, unless it has its own limit."
    )
    audit_days: int = Field(365, ge=1, description="How long the audit log keeps an event.")
    review_items: int = Field(
        10_000,
        ge=0,
        description="Most doubtful verdicts in the review queue; the oldest without a label go "
        "first. 0: no queue.",
    )
    review_days: int = Field(90, ge=1, description="How long the review queue keeps an item.")
    review_crops: bool = Field(
        False, description="Keep the aligned faces of the verdicts in the review queue."
    )
    review_uncertain_above: float = Field(
        0.5,
        ge=0,
        le=1,
        description="Other verdicts enter the review queue as well if P(same) contradicts them, or "
        "if twice the lesser of P(same) and 1 - P(same) is at least this.",
    )
    drift_reference_pictures: int = Field(
        1000,
        ge=500,
        le=100_000,
        description="So many of the first numbers of each kind (scores, similarities) become the "
        "reference that later ones are compared with.",
    )
    drift_calibration: str | None = Field(
        None,
        description="Name of the model's calibration whose scores are the reference; unset: the "
        "first that come.",
    )
    drift_ece_alert: float = Field(
        0.15,
        gt=0,
        lt=1,
        description="Expected calibration error on labelled items above which the drift watch "
        "raises an alarm.",
    )
    drift_webhook_url: str | None = Field(
        None, description="Told by POST when something drifts and when that is over."
    )
    drift_webhook_hosts: str = Field(
        "", description="The only hosts that address may name, separated by commas."
    )
    max_held_bytes: int = Field(
        256 * 2**20,
        ge=1,
        description="Most bytes of requests that are kept at once while they wait and are worked "
        "on, batches aside; more are answered 503. Never less than the largest request.",
    )
    max_batch_bytes: int = Field(
        256 * 2**20, ge=1, description="Largest request that enrols many pictures at once."
    )
    max_connections: int = Field(
        2000,
        ge=16,
        description="Connections at once; one more takes the place of the one that has waited "
        "longest without a request, or is answered 503.",
    )
    header_timeout_s: float = Field(
        10.0, gt=0, description="Time for the head of a request to arrive, else 408."
    )
    body_timeout_s: float = Field(
        20.0,
        gt=0,
        description="Time for the body of a request to arrive, and a second more for every "
        "32 KiB of it, else 408.",
    )
    answer_timeout_s: float = Field(
        30.0, gt=0, description="Longest time in which a client takes nothing of its answer."
    )
    keep_alive_s: float = Field(
        15.0, gt=0, description="How long a connection may wait for its next request."
    )
    stop_timeout_s: float = Field(
        20.0,
        gt=0,
        description="Time for requests at work and in the queue to end once a stop is asked for; "
        "keep it below supervisord's stopwaitsecs.",
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        "INFO", description="Log level."
    )
    log_format: Literal["plain", "json"] = Field(
        "plain", description="plain: lines for people; json: one object a line."
    )
    memory_limit_mib: int | None = Field(
        None,
        ge=256,
        description="The supervised server is restarted when it holds more memory than this "
        "(resident, MiB); unset: three quarters of the machine's or container's.",
    )


class Given(NamedTuple):
    """Which variables with our prefix are set, known ones or not.

    Attributes
    ----------
    names : in capitals, each with where it stands: ``environment``, or the path of the file
    file : the ``.env`` file; None: there is none
    problem : why it cannot be read; empty: it can
    """

    names: Mapping[str, str]
    file: Path | None
    problem: str


def given() -> Given:
    """Return what is set in the environment and in the file that :class:`Settings` reads."""
    prefix = str(Settings.model_config["env_prefix"])
    file = Path(str(Settings.model_config["env_file"])).absolute()
    found: dict[str, str] = {}
    problem = ""
    try:
        # opened here: dotenv takes a file that it may not read for one that is not there
        with file.open(encoding="utf-8") as stream:
            found = dict.fromkeys(dotenv_values(stream=stream), str(file))
    except FileNotFoundError:
        return Given(_ours(os.environ, prefix), None, "")
    except OSError as exc:
        problem = exc.strerror or type(exc).__name__
    except UnicodeDecodeError as exc:
        problem = f"no UTF-8: {exc.reason}"
    of_file = {name: where for name, where in found.items() if name.upper().startswith(prefix)}
    return Given(
        {name.upper(): where for name, where in of_file.items()} | _ours(os.environ, prefix),
        file,
        problem,
    )


def _ours(names: Iterable[str], prefix: str) -> dict[str, str]:
    return {name.upper(): "environment" for name in names if name.upper().startswith(prefix)}
