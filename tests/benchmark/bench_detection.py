"""Face detection beside facenet-pytorch's MTCNN: the same faces, and how much faster.

Both get the same decoded pictures, picture by picture in turn, each in a process of its own that
is confined to the same one core, and then to the same two. *Equal settings*: every face from 20
pixels on, the same thresholds and pyramid, nothing scaled down.

``python -m tests.benchmark.bench_detection [--pictures DIR] [--rounds N] [--cores N ...]``
"""

from __future__ import annotations

import argparse
import statistics
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.benchmark.machine import Figure, publish
from tests.benchmark.made_pictures import PICTURES
from tests.benchmark.matching import Agreement, agreement
from tests.benchmark.players import (
    NO_PEERS,
    Player,
    cores_in_words,
    cores_to_measure,
    in_words,
    median_of,
    peers_python,
    take_turns,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    Rounds = dict[tuple[str, Path], list[dict[str, Any]]]

ROUNDS = 5
# who, asked for what
PEER = "facenet-pytorch"
SETTINGS = ("equal", "default")
PEER_MIN_FACE_PX = 20


def ask_all(cores: int, pictures: Sequence[Path], rounds: int) -> tuple[Rounds, dict[str, Any]]:
    """Return everybody's answers by (who, picture), and what the peer says of itself."""
    python = peers_python()
    with Player("ours", cores) as ours:
        questions = {
            (name, path): lambda name=name, path=path: ours.ask(
                "detect", path=str(path), settings=name
            )
            for path in pictures
            for name in SETTINGS
        }
        if python is None:
            return take_turns(questions, rounds), {}
        with Player("facenet", cores, python) as peer:
            questions |= {
                (PEER, path): lambda path=path: peer.ask(
                    "detect", path=str(path), min_face_px=PEER_MIN_FACE_PX
                )
                for path in pictures
            }
            in_turn = dict(sorted(questions.items(), key=lambda item: item[0][1]))
            return take_turns(in_turn, rounds), peer.ask("about")


def speed(cores: int, answers: Rounds, about: dict[str, Any]) -> list[Figure]:
    """Return the milliseconds a picture, wall and CPU, and the ratios to the peer."""
    mean_ms = {
        (who, what): statistics.mean(
            median_of(rounds, what) for (asked, _), rounds in answers.items() if asked == who
        )
        for who in {asked for asked, _ in answers}
        for what in ("wall_ms", "cpu_ms")
    }
    label = cores_in_words(cores)
    figures = []
    for who in (PEER, *SETTINGS) if about else SETTINGS:
        name = who if who == PEER else f"ours, {who} settings"
        note = in_words(about) if who == PEER else ""
        for what, unit in (("wall_ms", "ms/picture"), ("cpu_ms", "CPU ms/pict")):
            figures.append(Figure(f"{label}: {name}", mean_ms[who, what], unit, note))
    if about:
        for who in SETTINGS:
            for what, kind in (("wall_ms", "wall"), ("cpu_ms", "CPU")):
                ratio = mean_ms[PEER, what] / mean_ms[who, what]
                figures.append(
                    Figure(f"{label}: {who} settings, times as fast, {kind}", ratio, "x")
                )
    return figures


def recall(answers: Rounds, pictures: Sequence[Path]) -> list[Figure]:
    """Compare who found which faces at equal settings."""
    found = Agreement()
    for path in pictures:
        found += agreement(answers["equal", path][-1], answers[PEER, path][-1])
    return [
        Figure("equal settings: faces, ours", found.ours, ""),
        Figure(f"equal settings: faces, {PEER}", found.theirs, ""),
        Figure("equal settings: of theirs, ours found", found.of_theirs_percent, "%", "IoU > 0.5"),
        Figure("equal settings: of ours, they found", found.of_ours_percent, "%", "IoU > 0.5"),
        Figure("equal settings: landmarks apart, mean", found.mean_px, "px"),
        Figure("equal settings: landmarks apart, worst", found.worst_px, "px"),
    ]


def stages(cores: int, pictures: Sequence[Path], rounds: int) -> list[Figure]:
    """Return where our time goes, in wall milliseconds."""
    figures = []
    with Player("ours", cores) as ours:
        for settings in SETTINGS:
            answers = take_turns(
                {
                    path: lambda path=path, settings=settings: ours.ask(
                        "stages", path=str(path), settings=settings
                    )["ms"]
                    for path in pictures
                },
                rounds,
            )
            for stage in answers[pictures[0]][0]:
                ms = statistics.mean(median_of(rounds_, stage) for rounds_ in answers.values())
                name = f"{cores_in_words(cores)}: {settings} settings: {stage}"
                figures.append(Figure(name, ms, "ms/picture"))
    return figures


def main(argv: list[str] | None = None) -> int:
    """Measure, print, write ``build/bench/detection.json``."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--pictures", type=Path, default=PICTURES, help="folder with *.jpg")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--cores", type=int, nargs="+", default=cores_to_measure())
    options = parser.parse_args(argv)
    pictures = sorted(path.resolve() for path in options.pictures.glob("*.jpg"))
    if not pictures:
        parser.error(f"there is no *.jpg in {options.pictures}")
    figures = []
    for cores in options.cores:
        answers, about = ask_all(cores, pictures, options.rounds)
        figures += speed(cores, answers, about)
        figures += stages(cores, pictures, options.rounds)
    if about:
        figures += recall(answers, pictures)
    else:
        print(NO_PEERS)
    publish("detection", f"Face detection, {len(pictures)} pictures", figures)
    return 0


if __name__ == "__main__":
    sys.exit(main())
