"""Embedding: the backbone and its head, RTS variance, quality score and uncertainty."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ood_face.artifacts import RANGES_KEY, verified_path
from ood_face.crew import Crews
from ood_face.embedding.head import load_head
from ood_face.embedding.plain import PlainEmbedder, make_plan
from ood_face.embedding.rts import RtsEmbedder, check_trunk
from ood_face.embedding.score import load_score_curve
from ood_face.errors import ArtifactError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ood_face.artifacts import Manifest, ModelEntry
    from ood_face.ports import Session
    from ood_face.runtime import Engine, Precision

__all__ = ["PlainEmbedder", "RtsEmbedder", "open_embedder"]

ENGINES = ("paddle", "onnx")


def open_embedder(
    manifest: Manifest,
    name: str | None = None,
    *,
    workers: int = 1,
    threads: int = 1,
    precision: Precision = "auto",
    engine: Engine = "auto",
) -> RtsEmbedder | PlainEmbedder:
    """Open an embedding model of the manifest, its files checked by sha256.

    A model with ``engine = "onnx"`` is one closed network, which gives features and no scores.

    Parameters
    ----------
    name : model of the manifest; None: its default
    workers : predictors, pictures embedded at once
    threads : that share the faces of one call; of an ONNX model, threads inside one predictor
    precision : of a Paddle program; ``auto``: bfloat16 where the processor has it, else float32;
        ``int8``: on oneDNN alone, and for a model that has ranges
    engine : of a Paddle program; see :func:`ood_face.runtime.open_session`

    Raises
    ------
    ArtifactError
        The model, one of its files, its head or its calibration is missing or wrong.
    """
    entry = manifest.chosen(name)
    name = entry.name
    if entry.kind != "embedder":
        raise ArtifactError(
            "artifacts.not_embedder",
            "model {name} is a {kind}, no embedder",
            name=name,
            kind=entry.kind,
        )
    kind = entry.extra.get("engine", ENGINES[0])
    if kind not in ENGINES:
        raise ArtifactError(
            "embedding.engine",
            "model {name}: engine is {engine}, it must be one of {engines}",
            name=name,
            engine=repr(kind),
            engines=", ".join(ENGINES),
        )
    if kind == "onnx":
        return _open_plain(entry, workers, threads)
    curve = load_score_curve(verified_path(entry, f"{name}/calibration.toml"), name)
    head = load_head(verified_path(entry, f"{name}/head.npz"))
    # OpenMP's threads inside a network sleep between two faces: 20 ms after the last one, the
    # next took 8 ms with two and 3 with one
    pool = {"workers": workers * threads, "threads": 1}
    session = _open_backbone(entry, pool, precision, engine)
    check_trunk(session, head)
    crews = Crews(threads, workers)
    return RtsEmbedder(session, head, curve, f"{name}@{entry.version}", crews)


def _open_backbone(
    entry: ModelEntry, pool: Mapping[str, int], precision: Precision, engine: Engine
) -> Session:
    from ood_face.runtime import open_int8_session, open_session  # noqa: PLC0415

    name = entry.name
    program = verified_path(entry, f"{name}/backbone.json")
    params = verified_path(entry, f"{name}/backbone.pdiparams")
    if precision != "int8":
        return open_session(program, params, **pool, precision=precision, engine=engine)
    ranges = entry.extra.get(RANGES_KEY)
    if engine == "paddle" or not isinstance(ranges, list):
        raise ArtifactError(
            "embedding.no_int8",
            "int8 needs the engine oneDNN, and a model whose entry in the manifest has a list "
            "{entry}; model {name} runs with auto",
            entry=RANGES_KEY,
            name=name,
        )
    return open_int8_session(program, params, ranges, **pool)


def _open_plain(entry: ModelEntry, workers: int, threads: int) -> PlainEmbedder:
    from ood_face.runtime import open_onnx_session  # noqa: PLC0415

    network = verified_path(entry, f"{entry.name}/network.onnx")
    session = open_onnx_session(network, workers=workers, threads=threads)
    plan = make_plan(session, session.input_specs)
    return PlainEmbedder(session, plan, f"{entry.name}@{entry.version}")
